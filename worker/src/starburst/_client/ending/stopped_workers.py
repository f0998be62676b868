"""Waiting until a stopped session's workers have left: what they are in the middle of is written.

A worker that is told to stop commits what it has, for up to two minutes. A session that is erased
earlier may hold a result afterwards; that cannot be read, its key is erased.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starburst._client.access.controller import Control
from starburst._client.access.status_reader import StatusReader

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.contract import SessionKeys

__all__ = ["wait_until_workers_left"]


def wait_until_workers_left(connection: Connection, keys: SessionKeys, control: Control) -> bool:
    """Return once no worker of a stopped session is left; False where some stay for 3 minutes."""
    timings, statuses = connection.timings, StatusReader(connection, keys)
    until = time.monotonic() + timings.workers_leave_seconds
    while (status := statuses.read()) is not None and status.workers_running:
        if time.monotonic() > until:
            return False
        time.sleep(timings.workers_leave_pause_seconds)
        control.refresh()
    return True

"""Waiting until a stopped session's workers have left: what they are in the middle of is written.

A worker that is told to stop commits what it has, for up to two minutes. Whoever erases a session
earlier may find a result in it afterwards; nobody could read that, its key is erased.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from starburst._client.access.controller import Control
from starburst._protocol.status import StatusDocument
from starburst.contract import SessionKeys

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

__all__ = ["wait_for_departure"]

_LONGEST_SECONDS: Final = 180
"""ECS kills a worker 120 s after it was told to stop, and takes a while to say so."""

_PAUSE_SECONDS: Final = 1.0


def wait_for_departure(connection: Connection, keys: SessionKeys, control: Control) -> bool:
    """Return once no worker of a stopped session is left; False where some are after 3 minutes."""
    until = time.monotonic() + _LONGEST_SECONDS
    while _workers(connection, keys):
        if time.monotonic() > until:
            return False
        time.sleep(_PAUSE_SECONDS)
        control.refresh()
    return True


def _workers(connection: Connection, keys: SessionKeys) -> int:
    text = connection.read(keys.status, purpose="read the session's status")
    if text is None:
        return 0
    with suppress(ValueError):
        return StatusDocument.from_json(text).workers_running
    return 0

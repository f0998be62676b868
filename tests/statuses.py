"""A controller's word on a session, which tests change where they ask something of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starburst._protocol.status import StatusDocument

__all__ = ["a_status"]


def a_status(**fields: Any) -> StatusDocument:
    """A session that has ended, and whose worker has left."""
    return replace(
        StatusDocument(
            session="a" * 20,
            state="ended",
            reason="stopped by its user",
            workers_wanted=0,
            workers_starting=0,
            workers_running=0,
            workers_started=1,
            workers_lost=0,
            backlog=0,
            in_flight=0,
            worker_seconds=1,
            usd=0.1,
            started=1,
            deadline=2,
            updated=1,
        ),
        **fields,
    )

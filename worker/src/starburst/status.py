"""A session's status as the controller writes it and people read it. Pure, like the manifest."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from .contract import PROTOCOL

__all__ = ["SessionState", "SessionStatus"]

SessionState = Literal["starting", "running", "ended", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStatus:
    """What the controller knows of a session, at ``updated``.

    Attributes:
        session: its id.
        state: ``starting`` until a worker runs, ``running``, then ``ended`` or ``failed``.
        reason: why it waits, ended or failed, in words; ECS's own where ECS has one.
        workers_wanted, workers_starting, workers_running: as of ECS.
        workers_started: launches so far, replacements included.
        workers_lost: workers that stopped with an error.
        backlog, in_flight: chunks in the queue, approximately, as of SQS.
        worker_seconds: summed run time of all workers so far.
        usd: what that costs at list price.
        started, deadline, updated: seconds since the epoch, by the controller's clock.
    """

    session: str
    state: SessionState
    reason: str
    workers_wanted: int
    workers_starting: int
    workers_running: int
    workers_started: int
    workers_lost: int
    backlog: int
    in_flight: int
    worker_seconds: float
    usd: float
    started: float
    deadline: float
    updated: float

    def to_json(self) -> bytes:
        """Return the status as JSON."""
        return json.dumps({"protocol": PROTOCOL, **asdict(self)}, sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> SessionStatus:
        """Read a status; raise ValueError where it is another protocol's."""
        try:
            fields: dict[str, Any] = json.loads(text)
            if fields.pop("protocol", None) != PROTOCOL:
                raise ValueError("status has another protocol version")
            return cls(**fields)
        except (AttributeError, TypeError) as error:
            raise ValueError(f"status is malformed: {error}") from error

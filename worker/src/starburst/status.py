"""A session's status as the controller writes it and people read it. Pure, like the manifest."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from dataclasses import fields as fields_of
from typing import Final, Literal, get_args

from .contract import PROTOCOL, read_object

__all__ = ["SessionState", "SessionStatus"]

SessionState = Literal["starting", "running", "ended", "failed"]

_MOST: Final = 1e15


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStatus:
    """What the controller knows of a session, at ``updated``.

    Attributes:
        session: its id.
        state: ``starting`` until a worker runs, ``running``, then ``ended`` or ``failed``.
        reason: why it waits, ended or failed, in words; ECS's own where ECS has one.
        workers_wanted, workers_starting, workers_running: as of ECS; of a session that has ended,
            those are running that have not left yet.
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
        fields = read_object(text)
        if fields.pop("protocol", None) != PROTOCOL:
            raise ValueError("status has another protocol version")
        try:
            status = cls(**fields)
        except TypeError as error:
            raise ValueError(f"status is malformed: {error}") from error
        _check_types(status)
        # Whoever can write it must not be able to drive the terminal that shows it.
        shown = "".join(c if c.isprintable() or c == "\n" else " " for c in status.reason)
        return replace(status, reason=shown)


def _check_types(status: SessionStatus) -> None:
    """Refuse what would fail later, in arithmetic or in a comparison."""
    for each in fields_of(status):
        value = getattr(status, each.name)
        if each.type in ("int", "float"):
            if type(value) not in (int, float) or not -_MOST < value < _MOST:
                raise ValueError(f"status field {each.name} must be a number")
        elif each.type in ("str", "SessionState") and type(value) is not str:
            raise ValueError(f"status field {each.name} must be text")
    if status.state not in get_args(SessionState):
        raise ValueError(f"status field state must be one of {', '.join(get_args(SessionState))}")

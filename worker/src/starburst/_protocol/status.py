"""A session's status document, ``status.json``: the controller writes it, clients read it.

Pure, like the manifest. What ``session.status()`` answers is ``starburst.Status``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

from starburst.contract import PROTOCOL, speaks_protocol
from starburst.untrusted.strict_json import Amount, Moment, Whole, fill, known_fields, read_object
from starburst.untrusted.terminal_text import one_line

__all__ = ["SessionState", "StatusDocument"]

SessionState = Literal["starting", "running", "ended", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusDocument:
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
        place: in the queue for room in the totals, counted from 1; 0 where it waits for none.
        error: the class in ``starburst.errors`` that its client raises where it failed; empty for
            ``FleetFailed``.
    """

    session: str
    state: SessionState
    reason: str
    workers_wanted: Whole
    workers_starting: Whole
    workers_running: Whole
    workers_started: Whole
    workers_lost: Whole
    backlog: Whole
    in_flight: Whole
    worker_seconds: Amount
    usd: Amount
    started: Moment
    deadline: Moment
    updated: Moment
    place: Whole = 0
    error: str = ""

    def to_json(self) -> bytes:
        """Return the status as JSON; what an earlier release does not know only where it says."""
        fields = {"protocol": PROTOCOL, **asdict(self)}
        for name in ("place", "error"):
            if not fields[name]:
                del fields[name]
        return json.dumps(fields, sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> StatusDocument:
        """Read a status; raise ValueError where it is another protocol's or malformed."""
        fields = read_object(text)
        if not speaks_protocol(fields.pop("protocol", None)):
            raise ValueError("status has another protocol version")
        try:
            status = fill(cls, known_fields(cls, fields))
        except ValueError as error:
            raise ValueError(f"status is malformed: {error}") from error
        # Its writer must not be able to drive the terminal that shows it. ECS's own
        # reasons have several lines.
        reason = one_line(" ".join(status.reason.split("\n")))
        return replace(
            status,
            reason=reason,
            session=one_line(status.session),
            error=one_line(status.error),
        )

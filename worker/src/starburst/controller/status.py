"""The status that people read: composed from the record and one look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from starburst._protocol.status import StatusDocument
from starburst.aws.calls import DENIED, MISSING, OUTRUN, code_of
from starburst.controller.state.environment import Environment
from starburst.controller.state.sessions import Record, Records
from starburst.controller.state.timings import Timings
from starburst.controller.workers.cost import so_far
from starburst.controller.workers.queue import Depth

from .plan import Look, demand, spent_budget
from .workers import shortage

__all__ = ["compose", "conclude", "publish"]


def compose(
    record: Record, look: Look, *, now: float, spent: tuple[float, float], timings: Timings
) -> StatusDocument:
    """Return the session's status.

    Args:
        record: of the session, its stopped workers counted.
        look: what was seen of it.
        now: the time, seconds since the epoch.
        spent: billed seconds and USD so far.
        timings: of the controller.
    """
    # Of a session that has ended, workers that are still there may still write.
    live = look.live if record.final else look.staying
    running = len(live) if record.final else sum(worker.running for worker in live)
    pending = record.launch.workers if record.launch else 0
    depth = look.depth or Depth(backlog=0, in_flight=0)
    wanted = 0 if record.final else max(len(live) + pending, demand(record, depth))
    return StatusDocument(
        session=record.session,
        state="running" if record.state == "starting" and running else record.state,
        reason=_end(record, left=running)
        if record.final
        else _why(record, look, wanted=wanted, now=now, timings=timings),
        workers_wanted=wanted,
        workers_starting=len(live) - running,
        workers_running=running,
        workers_started=record.launched,
        workers_lost=record.lost,
        backlog=depth.backlog,
        in_flight=depth.in_flight,
        worker_seconds=round(spent[0], 3),
        usd=round(spent[1], 6),
        started=record.started,
        # Of one that waits for room, its time begins only then.
        deadline=record.deadline + max(0.0, record.waits_until - record.started),
        updated=now,
        place=record.place,
        error=record.error,
    )


def publish(environment: Environment, records: Records, record: Record, look: Look) -> None:
    """Write the status; a session that ended meanwhile keeps the word of its end."""
    _write(environment, record, look)
    if not record.final:
        latest = records.active(record.session) or records.ended(record.session)
        if latest is not None and latest.record.final:
            # Those that have left since the look are counted in the record.
            left = [worker for worker in look.workers if worker.id in latest.record.known]
            conclude(environment, latest.record, replace(look, workers=left))


def conclude(environment: Environment, record: Record, look: Look) -> bool:
    """Replace the status by that of a session's end; one whose objects were erased gets none again.

    They may be erased at this very moment, so the write asks for what was there.

    Returns:
        False where S3 refuses the status: it is not there, or a policy is on its way, or another
        was quicker, who may have known of no end.
    """
    try:
        there = environment.clients.s3.head_object(
            Bucket=environment.settings.bucket, Key=record.keys.status
        )
    except ClientError as error:
        if code_of(error) in DENIED:
            return False
        if code_of(error) in MISSING:
            return True
        raise
    try:
        _write(environment, record, look, IfMatch=there["ETag"])
    except ClientError as error:
        if code_of(error) not in OUTRUN | MISSING:
            raise
        return code_of(error) in MISSING
    return True


def _write(environment: Environment, record: Record, look: Look, **condition: str) -> None:
    now = environment.clock()
    spent = so_far(
        record,
        look.workers,
        now=now,
        prices=environment.prices(),
        document=environment.document(),
    )
    environment.clients.s3.put_object(
        Bucket=environment.settings.bucket,
        Key=record.keys.status,
        Body=compose(record, look, now=now, spent=spent, timings=environment.timings).to_json(),
        ContentType="application/json",
        **condition,  # type: ignore[arg-type]
    )


def _end(record: Record, *, left: int) -> str:
    if not left:
        return record.reason
    return f"{record.reason}; {left} {'worker is' if left == 1 else 'workers are'} leaving"


def _why(record: Record, look: Look, *, wanted: int, now: float, timings: Timings) -> str:
    if record.waits_until:
        return (
            f"place {record.place} of those who wait for room, since {_at(record.held_since)} and "
            f"until {_at(record.waits_until)}: {record.held}"
        )
    live = look.staying
    running = sum(worker.running for worker in live)
    starting = len(live) - running
    missing = wanted - len(live)
    parts = [f"{running} of {wanted} workers running"]
    if starting:
        since = min((worker.created or now) for worker in live if not worker.running)
        parts.append(f"{starting} starting since {_at(since)}")
    if missing > 0:
        parts.append(_missing(record, missing, now=now, timings=timings))
    if not wanted:
        parts = ["no worker is running, none is needed until there is work"]
    if record.lost and record.trouble:
        parts.append(f"{record.lost} lost so far, the last one: {record.trouble}")
    return "; ".join(parts)


def _missing(record: Record, missing: int, *, now: float, timings: Timings) -> str:
    if record.held and record.launch is not None:
        return f"{record.held}, since {_at(record.held_since)}; {missing} workers start afterwards"
    if record.waiting_since is not None:
        return (
            f"{missing} waiting for {shortage.describe(record.shortage)} since "
            f"{_at(record.waiting_since)} (ECS: {record.shortage_said})"
        )
    spent = spent_budget(record, timings)
    if spent:
        return f"{missing} not replaced, because {spent}"
    if record.launch is not None:
        words = f" (ECS: {record.trouble})" if record.trouble and not record.lost else ""
        return f"{missing} being launched{words}"
    if record.not_before > now and record.lost:
        return f"{missing} to be replaced after {_at(record.not_before)}"
    return f"{missing} to be launched within a minute"


def _at(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M UTC")

"""What to do with a session, decided from what was seen of it. Pure: the caller does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from starburst.contract.times import QUEUE_UNSEEN_SECONDS
from starburst.controller.state.sessions import Launch, Record, concluded
from starburst.controller.state.timings import Timings
from starburst.controller.workers.fleet import Worker
from starburst.controller.workers.queue import Depth
from starburst.controller.workers.shortage import SPOT_SHORTAGES
from starburst.controller.workers.stalls import watch

from .launches import LONGEST_PAUSE, begin_launch, refused

__all__ = [
    "Look",
    "Plan",
    "decide",
    "demand",
    "spent_budget",
]

_UNSTARTED_MOST: Final = 3
_FAULTS_LEAST: Final = 5
_FIRST_PAUSE: Final = 30
_SPOT_HELD_SECONDS: Final = 300
_UNASKED_SECONDS: Final = 300
_DIME: Final = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What was seen of a session.

    Attributes:
        workers: its tasks, live ones and those that stopped of late.
        depth: of its queue; None where SQS shows no such queue, be it gone or not there yet.
    """

    workers: Sequence[Worker]
    depth: Depth | None

    @property
    def live(self) -> list[Worker]:
        """The workers that cost money."""
        return [worker for worker in self.workers if worker.live]

    @property
    def staying(self) -> list[Worker]:
        """The workers that work or are about to."""
        return [worker for worker in self.workers if worker.staying]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        record: to be saved before anything is done.
        launch: whether the record's launch is the caller's to carry out.
        surplus: workers to stop.
        why: the reason to stop them.
        requeue: whether a worker is to send again what has neither a result nor a worker.
    """

    record: Record
    launch: bool = False
    requeue: bool = False
    surplus: Sequence[Worker] = ()
    why: str = "more workers than the workspace's limits allow"


def decide(
    before: Record,
    settled: Record,
    look: Look,
    *,
    now: float,
    until: float,
    allowed: int,
    days: float,
    usd: float,
    timings: Timings,
) -> Plan:
    """Decide from one look at a session.

    Args:
        before: the record as it was read.
        settled: the same after the workers that stopped were counted.
        look: what was seen.
        now: the time, seconds since the epoch like every other moment here.
        until: when this invocation must be done.
        allowed: workers that the workspace's limits allow now.
        days: most that any session may live.
        usd: what the session has cost so far in US dollars, its live workers included.
        timings: of the controller.
    """
    record = replace(_paced(before, settled, now=now), looked=now)
    record = _missed(record, look, now=now)
    if record.final:
        return Plan(record=record)
    ending = _ending(record, look, now=now, days=days, allowed=allowed, usd=usd, timings=timings)
    if ending is not None:
        return Plan(record=ending)
    staying = look.staying
    if record.state == "starting" and any(worker.running for worker in staying):
        record = replace(record, state="running")
    record = _idle(record, look, now=now)
    most = min(record.workers, allowed)
    if look.depth is not None:
        record = _waiting(record, look, now=now, most=most)
    if len(staying) > most:
        youngest = sorted(staying, key=lambda worker: worker.created or now, reverse=True)
        surplus = tuple(youngest[: len(staying) - most])
        return Plan(record=replace(record, launch=None), surplus=surplus)
    stuck = _stuck(record, staying, now=now)
    if stuck:
        record = replace(record, spot_lacked_at=now)
        return Plan(record=record, surplus=stuck, why="Spot has no room; on demand has")
    requeue = False
    if look.depth is not None and not spent_budget(record, timings):
        record, requeue = watch(record, look.depth, now=now, timings=timings)
        if requeue:  # the request is a message more, for which there must be a worker
            look = replace(look, depth=replace(look.depth, backlog=look.depth.backlog + 1))
    plan = _launching(record, look, now=now, until=until, most=most, timings=timings)
    return replace(_calmed(plan, before, now=now), requeue=requeue)


def demand(record: Record, depth: Depth | None) -> int:
    """Return how many workers there is work for."""
    return 0 if depth is None else min(record.workers, depth.backlog + depth.in_flight)


def spent_budget(record: Record, timings: Timings) -> str:
    """Say that so many workers failed, or were killed, that they are no longer replaced, or not."""
    if record.faults > max(_FAULTS_LEAST, 2 * record.workers):
        return f"{record.faults} workers failed"
    if record.killed > max(timings.killed_least, 2 * record.workers):
        return f"{record.killed} workers were killed at their work (is memory= too small?)"
    return ""


def _stuck(record: Record, staying: Sequence[Worker], *, now: float) -> tuple[Worker, ...]:
    """Return the Spot workers of a mixed session that ECS has held for long without a machine."""
    if record.capacity != "mixed":
        return ()
    return tuple(
        worker
        for worker in staying
        if worker.spot
        and worker.status == "PROVISIONING"
        and now - (worker.created or now) > _SPOT_HELD_SECONDS
    )


def _roomier(before: Record, settled: Record, *, now: float) -> Record:
    """Take in what stopped workers tell of AWS's room: there is less of it, or some more."""
    if settled.lacked > before.lacked:
        if settled.shortage in SPOT_SHORTAGES:
            settled = replace(settled, spot_lacked_at=now)
            if settled.capacity == "mixed":
                return settled
        return refused(settled, now=now)
    # What one worker leaves of a quota, another may have at once.
    freed = "quota" in settled.shortage and settled.seconds > before.seconds
    if freed and settled.waiting_since is not None:
        return replace(settled, not_before=min(settled.not_before, now), shortages=0)
    return settled


def _waiting(record: Record, look: Look, *, now: float, most: int) -> Record:
    """End a wait that is over: all that are needed run, or what was waited for is not needed."""
    if record.waiting_since is None:
        return record
    staying, launch = look.staying, record.launch
    needed = min(most, demand(record, look.depth))
    if launch is not None and launch.until <= now and now - record.started > _UNASKED_SECONDS:
        # The work got less meanwhile; a smaller launch has to be a new one.
        launch = launch if len(staying) + launch.workers <= needed else None
    if launch is None and len(staying) >= needed and all(worker.running for worker in staying):
        return replace(record, launch=None, waiting_since=None, shortages=0)
    return replace(record, launch=launch)


def _paced(before: Record, settled: Record, *, now: float) -> Record:
    settled = _roomier(before, settled, now=now)
    if settled.lost > before.lost:
        return replace(settled, setbacks=before.setbacks + 1)
    return settled


def _calmed(plan: Plan, before: Record, *, now: float) -> Plan:
    """Forget the setbacks once a pause has passed after a launch, and nobody is to be replaced."""
    record = plan.record
    quiet = record.lost == before.lost and record.launch is None
    if quiet and now > record.not_before:
        return replace(plan, record=replace(record, setbacks=0))
    return plan


def _pause(setbacks: int) -> float:
    # The first loss is replaced at once (Spot takes workers away daily); later ones further apart.
    return min(LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(setbacks - 2, 10)) if setbacks > 1 else 0.0


def _ending(
    record: Record,
    look: Look,
    *,
    now: float,
    days: float,
    allowed: int,
    usd: float,
    timings: Timings,
) -> Record | None:
    end = _end(record, look, now=now, days=days, allowed=allowed, usd=usd, timings=timings)
    if end:
        return concluded(record, state="ended", reason=end)
    failure = _failure(record, look, now=now, timings=timings)
    return concluded(record, state="failed", reason=failure) if failure else None


def _end(
    record: Record,
    look: Look,
    *,
    now: float,
    days: float,
    allowed: int,
    usd: float,
    timings: Timings,
) -> str:
    if now >= record.deadline:
        hours = (record.deadline - record.started) / 3600
        return f"stopped at its deadline, {hours:.3g} h after its start"
    if now - record.started >= days * 86_400:
        return f"stopped after {days:g} days, the most that any session may live"
    if record.max_usd is not None and usd >= record.max_usd:
        digits = 2 if usd >= _DIME else 4
        return (
            f"stopped: it has cost ${usd:.{digits}f}, and its cap is max_usd={record.max_usd:g}; "
            "results so far are kept"
        )
    if allowed < 1:
        return f"stopped: workspace {record.workspace} no longer allows a worker of this size"
    since = record.idle_since
    idle = since is not None and now - since >= timings.idle_seconds
    if idle and not look.live and look.depth is not None and demand(record, look.depth) == 0:
        return "stopped after an hour without workers and without work"
    return ""


def _failure(record: Record, look: Look, *, now: float, timings: Timings) -> str:
    if _is_deleted(record, now=now):
        return "its queue was deleted, and its remaining work with it; start a new session"
    if not record.queue_url and now - record.started >= timings.start_seconds:
        return "its start was never completed; start a new session"
    if look.depth is None or look.live:
        return ""
    if not record.ran and record.unstarted >= _UNSTARTED_MOST:
        return f"its workers cannot start; ECS: {record.trouble}"
    spent = spent_budget(record, timings)
    if spent and look.depth.backlog:
        return f"{spent}, more than are replaced; {record.trouble}"
    return ""


def _missed(record: Record, look: Look, *, now: float) -> Record:
    """Note since when SQS has not shown the session's queue: a look that finds it begins anew."""
    if look.depth is not None or not record.queue_url:
        return replace(record, queue_missed=None)
    return record if record.queue_missed is not None else replace(record, queue_missed=now)


def _is_deleted(record: Record, *, now: float) -> bool:
    """Whether two looks, a minute apart, missed it; so a younger queue is never deleted."""
    since = record.queue_missed
    return since is not None and now - since >= QUEUE_UNSEEN_SECONDS


def _idle(record: Record, look: Look, *, now: float) -> Record:
    idle = not look.live and record.launch is None and demand(record, look.depth) == 0
    if not idle:
        return replace(record, idle_since=None)
    # What a queue holds that SQS does not show nobody knows.
    unchanged = record.idle_since is not None or look.depth is None
    return record if unchanged else replace(record, idle_since=now)


def _launching(
    record: Record, look: Look, *, now: float, until: float, most: int, timings: Timings
) -> Plan:
    here, depth, launch = look.staying, look.depth, record.launch
    staying = len(here)
    if launch is not None and launch.until <= now and staying + _unseen(launch, look) > most:
        return Plan(record=replace(record, launch=None, waiting_since=None))
    if now < record.not_before or (launch is not None and launch.until > now):
        return Plan(record=record)
    if launch is not None:
        return Plan(record=replace(record, launch=replace(launch, until=until)), launch=True)
    if depth is None:  # what there is to do nobody knows
        return Plan(record=record)
    missing = min(most, demand(record, depth)) - staying
    if not depth.backlog or missing <= 0 or spent_budget(record, timings):
        return Plan(record=record)
    paced = replace(record, not_before=now + _pause(record.setbacks))
    begun = begin_launch(paced, missing, now=now, until=until, staying=here)
    return Plan(record=begun, launch=True)


def _unseen(launch: Launch, look: Look) -> int:
    """Count what a launch still lacks; its writer may have died before writing down the rest."""
    seen = {worker.launch for worker in look.workers}
    return sum(
        size for batch, size in launch.batches.items() if f"{launch.wave}-{batch}" not in seen
    )

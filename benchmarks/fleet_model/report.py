"""What a run of the model comes to: rates against AWS's limits, time lost, money."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from starburst.pricing.prices import MINIMUM_BILLED_SECONDS, load

from .fleet import Session

__all__ = ["LIMITS", "Limit", "Outcome", "calls_table", "limits_table", "sessions_table"]

_PRICES: Final = load("eu-west-1")
_WRITES: Final = ("s3:PutObject", "s3:ListObjectsV2")
_READS: Final = ("s3:GetObject", "s3:HeadObject")


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One of AWS's limits: the most that one second may see of some actions."""

    name: str
    actions: tuple[str, ...]
    most: int


LIMITS: Final = (
    Limit(name="S3 writes and lists a prefix, /s", actions=_WRITES, most=3_500),
    Limit(name="S3 reads a prefix, /s", actions=_READS, most=5_500),
    Limit(name="RunTask on Fargate, calls/s", actions=("ecs:RunTask",), most=20),
    Limit(name="StopTask and RunTask, calls/s", actions=("ecs:StopTask", "ecs:RunTask"), most=100),
    Limit(
        name="ListTasks and DescribeTasks, calls/s",
        actions=("ecs:ListTasks", "ecs:DescribeTasks"),
        most=100,
    ),
    Limit(name="KMS, requests/s", actions=("kms:Decrypt", "kms:GenerateDataKey"), most=20_000),
)
"""SQS standard queues have none; what is in flight in one (120,000) is no rate, and apart."""

IN_FLIGHT: Final = 120_000


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One session's figures.

    Attributes:
        ideal: when the last task would have been done, had all workers, from the moment that each
            was there, shared the work without a gap.
        done: when the last result was committed.
        lag: how much later the client had it.
        lost: part of the ideal time, from the first worker on, that was lost.
        avoidable: the same against workers that take one task at a time, in order, at no cost:
            nobody does better who does not know beforehand which tasks are long.
        requests: AWS requests of client, workers and controller.
        request_usd, worker_usd: their price, and the workers'.
    """

    session: Session
    ideal: float
    done: float
    lag: float
    lost: float
    avoidable: float
    requests: int
    request_usd: float
    worker_usd: float

    @classmethod
    def of(cls, session: Session) -> Outcome:
        """Work out the figures of a session that was run."""
        began = session.work_began or 0.0
        ideal = _ideal(session.starts, session.plan.durations)
        greedy = _one_by_one(session.starts, session.plan.durations)
        return cls(
            session=session,
            ideal=ideal,
            done=session.last_commit,
            lag=session.last_collected - session.last_commit,
            lost=(session.last_commit - ideal) / (ideal - began),
            avoidable=(session.last_commit - greedy) / (greedy - began),
            requests=session.meter.total.total(),
            request_usd=_request_usd(session),
            worker_usd=_worker_usd(session),
        )

    def per_million(self, figure: float) -> float:
        """Return what a figure would be for a million tasks."""
        return figure * 1e6 / len(self.session.plan.durations)

    def broken(self) -> list[str]:
        """Return the limits that were not kept, in words."""
        wrong = [
            f"{limit.name}: {peak:,} of {limit.most:,}"
            for limit in LIMITS
            if (peak := self.session.meter.peak(limit.actions)) > limit.most
        ]
        if self.session.cloud.most_in_flight > IN_FLIGHT:
            wrong.append(f"SQS in flight: {self.session.cloud.most_in_flight:,} of {IN_FLIGHT:,}")
        return wrong


def _ideal(starts: Sequence[float], durations: Sequence[float]) -> float:
    """Return when workers that come at ``starts`` can have done all the work at the earliest."""
    work, workers, end = sum(durations), 0, 0.0
    for start in sorted(starts):
        if workers and work <= (start - end) * workers:
            break
        work -= (start - end) * workers
        workers, end = workers + 1, start
    return max(end + work / max(1, workers), min(starts) + max(durations))


def _one_by_one(starts: Sequence[float], durations: Sequence[float]) -> float:
    """Return when all is done where the next free worker takes the next task."""
    free = sorted(starts)
    end = 0.0
    for duration in durations:
        done = free[0] + duration
        heapq.heapreplace(free, done)
        end = max(end, done)
    return end


def _request_usd(session: Session) -> float:
    billed = session.meter.billed
    usd = 0.0
    for action, count in billed.items():
        service, _, name = action.partition(":")
        if service == "sqs":
            usd += count * _PRICES.need("sqs_million") / 1e6
        elif action in _WRITES:
            usd += count * _PRICES.need("s3_put_thousand") / 1e3
        elif service == "s3" and name != "DeleteObject":
            usd += count * _PRICES.need("s3_get_thousand") / 1e3
        elif service == "kms":
            usd += count * _PRICES.need("key_request_10k") / 1e4
        elif service == "lambda":
            usd += count * _PRICES.need("lambda_million") / 1e6
    return usd


def _worker_usd(session: Session) -> float:
    vcpu, gb = _PRICES.fargate("X86_64")
    hourly = session.manifest.cpu * vcpu + session.manifest.memory_gb * gb
    hourly *= _PRICES.spot_share if session.manifest.capacity == "spot" else 1.0
    end = session.clock.now
    seconds = sum(
        max(MINIMUM_BILLED_SECONDS, (task.stopped or end) - task.pulled)
        for task in session.cloud.tasks.values()
    )
    return seconds * hourly / 3600


def sessions_table(outcomes: Iterable[Outcome]) -> str:
    """Return one line a session."""
    head = (
        f"{'session':34} {'tasks':>9} {'workers':>7} {'ideal':>8} {'done':>8} {'lost':>6} "
        f"{'of it ours':>10} "
        f"{'lag':>6} {'results':>8} {'requests':>9} {'per million':>20} {'workers':>9}"
    )
    lines = [head, "-" * len(head)]
    for o in outcomes:
        plan = o.session.plan
        per = f"{o.per_million(o.requests):,.0f}, ${o.per_million(o.request_usd):.3f}"
        lines.append(
            f"{plan.name:34} {len(plan.durations):9,} {plan.workers:7} {o.ideal:7.0f}s "
            f"{o.done:7.0f}s {o.lost:6.1%} {o.avoidable:10.1%} {o.lag:5.1f}s "
            f"{o.session.nodes:8,} {o.requests:9,} {per:>20} ${o.worker_usd:8.2f}"
        )
    return "\n".join(lines)


def calls_table(outcomes: Iterable[Outcome]) -> str:
    """Return what the controller did for each session: invocations, calls of ECS, and the book.

    ``book GET`` and ``book PUT`` are what the totals cost.
    """
    counted = {
        "invoked": "lambda:Invoke",
        **{name: f"ecs:{name}" for name in ("RunTask", "StopTask", "ListTasks", "DescribeTasks")},
    }
    book = {"book GET": "s3:GetObject", "book PUT": "s3:PutObject"}
    head = f"{'session':34}" + "".join(f" {name:>13}" for name in (*counted, *book))
    lines = [head, "-" * len(head)]
    for o in outcomes:
        total = o.session.meter.total
        counts = [total[action] for action in counted.values()]
        counts += [o.session.cloud.book[action] for action in book.values()]
        cells = "".join(f" {count:13,}" for count in counts)
        lines.append(f"{o.session.plan.name:34}{cells}")
    return "\n".join(lines)


def limits_table(outcomes: Sequence[Outcome]) -> str:
    """Return the highest rate of any session beside each limit."""
    lines = [f"{'limit of AWS':40} {'most seen':>10} {'allowed':>9}   in"]
    for limit in LIMITS:
        worst = max(outcomes, key=lambda o: o.session.meter.peak(limit.actions))
        peak = worst.session.meter.peak(limit.actions)
        lines.append(f"{limit.name:40} {peak:10,} {limit.most:9,}   {worst.session.plan.name}")
    worst = max(outcomes, key=lambda o: o.session.cloud.most_in_flight)
    seen = worst.session.cloud.most_in_flight
    lines.append(
        f"{'SQS messages in flight':40} {seen:10,} {IN_FLIGHT:9,}   {worst.session.plan.name}"
    )
    throttled = sum(o.session.cloud.throttled for o in outcomes)
    lines.append(f"ECS answered 'Rate exceeded' {throttled:,} times in all; the controller waited.")
    return "\n".join(lines)

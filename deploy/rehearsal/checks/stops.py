"""A hundred short workers, started and stopped at once: how long that takes, and what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import WORKSPACE, Subject
from deploy.rehearsal.checks.on_a_worker import stay
from starburst.contract import task_family
from starburst.errors import StarburstError
from starburst_constructs.naming import cluster_name

__all__ = ["SECONDS", "STOPS"]

SECONDS: Final = 600
"""The session ends by itself after so long, and so does what it costs."""

START: Final = 300.0
STOP: Final = 240.0
_EVERY: Final = 5.0
_BATCH: Final = 100


def _look(subject: Subject) -> Answer:
    wanted, clock = subject.workers, subject.clock
    start = clock.now()
    try:
        session = subject.opens(wanted, SECONDS)
        opened = clock.now() - start
        session.map(stay, [float(SECONDS)] * wanted)
        most = _running(subject, wanted)
        started = clock.now() - start
        reason = str(session.status())
        arns = _tasks(subject, "RUNNING")
        asked = clock.now()
        ended = session.cleanup()
    except StarburstError as error:
        return Answer(failed=(f"{type(error).__name__}: {error}",))
    answered = clock.now() - asked
    left = clock.until(lambda: not _tasks(subject, "RUNNING"), within=STOP, every=_EVERY)
    stopped = _describe(subject, arns)
    codes = Counter(str(task.get("stopCode", "")) for task in stopped)
    facts: dict[str, object] = {
        "workers wanted": wanted,
        "workers seen": most,
        "status before the stop": reason,
        "seconds to open": round(opened, 1),
        "seconds to start": round(started, 1),
        "seconds of the call to stop": round(answered, 1),
        "seconds until none ran": None if left is None else round(left, 1),
        "stop codes": dict(codes),
        "seconds from asked to stopped, ECS's clock": _spans(stopped),
        "usd": ended.usd,
    }
    held, failed = [], []
    (held if most >= wanted else failed).append(
        f"{most} of {wanted} workers ran, after {started:.0f} s"
    )
    if left is None:
        failed.append(f"workers still run {STOP:.0f} s after the session was stopped")
    else:
        held.append(f"none ran {left:.0f} s after; the call to stop took {answered:.1f} s")
    return Answer(held=tuple(held), failed=tuple(failed), facts=facts)


def _running(subject: Subject, wanted: int) -> int:
    """Wait until all run, and return how many did at most."""
    most = 0

    def all_run() -> bool:
        nonlocal most
        tasks = _describe(subject, _tasks(subject, "RUNNING"))
        most = max(most, sum(task.get("lastStatus") == "RUNNING" for task in tasks))
        return most >= wanted

    subject.clock.until(all_run, within=START, every=_EVERY)
    return most


def _tasks(subject: Subject, status: str) -> list[str]:
    name = subject.environment.name
    pages = (
        subject.clients("ecs")
        .get_paginator("list_tasks")
        .paginate(
            cluster=cluster_name(name), family=task_family(name, WORKSPACE), desiredStatus=status
        )
    )
    return [arn for page in pages for arn in page["taskArns"]]


def _describe(subject: Subject, arns: Sequence[str]) -> list[Mapping[str, Any]]:
    cluster = cluster_name(subject.environment.name)
    return [
        task
        for first in range(0, len(arns), _BATCH)
        for task in subject.clients("ecs").describe_tasks(
            cluster=cluster, tasks=list(arns[first : first + _BATCH])
        )["tasks"]
    ]


def _spans(tasks: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the shortest and the longest time between ECS's own two stamps."""
    spans = [
        (end - begin).total_seconds()
        for task in tasks
        if isinstance(begin := task.get("stoppingAt"), datetime)
        and isinstance(end := task.get("stoppedAt"), datetime)
    ]
    return {"shortest": min(spans), "longest": max(spans)} if spans else {}


STOPS: Final = Check(
    name="a hundred stops",
    asks="How long do many workers take to start, and to stop at once?",
    why="Each start and stop is a call that ECS throttles, made inside one request of the client.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html",
    ),
    look=_look,
    worker=True,
)

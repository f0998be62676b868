"""Whether one task runs on one worker, from the laptop and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import WORKSPACE, Subject
from deploy.rehearsal.checks.on_a_worker import look_around
from starburst.contract import log_group_name, task_family
from starburst.errors import StarburstError
from starburst_constructs.naming import cluster_name

__all__ = ["ONE_WORKER", "stopped_tasks"]

SECONDS: Final = 600
"""One session may take so long: opening the endpoints, pulling the image, and the task."""


def _look(subject: Subject) -> Answer:
    start = subject.clock.now()
    session = None
    try:
        session = subject.opens(1, SECONDS)
        session.map(look_around, [0])
        [seen] = session.collect(timeout=SECONDS)
        seconds = subject.clock.now() - start
        ended = session.cleanup()
    except (StarburstError, TimeoutError) as error:
        return _failed(subject, session, error)
    facts = {"seconds": round(seconds, 1), "usd": ended.usd, "seen": seen}
    held = [f"a task ran and its result came back after {seconds:.0f} s"]
    failed = []
    if str(seen["getpass.getuser()"]).startswith("raises"):
        failed.append(f"getpass.getuser() {seen['getpass.getuser()']} on the worker")
    return Answer(held=tuple(held), failed=tuple(failed), facts=facts)


def _failed(subject: Subject, session: Any, error: Exception) -> Answer:  # noqa: ANN401 - the client's
    facts: dict[str, object] = {"error": f"{type(error).__name__}: {error}"}
    if session is not None:
        try:
            status = session.status()
            facts |= {"state": status.state, "status": str(status), "usd": status.usd}
            session.cleanup()
        except StarburstError as second:
            facts["then"] = f"{type(second).__name__}: {second}"
    facts["stopped"] = [_why(task) for task in stopped_tasks(subject)]
    facts["log"] = _log(subject)
    return Answer(failed=(str(facts["error"]),), facts=facts)


def stopped_tasks(subject: Subject, *, most: int = 100) -> list[Mapping[str, Any]]:
    """Return workers that stopped in the last hour, as ECS describes them."""
    ecs, name = subject.clients("ecs"), subject.environment.name
    cluster = cluster_name(name)
    arns = ecs.list_tasks(
        cluster=cluster,
        family=task_family(name, WORKSPACE),
        desiredStatus="STOPPED",
        maxResults=most,
    )["taskArns"]
    return ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []


def _why(task: Mapping[str, Any]) -> dict[str, object]:
    return {
        "stopCode": task.get("stopCode", ""),
        "stoppedReason": task.get("stoppedReason", ""),
        "containers": [
            f"{each.get('exitCode', '')} {each.get('reason', '')}".strip()
            for each in task.get("containers", [])
        ],
    }


def _log(subject: Subject) -> list[str]:
    """Return the last lines of the workers' log; it masks what is personal by itself."""
    group = log_group_name(subject.environment.name, WORKSPACE)
    answer = subject.clients("logs").filter_log_events(logGroupName=group, limit=20)
    return [event["message"] for event in answer.get("events", [])]


ONE_WORKER: Final = Check(
    name="one worker",
    asks="Does a task run on a worker, and its result come back?",
    why="Image, endpoints, keys, roles, queue and controller meet here for the first time.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html",
        "https://docs.python.org/3/library/getpass.html#getpass.getuser",
    ),
    look=_look,
    worker=True,
)

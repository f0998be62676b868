"""The session's workers: ECS tasks on Fargate, started in tens, counted, stopped.

A launch is written into the session's record before ECS is asked. Each call's idempotency token
is derived from session, wave and batch, so whoever repeats it after a crash or a throttled answer
gets the same workers, never more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from starburst.contract import WorkerVariable, task_family
from starburst.fargate import cpu_units, memory_mib

from . import refusal
from .sessions import Record
from .site import Site

__all__ = ["Launched", "Worker", "batches", "launch", "observe", "parse", "stop"]

_PER_CALL: Final = 10
_DESCRIBED_PER_CALL: Final = 100
_FAILURE_ROUNDS: Final = 3
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 8.0
_LAUNCH_TAG: Final = "starburst:launch"

_FATAL: Final = {
    "AccessDeniedException",
    "BlockedException",
    "ClientException",
    "ClusterNotFoundException",
    "InvalidParameterException",
    "PlatformTaskDefinitionIncompatibilityException",
    "PlatformUnknownException",
    "UnsupportedFeatureException",
}
_CAPACITY_WORDS: Final = ("capacity is unavailable", "reached the limit")


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """One ECS task, as far as the controller cares.

    Attributes:
        arn: of the task.
        session: what it was started by.
        status: ECS's last status.
        leaving: whether it was told to stop, or has.
        created, billed_from, stopped: seconds since the epoch; None where it has not come to it.
        ran: whether its container started.
        exit_code: of the container, or None.
        stop_code: ECS's kind of stop, or empty.
        trouble: why it stopped, in ECS's words.
        scratch_gb: its ephemeral storage, or None.
        launch: the launch tag, ``<wave>-<batch>``.
    """

    arn: str
    session: str
    status: str
    leaving: bool
    created: float | None
    billed_from: float | None
    stopped: float | None
    ran: bool
    exit_code: int | None
    stop_code: str
    trouble: str
    scratch_gb: int | None
    launch: str

    @property
    def id(self) -> str:
        """The last part of the ARN, which is unique by itself."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def live(self) -> bool:
        """Whether it costs money or will."""
        return self.status not in ("STOPPED", "DELETED")

    @property
    def staying(self) -> bool:
        """Whether it works or is about to."""
        return self.live and not self.leaving

    @property
    def running(self) -> bool:
        """Whether it takes work now."""
        return self.status == "RUNNING" and not self.leaving

    @property
    def taken(self) -> bool:
        """Whether Fargate took it away, which is no fault of the worker."""
        return self.stop_code in ("SpotInterruption", "TerminationNotice")

    @property
    def lost(self) -> bool:
        """Whether it stopped other than by finishing or by being told to."""
        if self.live or self.stop_code == "UserInitiated":
            return False
        return self.taken or self.exit_code != 0

    @property
    def capacity_lacked(self) -> bool:
        """Whether it never ran because Fargate had no room for it."""
        return not self.ran and _lacks_capacity(self.trouble)


@dataclass(frozen=True, kw_only=True, slots=True)
class Launched:
    """What became of a launch.

    Attributes:
        workers: that ECS accepted.
        batches: what is still to be asked for.
        trouble: ECS's reason why not all were accepted, or empty.
        capacity: whether that reason is a lack of capacity.
        fatal: whether asking again would change nothing.
    """

    workers: int
    batches: Mapping[str, int]
    trouble: str = ""
    capacity: bool = False
    fatal: bool = False


def batches(workers: int) -> dict[str, int]:
    """Cut a number of workers into calls.

    Example:
        >>> batches(23)
        {'0': 10, '1': 10, '2': 3}
    """
    sizes = [_PER_CALL] * (workers // _PER_CALL) + [workers % _PER_CALL]
    return {str(number): size for number, size in enumerate(sizes) if size}


def launch(site: Site, record: Record, *, seen: Iterable[Worker], until: float) -> Launched:
    """Carry out the launch that ``record`` holds, as far as time and ECS allow.

    Args:
        site: where.
        record: as it was saved, its ``launch`` set.
        seen: workers that ECS already lists; a batch among them is not asked for again, which
            also covers endpoints that do not know idempotency tokens.
        until: no call is begun later.
    """
    intent = record.launch
    if intent is None:
        return Launched(workers=0, batches={})
    listed = [worker.launch for worker in seen]
    todo = dict(intent.batches)
    accepted, trouble, capacity, rounds = 0, "", False, 0
    delay = _FIRST_DELAY
    while todo:
        if site.clock() >= until:
            return Launched(
                workers=accepted,
                batches=todo,
                trouble=trouble or "the time for one invocation was used up",
                capacity=capacity,
            )
        batch, size = next(iter(todo.items()))
        known = listed.count(f"{intent.wave}-{batch}")
        if known:
            accepted += known
            del todo[batch]
            continue
        try:
            started, failures = _run(site, record, wave=intent.wave, batch=batch, count=size)
        except (ClientError, BotoCoreError) as error:
            trouble = refusal.words(error)
            capacity = _lacks_capacity(trouble)
            if refusal.code(error) in _FATAL and not capacity:
                return Launched(workers=accepted, batches={}, trouble=trouble, fatal=True)
            if capacity or not _wait(site, delay, until=until):
                return Launched(workers=accepted, batches=todo, trouble=trouble, capacity=capacity)
            delay = min(_LONGEST_DELAY, delay * 2)
            continue
        delay = _FIRST_DELAY
        accepted += started
        del todo[batch]
        if started < size:
            trouble = "; ".join(sorted(set(failures))) or "ECS started fewer workers than asked"
            capacity = _lacks_capacity(trouble)
            todo[_again(batch)] = size - started
            rounds += 1
            if rounds > _FAILURE_ROUNDS or not _wait(site, 2.0**rounds, until=until):
                return Launched(workers=accepted, batches=todo, trouble=trouble, capacity=capacity)
    return Launched(workers=accepted, batches={})


def observe(site: Site, record: Record | None = None) -> list[Worker]:
    """Return the workers of a session, or of all sessions: live ones, and those just stopped."""
    # ECS documents that startedBy must be the only filter; stopped tasks are sorted out here.
    live: dict[str, Any] = {"desiredStatus": "RUNNING"}
    stopped: dict[str, Any] = {"desiredStatus": "STOPPED"}
    if record is not None:
        live = {"startedBy": record.session}
        stopped["family"] = task_family(site.settings.environment, record.workspace)
    arns = [*_listed(site, live), *_listed(site, stopped)]
    found: list[Worker] = []
    for start in range(0, len(arns), _DESCRIBED_PER_CALL):
        answer = site.clients.ecs.describe_tasks(
            cluster=site.settings.cluster,
            tasks=arns[start : start + _DESCRIBED_PER_CALL],
            include=["TAGS"],
        )
        found += [parse(task) for task in answer["tasks"]]
    return [worker for worker in found if record is None or worker.session == record.session]


def stop(site: Site, workers: Iterable[Worker], *, reason: str, until: float) -> int:
    """Stop workers and return how many were told to; whom time leaves out, the sweep stops."""
    told = 0
    delay = _FIRST_DELAY
    for worker in workers:
        while site.clock() < until:
            try:
                site.clients.ecs.stop_task(
                    cluster=site.settings.cluster, task=worker.arn, reason=reason[:255]
                )
            except ClientError as error:
                code = refusal.code(error)
                if code in ("InvalidParameterException", "ClientException"):
                    break  # It is gone already.
                if code == "AccessDeniedException" or not _wait(site, delay, until=until):
                    raise
                delay = min(_LONGEST_DELAY, delay * 2)
            else:
                told += 1
                break
    return told


def parse(task: Mapping[str, Any]) -> Worker:
    """Read an ECS task, from DescribeTasks or from a state change event."""
    container: Mapping[str, Any] = next(
        (c for c in task.get("containers") or () if c.get("name", "worker") == "worker"), {}
    )
    exit_code = container.get("exitCode")
    words = [task.get("stoppedReason", ""), container.get("reason", "")]
    if exit_code:
        words.append(f"exit code {exit_code}")
    tags = {tag["key"]: tag["value"] for tag in task.get("tags") or ()}
    started = _seconds(task.get("startedAt"))
    return Worker(
        arn=task["taskArn"],
        session=task.get("startedBy") or "",
        status=task.get("lastStatus", ""),
        leaving=task.get("desiredStatus") == "STOPPED",
        created=_seconds(task.get("createdAt")),
        billed_from=_seconds(task.get("pullStartedAt")) or started,
        stopped=_seconds(task.get("stoppedAt")),
        ran=started is not None,
        exit_code=exit_code,
        stop_code=task.get("stopCode") or "",
        trouble="; ".join(word for word in words if word),
        scratch_gb=(task.get("ephemeralStorage") or {}).get("sizeInGiB"),
        launch=tags.get(_LAUNCH_TAG, ""),
    )


def _run(site: Site, record: Record, *, wave: int, batch: str, count: int) -> tuple[int, list[str]]:
    spot = record.capacity == "spot"
    placement: dict[str, Any] = (
        {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]}
        if spot
        else {"launchType": "FARGATE"}
    )
    try:
        answer = site.clients.ecs.run_task(
            cluster=site.settings.cluster,
            taskDefinition=record.task_definition,
            count=count,
            startedBy=record.session,
            clientToken=f"{record.session}-{wave}-{batch}",
            platformVersion="LATEST",
            enableExecuteCommand=False,
            propagateTags="TASK_DEFINITION",
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": list(site.settings.subnets),
                    "securityGroups": [site.settings.security_group],
                    "assignPublicIp": "DISABLED",
                }
            },
            overrides={
                "cpu": cpu_units(record.cpu),
                "memory": memory_mib(record.memory_gb),
                "containerOverrides": [
                    {
                        "name": "worker",
                        "environment": [
                            {
                                "name": WorkerVariable.SESSION_PREFIX,
                                "value": record.keys.prefix,
                            },
                            {"name": WorkerVariable.QUEUE_URL, "value": record.queue_url},
                        ],
                    }
                ],
            },
            tags=[
                {"key": "starburst:workspace", "value": record.workspace},
                {"key": "starburst:user", "value": record.user},
                {"key": "starburst:session", "value": record.session},
                {"key": _LAUNCH_TAG, "value": f"{wave}-{batch}"},
            ],
            **placement,
        )
    except ClientError as error:
        if refusal.code(error) != "ConflictException":
            raise
        # The token was used before a deployment changed the subnets: its workers exist.
        return count, []
    reasons = [
        failure.get("reason") or failure.get("detail") or "" for failure in answer["failures"]
    ]
    return len(answer["tasks"]), reasons


def _listed(site: Site, filters: dict[str, Any]) -> Iterator[str]:
    following: str | None = ""
    while following is not None:
        more: dict[str, Any] = {"nextToken": following} if following else {}
        page = site.clients.ecs.list_tasks(cluster=site.settings.cluster, **filters, **more)
        yield from page["taskArns"]
        following = page.get("nextToken") or None


def _again(batch: str) -> str:
    number, _, repeat = batch.partition("r")
    return f"{number}r{int(repeat or 0) + 1}"


def _wait(site: Site, seconds: float, *, until: float) -> bool:
    if site.clock() + seconds >= until:
        return False
    site.pause(seconds)
    return True


def _lacks_capacity(words: str) -> bool:
    return any(phrase in words.lower() for phrase in _CAPACITY_WORDS)


def _seconds(moment: datetime | str | float | None) -> float | None:
    if moment is None:
        return None
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)

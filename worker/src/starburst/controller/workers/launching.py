"""Starts a session's workers: RunTask in tens, each call safe to repeat, each bought as it may be.

A launch is written into the session's record before ECS is asked. Each call's idempotency token
is derived from session, wave and batch, so an invocation that repeats it after a crash or a
throttled answer gets the same workers, never more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from starburst.aws.calls import code_of, words_of
from starburst.contract import WorkerVariable, capacity_provider
from starburst.controller.state.environment import Environment
from starburst.controller.state.sessions import Record
from starburst.pricing.fargate import SCRATCH_GB, cpu_units, memory_mib

from . import shortage
from .batches import MOST, Batch
from .fleet import LAUNCH_TAG, Worker, back_off
from .shortage import SPOT_SHORTAGES, Shortage

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import TaskOverrideTypeDef

__all__ = ["Launched", "launch"]

_FAILURE_ROUNDS: Final = 3
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 8.0
_TOLD_SECONDS: Final = 5

_PASSING: Final = ("rate exceeded", "request limit exceeded", "requestlimitexceeded")
"""What ECS says in an error of a code below that passes all the same: EC2 throttles it while it
looks at a security group. Source: https://github.com/dask/dask-cloudprovider/issues/56.
"""

_FATAL: Final = {
    "BlockedException",
    "ClientException",
    "ClusterNotFoundException",
    "InvalidParameterException",
    "PlatformTaskDefinitionIncompatibilityException",
    "PlatformUnknownException",
    "UnsupportedFeatureException",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Launched:
    """What became of a launch.

    Attributes:
        workers: that ECS accepted.
        ids: of those that its answers named.
        batches: what is still to be asked for.
        trouble: ECS's reason why not all were accepted, or empty.
        shortage: what that reason says is lacking, or None.
        spot_lacked: whether Spot lacked, even where workers on demand took its place.
        denied: whether that reason is a permission, which a deployment may be about to give.
        fatal: whether asking again would change nothing.
    """

    workers: int
    batches: Mapping[str, int]
    ids: tuple[str, ...] = ()
    trouble: str = ""
    shortage: Shortage | None = None
    spot_lacked: bool = False
    denied: bool = False
    fatal: bool = False

    @property
    def going(self) -> bool:
        """Whether only time was short, and nothing keeps back what is still to be asked for."""
        return bool(self.batches) and not (self.fatal or self.denied or self.shortage)


def launch(
    environment: Environment,
    record: Record,
    *,
    seen: Iterable[Worker],
    until: float,
    tell: Callable[[Launched], bool],
) -> Launched:
    """Carry out the launch that ``record`` holds, as far as time and ECS allow.

    Args:
        environment: in which it acts.
        record: as it was saved, its ``launch`` set.
        seen: workers that ECS already lists; a batch among them is not asked for again, which
            also covers endpoints that do not know idempotency tokens.
        until: no call is begun later.
        tell: called every few seconds with what was done since the last time; answers whether to
            go on. What it was told of is not returned again.
    """
    intent = record.launch
    if intent is None:
        return Launched(workers=0, batches={})
    work = _Work(
        environment=environment,
        record=record,
        wave=intent.wave,
        todo={Batch.parse(text): size for text, size in intent.batches.items()},
        listed=[worker.launch for worker in seen],
        until=until,
        tell=tell,
        told=environment.clock(),
    )
    return work.outcome(fatal=not work.carry_out())


@dataclass(kw_only=True, slots=True)
class _Work:
    """A launch while it is carried out."""

    environment: Environment
    record: Record
    wave: int
    todo: dict[Batch, int]
    listed: list[str]
    until: float
    tell: Callable[[Launched], bool]
    told: float
    accepted: int = 0
    ids: list[str] = field(default_factory=list)
    denied: bool = False
    trouble: str = ""
    shortage: Shortage | None = None
    spot_lacked: bool = False
    rounds: int = 0
    most: int = MOST
    delay: float = _FIRST_DELAY

    def outcome(self, *, fatal: bool) -> Launched:
        return Launched(
            workers=self.accepted,
            ids=tuple(self.ids),
            batches={} if fatal else {str(batch): size for batch, size in self.todo.items()},
            trouble=self.trouble if self.todo else "",
            shortage=self.shortage if self.todo else None,
            spot_lacked=self.spot_lacked,
            denied=self.denied,
            fatal=fatal,
        )

    def carry_out(self) -> bool:
        """Ask for one batch after another; return False where asking again would be in vain."""
        going = True
        while self.todo and going:
            now = self.environment.clock()
            if now >= self.until or not self._goes_on(now):
                return True
            batch, size = next(iter(self.todo.items()))
            known = self._known(batch)
            if known:
                self.accepted += known
                del self.todo[batch]
                continue
            count = min(size, self.most)
            spot = self.record.capacity != "on-demand" and not batch.on_demand
            try:
                started, ids, failures = _run(
                    self.environment,
                    self.record,
                    wave=self.wave,
                    batch=batch,
                    count=count,
                    spot=spot,
                )
            except (ClientError, BotoCoreError) as error:
                self.trouble = words_of(error)
                self.shortage = shortage.read(self.trouble, spot=spot)
                if self.shortage is not None:
                    going = self._lacking(batch, started=0, count=count)
                elif code_of(error) == "AccessDeniedException":
                    self.denied, going = True, False
                elif code_of(error) in _FATAL and not _passes(self.trouble):
                    return False
                else:
                    going = back_off(self.environment, self.delay, until=self.until)
                    self.delay = min(_LONGEST_DELAY, self.delay * 2)
                continue
            self.delay = _FIRST_DELAY
            self.ids += ids
            self.accepted += started
            if started < count:
                self.trouble = "; ".join(sorted(set(failures))) or "ECS started fewer than asked"
                self.shortage = shortage.read(self.trouble, spot=spot)
                going = self._lacking(batch, started=started, count=count)
            else:
                # What was lacking before is there now.
                self.trouble, self.shortage = "", None
                self._advance(batch, started)
        return True

    def _goes_on(self, now: float) -> bool:
        if not self.accepted or now - self.told < _TOLD_SECONDS:
            return True
        # What lacks now is asked for again at once; it counts where this invocation gives up.
        going = self.tell(replace(self.outcome(fatal=False), trouble="", shortage=None))
        self.accepted, self.told = 0, now
        self.ids.clear()
        return going

    def _lacking(self, batch: Batch, *, started: int, count: int) -> bool:
        """Arrange for what ECS did not start; return whether to go on asking now."""
        self._advance(batch, started)
        if self.shortage in SPOT_SHORTAGES:
            self.spot_lacked = True
            if self.record.capacity == "mixed":
                self._buy_on_demand()
                return True
        if self.shortage in ("quota", "spot-quota"):
            # ECS may refuse ten where it has room for four. Once some were started it has not.
            self.most = count // 2
            return started == 0 and self.most > 0
        self.rounds += 1
        return self.rounds <= _FAILURE_ROUNDS and back_off(
            self.environment, 2.0**self.rounds, until=self.until
        )

    def _advance(self, batch: Batch, started: int) -> None:
        """Put what is left of a batch in its place, under a token that was never used."""
        left = self.todo.pop(batch) - started
        if left:
            self.todo = {batch.again(): left, **self.todo}

    def _buy_on_demand(self) -> None:
        # What is left now waits for nothing, should the time for it be used up.
        self.trouble, self.shortage = "", None
        self.todo = {
            batch if batch.on_demand else batch.again(on_demand=True): size
            for batch, size in self.todo.items()
        }

    def _known(self, batch: Batch) -> int:
        """Count the workers that a call, or one that followed it, has started already."""
        known = 0
        for text in self.listed:
            wave, _, name = text.partition("-")
            if wave != str(self.wave):
                continue
            try:
                other = Batch.parse(name)
            except ValueError:  # another's tag, on a task that we did not start
                continue
            known += other.number == batch.number and other.repeat >= batch.repeat
        return known


def _passes(trouble: str) -> bool:
    said = trouble.lower()
    return any(phrase in said for phrase in _PASSING)


def _run(
    environment: Environment, record: Record, *, wave: int, batch: Batch, count: int, spot: bool
) -> tuple[int, list[str], list[str]]:
    """Make one call; return how many workers it started, their ids, and why not more."""
    place = _place(environment, record, spot=spot)
    try:
        answer = environment.clients.ecs.run_task(
            cluster=environment.settings.cluster_of(record.workspace),
            taskDefinition=record.task_definition,
            count=count,
            startedBy=record.session,
            clientToken=f"{record.session}-{wave}-{batch}",
            enableExecuteCommand=False,
            propagateTags="TASK_DEFINITION",
            overrides=_overrides(record),
            # The workspace's comes with the task definition: ECS wants each key once.
            tags=[
                {"key": "starburst:user", "value": record.user},
                {"key": "starburst:session", "value": record.session},
                {"key": LAUNCH_TAG, "value": f"{wave}-{batch}"},
            ],
            **place,
        )
    except ClientError as error:
        if code_of(error) != "ConflictException":
            raise
        # The token was used before a deployment changed the subnets: its workers exist, and the
        # error names them.
        named: Any = error.response.get("resourceIds") or ()
        return count, [str(arn).rpartition("/")[2] for arn in named], []
    reasons = [
        failure.get("reason") or failure.get("detail") or "" for failure in answer["failures"]
    ]
    ids = [task.get("taskArn", "").rpartition("/")[2] for task in answer["tasks"]]
    return len(ids), ids, reasons


def _place(environment: Environment, record: Record, *, spot: bool) -> dict[str, Any]:
    """Return where the workers run: always our subnets and its group, never a public address."""
    network: dict[str, Any] = {
        "subnets": list(environment.settings.subnets),
        "securityGroups": [environment.settings.group_of(record.workspace)],
    }
    if record.hosted:
        provider = capacity_provider(environment.settings.environment, record.workspace, spot=spot)
        return {
            # On an instance a task cannot have a public address, so ECS takes no word about it.
            "networkConfiguration": {"awsvpcConfiguration": network},
            "capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}],
            "placementStrategy": [{"type": "binpack", "field": "memory"}],
        }
    network["assignPublicIp"] = "DISABLED"
    return {
        "networkConfiguration": {"awsvpcConfiguration": network},
        "platformVersion": "LATEST",
        **(
            {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]}
            if spot
            else {"launchType": "FARGATE"}
        ),
    }


def _overrides(record: Record) -> TaskOverrideTypeDef:
    overrides: TaskOverrideTypeDef = {
        "cpu": cpu_units(record.cpu),
        "memory": memory_mib(record.memory_gb),
        "containerOverrides": [
            {
                "name": "worker",
                "environment": [
                    {"name": WorkerVariable.SESSION_PREFIX, "value": record.keys.prefix},
                    {"name": WorkerVariable.QUEUE_URL, "value": record.queue_url},
                    {"name": WorkerVariable.DEADLINE, "value": str(math.ceil(record.deadline))},
                ],
            }
        ],
    }
    if record.scratch_gb >= SCRATCH_GB[0] and not record.hosted:
        overrides["ephemeralStorage"] = {"sizeInGiB": record.scratch_gb}
    return overrides

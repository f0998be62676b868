"""One worker as ECS tells of it: read from its words, and stopped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from starburst.aws.calls import code_of
from starburst.controller.state.environment import Environment

from . import shortage
from .shortage import Shortage

__all__ = ["LAUNCH_TAG", "Worker", "back_off", "parse", "stop"]

LAUNCH_TAG: Final = "starburst:launch"
"""Tag of a task that says which call of which launch started it: ``<wave>-<batch>``."""

_SIGNALLED: Final = 128
"""Exit codes above this one are 128 and the number of a signal."""

_TAKEN: Final = frozenset({"InfrastructureHealth", "SpotInterruption", "TerminationNotice"})

_LAST_SECOND: Final = 253_402_300_799
"""Of the year 9999."""

_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 8.0


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
        spot: whether it was bought at the Spot price.
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
    spot: bool

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
        """Whether AWS took it away or its machine failed, which is no fault of worker or tasks.

        The codes are ECS's own: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html.
        """
        return self.stop_code in _TAKEN

    @property
    def lost(self) -> bool:
        """Whether it stopped other than by finishing or by being told to."""
        if self.live or self.stop_code == "UserInitiated":
            return False
        return self.taken or self.exit_code != 0

    @property
    def killed(self) -> bool:
        """Whether it was lost to a signal, as memory's end sends one, or without a word."""
        if not self.lost or self.taken or not self.ran:
            return False
        return self.exit_code is None or self.exit_code > _SIGNALLED

    @property
    def shortage(self) -> Shortage | None:
        """What AWS lacked so that it never ran, or None."""
        if self.live or self.ran:
            return None
        return shortage.read(self.trouble, spot=self.spot)


def stop(
    environment: Environment,
    workers: Iterable[Worker],
    *,
    cluster: str,
    reason: str,
    until: float,
) -> list[Worker]:
    """Tell workers of a cluster to stop; return those for whom there was no time.

    ECS throttles StopTask.
    """
    left = list(workers)
    delay = _FIRST_DELAY
    while left and environment.clock() < until:
        try:
            environment.clients.ecs.stop_task(
                cluster=cluster, task=left[0].arn, reason=reason[:255]
            )
        except ClientError as error:
            code = code_of(error)
            if code == "AccessDeniedException":
                raise
            if code not in ("InvalidParameterException", "ClientException"):
                if not back_off(environment, delay, until=until):
                    break
                delay = min(_LONGEST_DELAY, delay * 2)
                continue
            # It is gone already.
        left.pop(0)
    return left


def parse(task: Mapping[str, Any]) -> Worker:
    """Read an ECS task, from DescribeTasks or from a state change event.

    Raises:
        ValueError: it is none that ECS would tell of.
    """
    container: Mapping[str, Any] = next(
        (c for c in _maps(task, "containers") if c.get("name", "worker") == "worker"), {}
    )
    exit_code = container.get("exitCode")
    if exit_code is not None and type(exit_code) is not int:
        raise ValueError("its exit code is no whole number")
    words = [_text(task, "stoppedReason"), _text(container, "reason")]
    if exit_code:
        words.append(f"exit code {exit_code}")
    tags = {_text(tag, "key"): _text(tag, "value") for tag in _maps(task, "tags")}
    storage = task.get("ephemeralStorage")
    scratch_gb = storage.get("sizeInGiB") if isinstance(storage, Mapping) else None
    if scratch_gb is not None and type(scratch_gb) is not int:
        raise ValueError("its storage is no whole number")
    started = _seconds(task.get("startedAt"))
    return Worker(
        arn=_text(task, "taskArn"),
        session=_text(task, "startedBy"),
        status=_text(task, "lastStatus"),
        leaving=task.get("desiredStatus") == "STOPPED",
        created=_seconds(task.get("createdAt")),
        billed_from=_seconds(task.get("pullStartedAt")) or started,
        stopped=_seconds(task.get("stoppedAt")),
        ran=started is not None,
        exit_code=exit_code,
        stop_code=_text(task, "stopCode"),
        trouble="; ".join(word for word in words if word),
        scratch_gb=scratch_gb,
        launch=tags.get(LAUNCH_TAG, ""),
        spot=_text(task, "capacityProviderName").upper().endswith("SPOT"),
    )


def back_off(environment: Environment, seconds: float, *, until: float) -> bool:
    """Pause, where there is time for it; return whether there was."""
    if environment.clock() + seconds >= until:
        return False
    environment.pause(seconds)
    return True


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is not None and type(value) is not str:
        raise ValueError(f"its {name} is no text")
    return value or ""


def _maps(fields: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    value = fields.get(name) or ()
    if not isinstance(value, list | tuple) or not all(isinstance(one, Mapping) for one in value):
        raise ValueError(f"its {name} are no list of fields")
    return value


def _seconds(moment: object) -> float | None:
    if moment is None:
        return None
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    try:
        seconds = moment.timestamp() if isinstance(moment, datetime) else moment
    except OverflowError as error:
        raise ValueError("a time of it is beyond all measure") from error
    if type(seconds) not in (int, float) or not 0 <= seconds <= _LAST_SECOND:  # type: ignore[operator]
        raise ValueError("a time of it is none")
    return float(seconds)  # type: ignore[arg-type]

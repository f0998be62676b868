"""Tasks that ECS lists and describes as they were a few seconds ago.

AWS: ECS's API is eventually consistent; what a command did may not be visible to those that follow
at once. It recommends to look again after a couple of seconds, and after more, up to five minutes.
A task that DescribeTasks does not know yet is among its ``failures``, as ``MISSING``.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .calls import Answer, Call, Kind
from .chance import Chance

__all__ = ["TaskDelays"]

_MOST_SECONDS: Final = 12.0
_Filter = tuple[tuple[str, str], ...]


@dataclass
class TaskDelays(Kind):
    """Shows each change of a task late.

    Attributes:
        chance: of the run.
        started: when each task was started.
    """

    chance: Chance
    started: dict[str, float] = field(default_factory=dict)
    _shown: dict[str, tuple[Mapping[str, Any], Mapping[str, Any], float]] = field(
        default_factory=dict
    )
    _listed: dict[_Filter, dict[str, float]] = field(default_factory=dict)
    """Of each filter, the tasks it found, and when it first missed one; never, while it finds."""

    def after(self, call: Call, answer: Answer) -> Answer:
        """Return what ECS knew a few seconds ago."""
        if call.service != "ecs":
            return answer
        match call.operation:
            case "RunTask":
                for task in answer.get("tasks", ()):
                    self.started.setdefault(str(task["taskArn"]), call.at)
            case "ListTasks":
                return self._list(call, answer)
            case "DescribeTasks":
                return self._describe(call, answer)
        return answer

    def _list(self, call: Call, answer: Answer) -> Answer:
        found = [str(arn) for arn in answer.get("taskArns", ())]
        if call.words.get("nextToken") or answer.get("nextToken"):
            return {**answer, "taskArns": [arn for arn in found if self._known(arn, call.at)]}
        stopped = call.text("desiredStatus") == "STOPPED"
        names = ("cluster", "startedBy", "family", "desiredStatus")
        before = self._listed.setdefault(tuple((name, call.text(name)) for name in names), {})
        shown = []
        for arn in found:
            first = before.setdefault(arn, call.at)
            if stopped:
                if call.at >= first + self._delay("stopped", arn):
                    shown.append(arn)
            elif self._known(arn, call.at):
                before[arn] = float("inf")
                shown.append(arn)
        if not stopped:
            for arn in [arn for arn in before if arn not in found]:
                if before[arn] == float("inf"):
                    before[arn] = call.at
                if call.at < before[arn] + self._delay("stopped", arn):
                    shown.append(arn)
                else:
                    del before[arn]
        return {**answer, "taskArns": shown}

    def _describe(self, call: Call, answer: Answer) -> Answer:
        tasks: list[Mapping[str, Any]] = []
        failures: list[Mapping[str, Any]] = list(answer.get("failures") or ())
        for task in answer.get("tasks", ()):
            arn = str(task["taskArn"])
            if self._known(arn, call.at, kind="described"):
                tasks.append(self._as_it_was(arn, task, call.at))
            else:
                failures.append({"arn": arn, "reason": "MISSING"})
        return {**answer, "tasks": tasks, "failures": failures}

    def _as_it_was(self, arn: str, task: Mapping[str, Any], at: float) -> Mapping[str, Any]:
        """Return the state that was shown last, for a while after another was found."""
        old, new, since = self._shown.get(arn, (task, task, at))
        state = _state(task)
        if state != _state(new):
            old, new, since = (new if at >= since + self._of(arn, new) else old), task, at
        else:
            new = task
        self._shown[arn] = (old, new, since)
        return new if at >= since + self._of(arn, new) else old

    def _of(self, arn: str, task: Mapping[str, Any]) -> float:
        return self._delay("described", arn, *_state(task))

    def _known(self, arn: str, at: float, *, kind: str = "listed") -> bool:
        started = self.started.get(arn)
        return started is None or at >= started + self._delay(kind, arn)

    def _delay(self, *about: object) -> float:
        return self.chance.between(0.0, _MOST_SECONDS, "tasks", *about)


def _state(task: Mapping[str, Any]) -> tuple[str, str]:
    return str(task.get("lastStatus")), str(task.get("desiredStatus"))

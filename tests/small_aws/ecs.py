"""ECS as far as tasks go: pages, tags, and lists that lag behind what was just told to stop."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.small_aws.errors import AwsError
from tests.small_aws.pages import page

__all__ = ["TaskEcs"]


class TaskEcs:
    """One cluster.

    Attributes:
        tasks: by ARN.
        lags: how many more looks show a task that was told to stop as it was.
        refusals: what StopTask meets, by ARN.
        size: of a page.
        on_stop: told each task that stops, such as to start another.
    """

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        self.tasks: dict[str, dict[str, Any]] = {}
        self.lags, self.size = 0, 2
        self.refusals: dict[str, AwsError] = {}
        self.on_stop: Callable[[str], None] = lambda arn: None
        self._number = itertools.count()
        self._fresh: dict[str, int] = {}

    def start(self, **tags: str) -> str:
        """Start a task with tags; return its ARN."""
        arn = f"arn:aws:ecs:eu-west-1:222233334444:task/{self.cluster}/{next(self._number)}"
        self.tasks[arn] = {
            "taskArn": arn,
            "desiredStatus": "RUNNING",
            "lastStatus": "RUNNING",
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }
        return arn

    @property
    def running(self) -> list[str]:
        """ARNs of those that were not told to stop."""
        return [arn for arn, one in self.tasks.items() if one["desiredStatus"] == "RUNNING"]

    def list_tasks(
        self, *, cluster: str, desiredStatus: str = "RUNNING", nextToken: str | None = None
    ) -> dict[str, Any]:
        self._named(cluster)
        shown = [a for a in self.tasks if self._shown(a)["desiredStatus"] == desiredStatus]
        arns, after = page(shown, nextToken, size=self.size)
        return {"taskArns": arns, **({"nextToken": after} if after else {})}

    def describe_tasks(
        self, *, cluster: str, tasks: list[str], include: list[str] | None = None
    ) -> dict[str, Any]:
        self._named(cluster)
        if not 0 < len(tasks) <= 100:
            raise AwsError("InvalidParameterException", "Tasks cannot be empty.")
        found = [self._shown(arn) for arn in tasks if arn in self.tasks]
        for arn in tasks:
            self._fresh[arn] = max(0, self._fresh.get(arn, 0) - 1)
        if include != ["TAGS"]:
            found = [{name: v for name, v in one.items() if name != "tags"} for one in found]
        missing = [{"arn": arn, "reason": "MISSING"} for arn in tasks if arn not in self.tasks]
        return {"tasks": found, "failures": missing}

    def stop_task(self, *, cluster: str, task: str, reason: str) -> None:
        self._named(cluster)
        if refusal := self.refusals.get(task):
            raise refusal
        if task not in self.tasks:
            raise AwsError("InvalidParameterException", "The referenced task was not found.")
        self.tasks[task] |= {
            "desiredStatus": "STOPPED",
            "lastStatus": "STOPPED",
            "stoppedReason": reason,
        }
        self._fresh[task] = self.lags
        self.on_stop(task)

    def _shown(self, arn: str) -> dict[str, Any]:
        late = {"desiredStatus": "RUNNING", "lastStatus": "RUNNING"} if self._fresh.get(arn) else {}
        return {**self.tasks[arn], **late}

    def _named(self, cluster: str) -> None:
        if cluster != self.cluster:
            raise AwsError("ClusterNotFoundException", "Cluster not found.")

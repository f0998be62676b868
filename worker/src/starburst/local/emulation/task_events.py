"""Send ``ECS Task State Change`` events when a task starts to run and when it stops.

Stock sends none, so the controller would never hear that a worker was lost.
"""

from __future__ import annotations

import json
from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]


def _apply() -> None:
    ecs = module("services.ecs")
    events = module("services.eventbridge")

    def send(task: dict[str, Any]) -> None:
        entry = {
            "Source": "aws.ecs",
            "DetailType": "ECS Task State Change",
            "Resources": [task["taskArn"]],
            "Detail": json.dumps(ecs._sanitize(task), default=str),
        }
        events._put_events({"Entries": [entry]}, allow_aws_source=True)

    def make(original: Function) -> Function:
        def mark(arn: str, task: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            changed = original(arn, task, *args, **kwargs)
            if changed:
                send(task)
            return changed

        return mark

    wrap(ecs, "_mark_task_running", make)
    wrap(ecs, "_mark_task_stopped", make)


PATCH = Patch(name="task_events", stock="sends no ECS Task State Change event", apply=_apply)

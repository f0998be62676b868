"""Stop a task as ECS does: SIGTERM, ``stopTimeout`` seconds, SIGKILL, and its real exit code.

Stock answers that the task has stopped before it signals it, waits five seconds at most within the
call, and always says exit code 0.
"""

from __future__ import annotations

import threading
from typing import Any

from .patching import Patch, module

__all__ = ["PATCH"]


def _apply() -> None:
    ecs = module("services.ecs")
    stock_stop = ecs._ACTION_MAP["StopTask"]
    concurrency = module("core.concurrency")
    responses = module("core.responses")

    def stop_task(data: dict[str, Any]) -> Any:
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        task = None if cluster is None else ecs._resolve_task(data.get("task", ""), cluster)
        containers = [] if task is None else _containers(ecs, task)
        if task is None or not containers:
            return stock_stop(data)
        with concurrency.resource_lock("ecs-task", task["taskArn"]):
            if not ecs._task_is_active(task["taskArn"], task):
                return ecs.json_response({"task": ecs._sanitize(task)})
            ecs._bump_task_version(task)
            task["desiredStatus"] = "STOPPED"
            task["stoppingAt"] = ecs._iso()
            task["stopCode"] = "UserInitiated"
            task["stoppedReason"] = data.get("reason", "Task stopped by user")
        for container in containers:
            container.stop()
        scope = (responses.get_account_id(), responses.get_region())
        name = f"stop-{task['taskArn'].rpartition('/')[2][:8]}"
        threading.Thread(
            target=_finish, args=(ecs, task, containers, scope), name=name, daemon=True
        ).start()
        return ecs.json_response({"task": ecs._sanitize(task)})

    ecs._ACTION_MAP["StopTask"] = stop_task


def _containers(ecs: Any, task: dict[str, Any]) -> list[Any]:
    known = ecs._docker.containers.known if ecs._docker is not None else {}
    return [known[name] for name in task.get("_docker_ids") or [] if name in known]


def _finish(ecs: Any, task: dict[str, Any], containers: list[Any], scope: tuple[str, str]) -> None:
    """Mark the task stopped once its processes are, with their exit codes."""
    codes = [container.wait()["StatusCode"] for container in containers]
    with module("core.responses").request_scope(*scope):
        arn = task["taskArn"]
        with module("core.concurrency").resource_lock("ecs-task", arn):
            for record, code in zip(task.get("containers", []), codes, strict=False):
                record["exitCode"] = code
            # The emulator moves only tasks that are still wanted.
            task["desiredStatus"] = "RUNNING"
        ecs._mark_task_stopped(arn, task, task["stoppedReason"], "UserInitiated", max(codes))
        ecs._cleanup_task_resources(task, ecs._docker)


PATCH = Patch(
    name="stop_task",
    stock="says exit code 0 of every stopped task, before it has ended",
    apply=_apply,
)

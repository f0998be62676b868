"""Make RunTask answer as ECS does: idempotent, bounded, and with its overrides reflected.

Stock ignores ``clientToken`` (the same token starts more tasks), accepts any ``count`` and an
awsvpc task without a network, creates an unknown cluster, and leaves ``group``, the task's size
overrides and the task definition's tags out of the task.
"""

from __future__ import annotations

import copy
import json
import threading
from typing import Any

from .patching import Patch, module

__all__ = ["PATCH"]

_MOST_TASKS = 10
_lock = threading.Lock()
_answers: dict[tuple[str, str], tuple[str, list[str]]] = {}


def _apply() -> None:
    ecs = module("services.ecs")
    original = ecs._ACTION_MAP["RunTask"]

    def run_task(data: dict[str, Any]) -> Any:
        refusal = _refusal(ecs, data)
        if refusal is not None:
            return refusal
        definition = ecs._task_defs.get(ecs._resolve_td_key(data.get("taskDefinition", ""))) or {}
        request = {"group": f"family:{definition.get('family', '')}", **data}
        if request.get("propagateTags") == "TASK_DEFINITION":
            own = request.get("tags", [])
            names = {tag["key"] for tag in own}
            inherited = ecs._tags.get(definition.get("taskDefinitionArn")) or []
            request["tags"] = [*own, *(tag for tag in inherited if tag["key"] not in names)]
        token = str(data.get("clientToken") or "")
        if not token:
            return _run(ecs, original, request)
        # One at a time, so that two calls at once with one token start one set of tasks.
        with _lock:
            return _run_once(ecs, original, request, token=token)

    ecs._ACTION_MAP["RunTask"] = run_task


def _refusal(ecs: Any, data: dict[str, Any]) -> Any:
    """Return the error that ECS answers to a request that stock accepts; None for a good one."""
    name = ecs._resolve_cluster_name(data.get("cluster", "default"))
    if name is None or name not in ecs._clusters:
        return ecs.error_response_json("ClusterNotFoundException", "Cluster not found.", 400)
    if not 1 <= int(data.get("count", 1)) <= _MOST_TASKS:
        message = f"count must be between 1 and {_MOST_TASKS}."
        return ecs.error_response_json("InvalidParameterException", message, 400)
    definition = ecs._task_defs.get(ecs._resolve_td_key(data.get("taskDefinition", ""))) or {}
    if definition.get("networkMode") == "awsvpc" and not data.get("networkConfiguration"):
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        return ecs.error_response_json("InvalidParameterException", message, 400)
    return None


def _run(ecs: Any, original: Any, request: dict[str, Any]) -> Any:
    """Start the tasks and write what stock leaves out into their records and the answer."""
    status, headers, body = original(copy.deepcopy(request))
    answer = json.loads(body)
    overrides = request.get("overrides") or {}
    sizes = ("cpu", "ephemeralStorage", "memory")
    size = {key: overrides[key] for key in sizes if key in overrides}
    for task in answer.get("tasks", []):
        record = ecs._tasks.get(task["taskArn"])
        if record is not None:
            record.update(size)
        task.update(size)
    return status, headers, json.dumps(answer).encode()


def _run_once(ecs: Any, original: Any, request: dict[str, Any], *, token: str) -> Any:
    place = (str(ecs._resolve_cluster_name(request.get("cluster", "default"))), token)
    content = json.dumps(request, sort_keys=True)
    if place not in _answers:
        status, headers, body = _run(ecs, original, request)
        started = [task["taskArn"] for task in json.loads(body).get("tasks", [])]
        if started:
            _answers[place] = (content, started)
        return status, headers, body
    first_content, started = _answers[place]
    if first_content != content:
        message = (
            "The RunTask request could not be processed due to conflicts. The provided clientToken "
            "is already in use with a different RunTask request."
        )
        return ecs.error_response_json("ConflictException", message, 400)
    tasks = [ecs._sanitize(ecs._tasks[arn]) for arn in started if arn in ecs._tasks]
    return ecs.json_response({"tasks": tasks, "failures": []})


PATCH = Patch(
    name="run_task",
    stock="ignores clientToken, accepts any count and drops overrides and tags in RunTask",
    apply=_apply,
)

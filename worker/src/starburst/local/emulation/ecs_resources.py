"""Authorize ECS task calls on the resource that AWS names, with ``ecs:cluster`` as a condition.

Stock authorizes every call that names a cluster on the *cluster*: a correct policy on
``task-definition/…`` or ``task/…`` refuses RunTask and StopTask.
"""

from __future__ import annotations

from typing import Any

from .bodies import json_object
from .patching import Function, Patch, module, wrap

__all__ = ["PATCH", "called_action"]


def called_action(headers: dict[str, str]) -> str:
    """Return the ECS operation that a request calls."""
    return (headers.get("x-amz-target") or "").rpartition(".")[2]


def _apply() -> None:
    ecs = module("services.ecs")

    def task_definition(reference: str, *, region: str, account: str) -> str:
        found = ecs._task_defs.get(ecs._resolve_td_key(reference)) or {}
        default = reference
        if not reference.startswith("arn:"):
            default = f"arn:aws:ecs:{region}:{account}:task-definition/{reference}"
        return str(found.get("taskDefinitionArn") or default)

    def task(reference: str, cluster: str, *, region: str, account: str) -> str:
        if reference.startswith("arn:"):
            return reference
        name = cluster.rpartition("/")[2]
        return f"arn:aws:ecs:{region}:{account}:task/{name}/{reference}"

    def resources(original: Function) -> Function:
        def extract(*args: Any, **kwargs: Any) -> Any:
            service, _, _, headers, body, _, region, account = args
            action = called_action(headers) if service == "ecs" else ""
            request = json_object(body) if action else {}
            cluster = str(request.get("cluster") or "default")
            place = {"region": region, "account": account}
            if action == "RunTask":
                return task_definition(str(request.get("taskDefinition", "")), **place)
            if action == "StopTask":
                return task(str(request.get("task", "")), cluster, **place)
            if action == "DescribeTasks" and request.get("tasks"):
                return task(str(request["tasks"][0]), cluster, **place)
            if action == "ListTasks":
                return f"arn:aws:ecs:{region}:{account}:container-instance/*/*"
            return original(*args, **kwargs)

        return extract

    def conditions(original: Function) -> Function:
        def context(service: str, action: str, body: bytes, params: Any) -> dict[str, Any]:
            keys = dict(original(service, action, body, params))
            if service == "ecs":
                responses = module("core.responses")
                cluster = str(json_object(body).get("cluster") or "default")
                place = f"arn:aws:ecs:{responses.get_region()}:{responses.get_account_id()}"
                arn = cluster if cluster.startswith("arn:") else f"{place}:cluster/{cluster}"
                keys["ecs:cluster"] = arn
            return keys

        return context

    wrap(module("core.iam_actions"), "extract_resource_arn", resources)
    wrap(module("core.iam_actions"), "request_tag_context", conditions)


PATCH = Patch(
    name="ecs_resources",
    stock="authorizes RunTask, StopTask, DescribeTasks and ListTasks on the cluster",
    apply=_apply,
)

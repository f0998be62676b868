"""Check ``iam:PassRole`` on the roles that a RunTask gives to its tasks.

Stock never checks it: whoever may call RunTask starts tasks with any role of the account.
"""

from __future__ import annotations

import contextvars
from typing import Any

from .bodies import json_object
from .ecs_resources import called_action
from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_SERVICE = "ecs-tasks.amazonaws.com"
_roles: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("passed", default=())
_refused: contextvars.ContextVar[str] = contextvars.ContextVar("refused", default="")


def _apply() -> None:
    ecs = module("services.ecs")

    def passed_roles(request: dict[str, Any]) -> tuple[str, ...]:
        key = ecs._resolve_td_key(str(request.get("taskDefinition", "")))
        definition = ecs._task_defs.get(key) or {}
        overrides = request.get("overrides") or {}
        names = ("taskRoleArn", "executionRoleArn")
        found = (overrides.get(name) or definition.get(name) for name in names)
        return tuple(str(role) for role in found if role)

    def remember(original: Function) -> Function:
        def extract(*args: Any, **kwargs: Any) -> Any:
            service, _, _, headers, body, *_ = args
            runs_task = service == "ecs" and called_action(headers) == "RunTask"
            _roles.set(passed_roles(json_object(body)) if runs_task else ())
            _refused.set("")
            return original(*args, **kwargs)

        return extract

    def enforce(original: Function) -> Function:
        def check(key: str, action: str, service: str, region: str, **kwargs: Any) -> Any:
            denied = original(key, action, service, region, **kwargs)
            if denied is not None or action != "ecs:RunTask":
                return denied
            for role in _roles.get():
                denied = original(
                    *(key, "iam:PassRole", "iam", region),
                    resource_arn=role,
                    service_context={"iam:PassedToService": _SERVICE},
                )
                if denied is not None:
                    _refused.set(role)
                    return denied
            return None

        return check

    def respond(original: Function) -> Function:
        def denial(service: str, action: str, *args: Any, **kwargs: Any) -> Any:
            role = _refused.get()
            if role and action == "ecs:RunTask":
                kwargs["message"] = (
                    f"User: {args[0]} is not authorized to perform: iam:PassRole on resource: "
                    f"{role} because no identity-based policy allows the iam:PassRole action"
                )
            return original(service, action, *args, **kwargs)

        return denial

    wrap(module("core.iam_actions"), "extract_resource_arn", remember)
    wrap(module("core.iam_evaluator"), "enforce", enforce)
    wrap(module("core.iam_actions"), "access_denied_response", respond)


PATCH = Patch(name="pass_role", stock="never checks iam:PassRole in RunTask", apply=_apply)

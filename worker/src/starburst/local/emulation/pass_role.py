"""Check ``iam:PassRole`` on the roles that a RunTask gives to its tasks, and a caller to a stack.

Stock never checks it: a caller that may call RunTask starts tasks with any role of the account.
"""

from __future__ import annotations

import contextvars
from typing import Any

from .bodies import json_object
from .ecs_resources import called_action
from .patching import Function, Patch, module, wrap
from .stack_keys import stack_role

__all__ = ["PATCH"]

_RECEIVERS = {
    "ecs:RunTask": "ecs-tasks.amazonaws.com",
    "cloudformation:CreateStack": "cloudformation.amazonaws.com",
    "cloudformation:UpdateStack": "cloudformation.amazonaws.com",
}
"""Who is given a role, by the action that gives it."""

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
            service, _, _, headers, body, query, *_ = args
            runs_task = service == "ecs" and called_action(headers) == "RunTask"
            of_stack = stack_role(service, query)
            of_task = passed_roles(json_object(body)) if runs_task else ()
            _roles.set((of_stack,) if of_stack else of_task)
            _refused.set("")
            return original(*args, **kwargs)

        return extract

    def enforce(original: Function) -> Function:
        def check(key: str, action: str, service: str, region: str, **kwargs: Any) -> Any:
            denied = original(key, action, service, region, **kwargs)
            if denied is not None or action not in _RECEIVERS:
                return denied
            for role in _roles.get():
                denied = original(
                    *(key, "iam:PassRole", "iam", region),
                    resource_arn=role,
                    service_context={"iam:PassedToService": _RECEIVERS[action]},
                )
                if denied is not None:
                    _refused.set(role)
                    return denied
            return None

        return check

    def respond(original: Function) -> Function:
        def denial(service: str, action: str, *args: Any, **kwargs: Any) -> Any:
            role = _refused.get()
            if role and action in _RECEIVERS:
                kwargs["message"] = (
                    f"User: {args[0]} is not authorized to perform: iam:PassRole on resource: "
                    f"{role} because no identity-based policy allows the iam:PassRole action"
                )
            return original(service, action, *args, **kwargs)

        return denial

    wrap(module("core.iam_actions"), "extract_resource_arn", remember)
    wrap(module("core.iam_evaluator"), "enforce", enforce)
    wrap(module("core.iam_actions"), "access_denied_response", respond)


PATCH = Patch(name="pass_role", stock="never checks iam:PassRole", apply=_apply)

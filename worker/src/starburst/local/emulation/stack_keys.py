"""Give requests that hand a stack its service role the condition key ``cloudformation:RoleArn``.

Stock never has it, so that a policy that names the one role refuses everything.
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH", "stack_role"]

_HANDING = ("CreateStack", "UpdateStack")


def stack_role(service: str, params: Any) -> str:
    """Return the role that a request hands to CloudFormation; empty where it hands none."""
    asked = module("core.iam_actions")._query_param
    if service != "cloudformation" or asked(params, "Action") not in _HANDING:
        return ""
    return str(asked(params, "RoleARN") or "")


def _apply() -> None:
    def make(original: Function) -> Function:
        def context(service: str, action: str, body: bytes, params: Any) -> dict[str, Any]:
            keys = dict(original(service, action, body, params))
            if role := stack_role(service, params):
                keys["cloudformation:RoleArn"] = role
            return keys

        return context

    wrap(module("core.iam_actions"), "request_tag_context", make)


PATCH = Patch(
    name="stack_keys", stock="lacks the cloudformation:RoleArn condition key", apply=_apply
)

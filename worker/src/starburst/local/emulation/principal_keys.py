"""Give every caller ``aws:PrincipalIsAWSService`` and ``aws:ViaAWSService``, both false.

Stock has neither key, so that a plain ``Bool`` condition on them never matches. The emulator's own
services act on one another without asking IAM, so no caller that asks is a service.
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_ALWAYS = {"aws:principalisawsservice": "false", "aws:viaawsservice": "false"}


def _apply() -> None:
    def make(original: Function) -> Function:
        def resolve(key: str, context: Any) -> Any:
            return _ALWAYS.get(key.lower()) or original(key, context)

        return resolve

    wrap(module("core.iam_evaluator"), "_resolve_condition_key", make)


PATCH = Patch(
    name="principal_keys",
    stock="lacks aws:PrincipalIsAWSService and aws:ViaAWSService",
    apply=_apply,
)

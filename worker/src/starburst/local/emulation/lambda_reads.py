"""Ask a policy about the reading of a function's alias, address, concurrency and event settings.

Stock asks about another operation for each, such as ``PutFunctionConcurrency`` for
GetFunctionConcurrency.
"""

from __future__ import annotations

import re

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_FUNCTION = r"/[0-9-]+/functions/[^/]+"
_OTHERS = tuple(
    (method, re.compile(path), action)
    for method, path, action in (
        ("GET", rf"{_FUNCTION}/aliases/[^/]+", "GetAlias"),
        ("GET", rf"{_FUNCTION}/concurrency", "GetFunctionConcurrency"),
        ("GET", rf"{_FUNCTION}/event-invoke-config", "GetFunctionEventInvokeConfig"),
        ("GET", rf"{_FUNCTION}/urls", "ListFunctionUrlConfigs"),
        ("DELETE", rf"{_FUNCTION}/url", "DeleteFunctionUrlConfig"),
        ("GET", r"/[0-9-]+/event-source-mappings/[^/]+", "GetEventSourceMapping"),
    )
)


def _apply() -> None:
    def make(original: Function) -> Function:
        def action(method: str, path: str) -> str | None:
            found: str | None = original(method, path)
            other = (name for how, at, name in _OTHERS if how == method and at.fullmatch(path))
            return next(other, found)

        return action

    wrap(module("core.iam_actions"), "_lambda_action", make)


PATCH = Patch(
    name="lambda_reads",
    stock="asks about another operation when an alias or a function's settings are read",
    apply=_apply,
)

"""Ask a policy about the reading of a function's alias, concurrency and event settings.

Stock asks about another operation for each, such as ``PutFunctionConcurrency`` for
GetFunctionConcurrency.
"""

from __future__ import annotations

import re

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_READS = tuple(
    (re.compile(path), action)
    for path, action in (
        (r"/[0-9-]+/functions/[^/]+/aliases/[^/]+", "GetAlias"),
        (r"/[0-9-]+/functions/[^/]+/concurrency", "GetFunctionConcurrency"),
        (r"/[0-9-]+/functions/[^/]+/event-invoke-config", "GetFunctionEventInvokeConfig"),
        (r"/[0-9-]+/event-source-mappings/[^/]+", "GetEventSourceMapping"),
    )
)


def _apply() -> None:
    def make(original: Function) -> Function:
        def action(method: str, path: str) -> str | None:
            found: str | None = original(method, path)
            if method == "GET":
                found = next((name for read, name in _READS if read.fullmatch(path)), found)
            return found

        return action

    wrap(module("core.iam_actions"), "_lambda_action", make)


PATCH = Patch(
    name="lambda_reads",
    stock="asks about another operation when an alias or a function's settings are read",
    apply=_apply,
)

"""Give a template's function its reserved concurrency and its dead-letter queue.

Stock drops both: it runs as many as come, and forgets an event that always fails.
"""

from __future__ import annotations

from .patching import Patch, module
from .resource_types import Properties, after_create

__all__ = ["PATCH"]


def _apply() -> None:
    functions = module("services.lambda_svc")._functions

    def complete(name: str, properties: Properties) -> None:
        function = functions[name]
        reserved = properties.get("ReservedConcurrentExecutions")
        function["concurrency"] = None if reserved is None else int(reserved)
        function["config"].pop("DeadLetterConfig", None)
        if "DeadLetterConfig" in properties:
            function["config"]["DeadLetterConfig"] = properties["DeadLetterConfig"]

    after_create("AWS::Lambda::Function", complete)


PATCH = Patch(
    name="function_settings",
    stock="drops ReservedConcurrentExecutions and DeadLetterConfig of AWS::Lambda::Function",
    apply=_apply,
)

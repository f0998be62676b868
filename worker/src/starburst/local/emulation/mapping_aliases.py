"""Tell a function by which alias an event source mapping invoked it.

Stock hands it the ARN without the alias, whatever the mapping says.
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]


def _apply() -> None:
    def make(original: Function) -> Function:
        def run(mapping: dict[str, Any], record: dict[str, Any], *args: Any) -> Any:
            config = {**record["config"], "FunctionArn": mapping["FunctionArn"]}
            return original(mapping, {**record, "config": config}, *args)

        return run

    wrap(module("services.lambda_svc"), "_run_sqs_batch", make)


PATCH = Patch(
    name="mapping_aliases",
    stock="hands a function that a queue invokes by an alias the ARN without it",
    apply=_apply,
)

"""Tell a function by which alias EventBridge invoked it.

Stock tells it who is called by Invoke, and forgets the alias of every other caller.
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]


def _apply() -> None:
    functions = module("services.lambda_svc")

    def make(original: Function) -> Function:
        def find(reference: str) -> tuple[Any, Any, str]:
            record, config, name = original(reference)
            _, _, qualifier = reference.partition(f":function:{name}:")
            if config is not None and qualifier:
                config = {**config, "FunctionArn": reference}
            return record, config, name

        return find

    wrap(functions, "_get_func_record_for_ref", make)


PATCH = Patch(
    name="lambda_aliases",
    stock="hands a function that EventBridge invokes by an alias the ARN without it",
    apply=_apply,
)

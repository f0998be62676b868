"""Authorize the batch calls of SQS as the single action that they are in IAM.

Stock asks for ``sqs:SendMessageBatch`` and its like, which are no IAM actions, so that no correct
policy allows a batch call.
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]


def _apply() -> None:
    def make(original: Function) -> Function:
        def extract(*args: Any, **kwargs: Any) -> Any:
            action = original(*args, **kwargs)
            if isinstance(action, str) and action.startswith("sqs:"):
                return action.removesuffix("Batch")
            return action

        return extract

    wrap(module("core.iam_actions"), "extract_iam_action", make)


PATCH = Patch(
    name="sqs_batches",
    stock="authorizes sqs:SendMessageBatch and its like, which are no IAM actions",
    apply=_apply,
)

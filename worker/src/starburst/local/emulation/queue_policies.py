"""Judge a queue's own policy once, with everything that is known of the caller.

Stock judges it twice. The second time it knows no principal tag and no ``aws:SecureTransport``, so
a Deny of everybody but one tagged user denies that user too. The first time is the IAM check of the
request, which is complete; the second is kept for callers of another account.
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]


def _apply() -> None:
    sqs = module("services.sqs")
    responses = module("core.responses")

    def make(original: Function) -> Function:
        def check(queue: dict[str, Any], action: str) -> None:
            owner = sqs._owner_from_queue_arn(queue["attributes"].get("QueueArn", ""))[0]
            if owner not in (None, responses.get_account_id()):
                original(queue, action)

        return check

    wrap(sqs, "_enforce_queue_policy", make)


PATCH = Patch(
    name="queue_policies",
    stock="judges a queue's policy a second time without principal tags",
    apply=_apply,
)

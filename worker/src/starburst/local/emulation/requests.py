"""Count requests by who asks and for what, so that a benchmark can say what a burst costs.

Stock counts nothing. The count is taken where the emulator names a request's IAM action, before the
batch actions of SQS are mapped to their single ones: ``sqs:SendMessageBatch`` is counted as such.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH", "counts"]

_lock = threading.Lock()
_counts: Counter[tuple[str, str]] = Counter()


def counts() -> dict[str, dict[str, int]]:
    """Return how many requests each role or user made so far, by action."""
    found: dict[str, dict[str, int]] = {}
    with _lock:
        items = sorted(_counts.items())
    for (principal, action), number in items:
        found.setdefault(principal, {})[action] = number
    return found


def _apply() -> None:
    router = module("core.router")
    sessions = module("services.sts")._sessions
    evaluator = module("core.iam_evaluator")

    def principal(headers: dict[str, str], query: dict[str, Any]) -> str:
        key = router.extract_access_key_id(headers, query)
        arn = str((sessions.get(key) or {}).get("Arn", ""))
        if ":assumed-role/" in arn:
            return arn.split("/")[1]
        return "root" if evaluator.is_root_access_key(key) else "other"

    def make(original: Function) -> Function:
        def extract(*args: Any) -> Any:
            service, _, _, headers, _, query = args
            action = original(*args)
            with _lock:
                _counts[principal(headers, query), action or f"{service}:?"] += 1
            return action

        return extract

    wrap(module("core.iam_actions"), "extract_iam_action", make)


PATCH = Patch(name="requests", stock="counts no requests", apply=_apply)

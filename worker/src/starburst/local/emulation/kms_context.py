"""Give KMS requests their ``kms:EncryptionContext:<key>`` condition keys.

Stock never has them, so that a policy that asks for a context refuses everything.
"""

from __future__ import annotations

from typing import Any

from .bodies import json_object
from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]


def _apply() -> None:
    def make(original: Function) -> Function:
        def context(service: str, action: str, body: bytes, params: Any) -> dict[str, Any]:
            keys = dict(original(service, action, body, params))
            if service == "kms":
                pairs = json_object(body).get("EncryptionContext")
                if isinstance(pairs, dict) and pairs:
                    keys.update({f"kms:EncryptionContext:{k}": str(v) for k, v in pairs.items()})
                    keys["kms:EncryptionContextKeys"] = sorted(pairs)
            return keys

        return context

    wrap(module("core.iam_actions"), "request_tag_context", make)


PATCH = Patch(
    name="kms_context", stock="lacks the kms:EncryptionContext:… condition keys", apply=_apply
)

"""Accept one unguessable root key instead of ``test`` and every account number.

Stock takes the access key ids ``test`` and any twelve digits for root, whatever the secret, so
that any worker or function could become root. It does not check root's signature either: here the
key id itself is the secret, known to the owner of the environment only.
"""

from __future__ import annotations

import hmac

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH", "set_root_key"]

_key: list[str] = []


def set_root_key(key: str) -> None:
    """Name the root key of this process."""
    _key[:] = [key]


def _apply() -> None:
    def make(_original: Function) -> Function:
        def is_root(access_key_id: str) -> bool:
            # No key at all is an anonymous request, which the emulator judges by itself.
            return not access_key_id or any(
                hmac.compare_digest(access_key_id.encode(), key.encode()) for key in _key
            )

        return is_root

    wrap(module("core.iam_evaluator"), "is_root_access_key", make)
    wrap(module("services.sts"), "is_root_access_key", make)


PATCH = Patch(
    name="root_key",
    stock='accepts the keys "test" and any twelve digits as root, with any secret',
    apply=_apply,
)

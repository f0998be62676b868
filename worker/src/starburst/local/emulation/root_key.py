"""Accept one root key with a secret of its own instead of ``test`` and every account number.

Stock takes the access key ids ``test`` and any twelve digits for root, whatever the secret, and a
request without any key too, so that any worker or function could become root. Root's signature is
verified as everybody's is (``gate``), with the secret that the owner of the environment knows only.
"""

from __future__ import annotations

import hmac

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH", "is_root", "root_secret", "set_root_key"]

_root: dict[str, str] = {}


def set_root_key(key: str, secret: str) -> None:
    """Name the root key of this process."""
    _root.clear()
    _root[key] = secret


def is_root(access_key_id: str) -> bool:
    """Whether a key is root's; no key at all is not."""
    return any(hmac.compare_digest(access_key_id.encode(), key.encode()) for key in _root)


def root_secret(access_key_id: str) -> str | None:
    """Return root's secret if the key is root's."""
    return next(iter(_root.values())) if is_root(access_key_id) else None


def _apply() -> None:
    def make(_original: Function) -> Function:
        return is_root

    wrap(module("core.iam_evaluator"), "is_root_access_key", make)
    wrap(module("services.sts"), "is_root_access_key", make)


PATCH = Patch(
    name="root_key",
    stock='accepts the keys "test" and any twelve digits as root, with any secret',
    apply=_apply,
)

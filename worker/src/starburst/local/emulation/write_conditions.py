"""Refuse a write whose ``If-None-Match`` is anything but ``*``, as S3 does.

Stock takes an ETag too, and then replaces every object that has another one.
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_NOT_IMPLEMENTED = 501


def _apply() -> None:
    s3 = module("services.s3")

    def make(original: Function) -> Function:
        def check(headers: dict[str, str], existing: Any) -> Any:
            if headers.get("if-none-match", "*").strip() != "*":
                return s3._error(
                    "NotImplemented",
                    "A header you provided implies functionality that is not implemented.",
                    _NOT_IMPLEMENTED,
                )
            return original(headers, existing)

        return check

    wrap(s3, "_check_put_preconditions", make)


PATCH = Patch(
    name="write_conditions",
    stock="takes an If-None-Match of another version and replaces the object",
    apply=_apply,
)

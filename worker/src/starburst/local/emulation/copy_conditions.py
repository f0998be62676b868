"""Let CopyObject obey ``If-None-Match`` and ``If-Match``, as S3 has since October 2025.

Stock reads neither, so a copy that may be the first only replaces what is there.
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]


def _apply() -> None:
    s3 = module("services.s3")

    def make(original: Function) -> Function:
        def copy(bucket: str, key: str, headers: dict[str, str]) -> Any:
            found = s3._ensure_bucket(bucket)
            standing = found["objects"].get(key) if found is not None else None
            return s3._check_put_preconditions(headers, standing) or original(bucket, key, headers)

        return copy

    wrap(s3, "_copy_object", make)


PATCH = Patch(
    name="copy_conditions",
    stock="ignores If-None-Match and If-Match of a copy",
    apply=_apply,
)

"""Count the bytes of objects that are read, by area, so that reading by ranges can be seen.

Stock counts nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH", "bytes_read"]

_REFUSED = 300
_lock = threading.Lock()
_bytes: Counter[str] = Counter()


def bytes_read() -> dict[str, int]:
    """Return how many bytes of objects were answered so far, by the first part of their keys."""
    with _lock:
        return dict(_bytes)


def _apply() -> None:
    def make(original: Function) -> Function:
        def get(bucket: str, key: str, *terms: Any, **named: Any) -> Any:
            answer = original(bucket, key, *terms, **named)
            status, _, body = answer
            if status < _REFUSED:
                with _lock:
                    _bytes[key.partition("/")[0]] += len(body)
            return answer

        return get

    wrap(module("services.s3"), "_get_object", make)


PATCH = Patch(name="object_reads", stock="counts no bytes that are read", apply=_apply)

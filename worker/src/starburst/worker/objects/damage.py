"""What arrives damaged is read again: only what stays damaged is damaged in S3."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from starburst.errors import IntegrityError

__all__ = ["read_again"]

_READS: Final = 3

_T = TypeVar("_T")


def read_again(read: Callable[[], _T]) -> _T:
    """Read up to three times; raise IntegrityError where nothing that arrives can be verified."""
    for _ in range(_READS - 1):
        with suppress(IntegrityError):
            return read()
    return read()

"""A check that is made of each of several things was made of one at least."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def some(found: Iterable[T]) -> list[T]:
    """Return what there is to check; a test that finds nothing fails."""
    every = list(found)
    assert every, "nothing was found to check"
    return every

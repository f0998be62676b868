"""Calls that only say something: what they say is no mistake that a protocol's test must notice."""

from __future__ import annotations

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = frozenset({"cast", "log", "print", "warn", "TypeVar", "write"})

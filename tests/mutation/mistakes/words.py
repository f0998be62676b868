"""Calls that only say something: what they say is no mistake that a protocol's test must notice."""

from __future__ import annotations

from typing import Final

__all__ = ["SAID", "TELLS", "WORDS"]

WORDS: Final = frozenset({"cast", "log", "print", "warn", "warning", "TypeVar", "write"})

SAID: Final = frozenset({"description", "epilog", "help", "metavar", "thread_name_prefix"})
"""Arguments that only say what something is, or is for."""

TELLS: Final = frozenset({*WORDS, "say"})
"""Calls whose order among each other nobody has to notice."""

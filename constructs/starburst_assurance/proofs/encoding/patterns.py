"""IAM's wildcards, and texts of which only some pieces are known, without a solver.

A piece is a ``str`` that is known, or whatever else stands for one that is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

__all__ = [
    "Piece",
    "Word",
    "fits",
    "glob",
    "may_match",
    "strip_ends",
    "until_wildcard",
    "without_word",
]

Piece: TypeAlias = Any

Word: TypeAlias = "tuple[str, int, int]"
"""What an unknown piece is made of: characters as in a regular expression's brackets, least and
greatest length."""

_WILD = re.compile(r"[*?]")


@lru_cache(maxsize=4096)
def glob(pattern: str) -> re.Pattern[str]:
    """Return IAM's wildcards as a regular expression: ``*`` takes slashes too, ``?`` takes one.

    Example:
        >>> bool(glob("a/*").fullmatch("a/b/c")), bool(glob("a?").fullmatch("a"))
        (True, False)
    """
    return re.compile(
        "".join({"*": ".*", "?": "."}.get(mark, re.escape(mark)) for mark in pattern), re.DOTALL
    )


@lru_cache(maxsize=65536)
def fits(text: str, pattern: str) -> bool:
    """Return whether a text that is known matches a pattern."""
    return glob(pattern).fullmatch(text) is not None


def until_wildcard(pattern: str) -> str:
    """Return the literal that a pattern begins with; all of it where it has no wildcard.

    Example:
        >>> until_wildcard("results/?*"), until_wildcard("status.json")
        ('results/', 'status.json')
    """
    found = _WILD.search(pattern)
    return pattern[: found.start()] if found else pattern


def strip_ends(text: Sequence[Piece], pattern: str) -> tuple[list[Piece], str] | None:
    """Take equal literals off both ends of a text and a pattern; None where they differ."""
    pieces = list(text)
    for end in (0, -1):
        piece = pieces[end]
        if not isinstance(piece, str):
            continue
        fixed = until_wildcard(pattern if end == 0 else pattern[::-1])
        known = piece if end == 0 else piece[::-1]
        length = min(len(fixed), len(known))
        if fixed[:length] != known[:length]:
            return None
        rest = known[length:]
        pieces[end] = rest if end == 0 else rest[::-1]
        pattern = pattern[length:] if end == 0 else pattern[: len(pattern) - length]
    return pieces, pattern


@lru_cache(maxsize=65536)
def may_match(text: tuple[str | Word | None, ...], pattern: str) -> bool:
    """Return False where no values of the unknown pieces could make a text match a pattern.

    Args:
        text: its pieces; of an unknown one what it is made of, None where that is not known either.
        pattern: with wildcards.
    """
    states = _closed({0}, pattern)
    for piece in text:
        if isinstance(piece, str):
            for character in piece:
                states = _read(states, pattern, lambda mark, own=character: mark in ("?", own))
            continue
        if piece is None:
            states = set(range(min(states), len(pattern) + 1)) if states else states
            continue
        characters, low, high = piece
        own = re.compile(f"[?{characters}]")
        reached: set[int] = set()
        for count in range(1, high + 1):
            states = _read(states, pattern, lambda mark, own=own: own.match(mark) is not None)
            if count >= low:
                reached |= states
        states = reached
    return len(pattern) in states


def without_word(word: Word | None, pattern: str) -> str | None:
    """Return the pattern of what follows an unknown word; None where that depends on the word.

    Example:
        >>> without_word(("a-z", 1, 9), "*/x"), without_word(("a-z", 2, 2), "??x")
        ('*/x', 'x')
        >>> without_word(("a-z", 1, 9), "*x/") is None
        True
    """
    if word is None:
        return None
    characters, low, high = word
    if pattern[:1] == "*" and (pattern == "*" or not re.match(f"[*?{characters}]", pattern[1])):
        return pattern
    if low == high and pattern.startswith("?" * low):
        return pattern[low:]
    return None


def _closed(states: set[int], pattern: str) -> set[int]:
    """Add the positions in a pattern that are reached without another character."""
    for state in tuple(states):
        step = state
        while step < len(pattern) and pattern[step] == "*":
            step += 1
            states.add(step)
    return states


def _read(states: set[int], pattern: str, fits: Callable[[str], bool]) -> set[int]:
    """Return the positions in a pattern after one more character."""
    found: set[int] = set()
    for state in states:
        if state < len(pattern):
            if pattern[state] == "*":
                found.add(state)
            elif fits(pattern[state]):
                found.add(state + 1)
    return _closed(found, pattern)

"""What IAM's wildcards have to do with each other: decided here, and quicker than by a solver."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["canonical", "covers", "meet", "remainders"]

_RUN = re.compile(r"[*?]{2,}")
_NOBODYS = "\ufdd0"
"""Stands for a character that no pattern has as itself: only a wildcard takes it."""


def canonical(pattern: str) -> str:
    """Return the one way to write a pattern: in each run of wildcards ``?`` first, then one ``*``.

    Example:
        >>> canonical("a**?b"), canonical("*/??*")
        ('a?*b', '*/??*')
    """
    return _RUN.sub(lambda run: "?" * run[0].count("?") + "*" * ("*" in run[0]), pattern)


@lru_cache(maxsize=4096)
def remainders(pattern: str, known: str) -> tuple[str, ...]:
    """Return the patterns of what may follow ``known`` for the whole to match ``pattern``.

    What follows must match one of them.

    Example:
        >>> remainders("*/??/x", "alice/a")
        ('*/??/x', '?/x')
        >>> remainders("*/*", "a/b/"), remainders("?b", "ac")
        (('*',), ())
    """
    states = {0}
    for character in known:
        states = _kept(_read(states, pattern, character), pattern)
    found = {canonical(pattern[state:]) for state in states}
    return tuple(sorted(found, key=lambda rest: (-len(rest), rest)))


@lru_cache(maxsize=65536)
def covers(wide: str, narrow: str) -> bool:
    """Return whether all that matches ``narrow`` matches ``wide``.

    A character that no pattern has stands for what ``narrow``'s wildcards take: where ``wide``
    takes that, its own wildcard does, which takes any other character as well.

    Example:
        >>> covers("a/*/*", "a/b/?/*"), covers("?*", "*")
        (True, False)
    """
    seen: set[tuple[int, frozenset[int]]] = set()
    waiting = [(0, frozenset(_kept({0}, wide)))]
    while waiting:
        step = waiting.pop()
        if step in seen:
            continue
        seen.add(step)
        at, states = step
        if not states:
            return False
        if at == len(narrow):
            if not _ends(states, wide):
                return False
            continue
        mark = narrow[at]
        wild = mark in "*?"
        after = frozenset(_kept(_read(set(states), wide, _NOBODYS if wild else mark), wide))
        if mark == "*":
            waiting += [(at, after), (at + 1, states)]
        else:
            waiting.append((at + 1, after))
    return True


@lru_cache(maxsize=65536)
def meet(one: str, other: str) -> bool:
    """Return whether some text matches both.

    Example:
        >>> meet("a*", "*b"), meet("a?", "b*")
        (True, False)
    """
    for left, right in ((one, other), (one[::-1], other[::-1])):
        for mark, twin in zip(left, right, strict=False):
            if "*" in (mark, twin):
                break
            if mark != twin and "?" not in (mark, twin):
                return False
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        step = waiting.pop()
        if step in seen:
            continue
        seen.add(step)
        at, place = step
        if at == len(one) and place == len(other):
            return True
        mark, twin = one[at : at + 1], other[place : place + 1]
        if mark == "*":
            waiting.append((at + 1, place))
        if twin == "*":
            waiting.append((at, place + 1))
        if mark and twin and (mark == twin or mark in "*?" or twin in "*?"):
            waiting.append((at + (mark != "*"), place + (twin != "*")))
    return False


def _read(states: set[int], pattern: str, character: str) -> set[int]:
    """Return the positions in a pattern after one more character."""
    found: set[int] = set()
    for state in states:
        step = state
        while step < len(pattern) and pattern[step] == "*":
            found.add(step)
            step += 1
        if step < len(pattern) and pattern[step] in ("?", character):
            found.add(step + 1)
    return found


def _kept(states: set[int], pattern: str) -> set[int]:
    """Leave out positions before the last ``*`` that was reached: what they take, it takes."""
    last = max((state for state in states if pattern[state : state + 1] == "*"), default=0)
    return {state for state in states if state >= last}


def _ends(states: frozenset[int], pattern: str) -> bool:
    return any(not pattern[state:].strip("*") for state in states)

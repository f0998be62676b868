"""Holds a run's story to every rule of order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from . import sessions, work
from .story import Story

__all__ = ["RULES", "Rule", "broken"]

Rule: TypeAlias = Callable[[Story], Iterator[str]]

RULES: Final[tuple[Rule, ...]] = (*work.RULES, *sessions.RULES)


def broken(story: Story, rules: Sequence[Rule] = RULES) -> list[str]:
    """Return what broke a rule, each with the rule's name; nothing where all held."""
    return [f"{rule.__name__}: {words}" for rule in rules for words in rule(story)]

"""Chance that follows from a seed: the same question has the same answer in every run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = ["Chance"]


@dataclass(frozen=True, slots=True)
class Chance:
    """Numbers that depend on a seed, and on what is asked about, alone.

    Attributes:
        seed: of the run.

    Example:
        >>> Chance(1).number("queue", "a") == Chance(1).number("queue", "a")
        True
        >>> Chance(1).number("queue", "a") == Chance(2).number("queue", "a")
        False
    """

    seed: int

    def number(self, *about: object) -> float:
        """Return a number in [0, 1)."""
        digest = hashlib.blake2b(repr((self.seed, about)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def between(self, least: float, most: float, *about: object) -> float:
        """Return a number between two; small ones come oftener, as AWS's delays do."""
        return least + (most - least) * self.number(*about) ** 2

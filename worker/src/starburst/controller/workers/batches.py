"""How a launch is cut into calls of RunTask, and how each call is named. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["MOST", "Batch", "batches"]

MOST: Final = 10
"""Tasks that one call of RunTask starts at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """One call of a launch. Its text is part of the call's token, so it says how it is bought.

    Attributes:
        number: of the call.
        repeat: how often its remainder was asked for anew.
        on_demand: bought on demand although the session prefers Spot.

    Example:
        >>> Batch.parse("7r2d")
        Batch(number=7, repeat=2, on_demand=True)
        >>> str(Batch(number=7).again()), str(Batch(number=7).again(on_demand=True))
        ('7r1', '7r1d')
    """

    number: int
    repeat: int = 0
    on_demand: bool = False

    def __str__(self) -> str:
        """Return the text of the batch."""
        repeat = f"r{self.repeat}" if self.repeat else ""
        return f"{self.number}{repeat}{'d' if self.on_demand else ''}"

    @classmethod
    def parse(cls, text: str) -> Batch:
        """Read a batch's text; raise ValueError for another."""
        match = re.fullmatch(r"([0-9]{1,6})(?:r([0-9]{1,6}))?(d?)", text)
        if match is None:
            raise ValueError(f"{text!r} is no batch")
        return cls(number=int(match[1]), repeat=int(match[2] or 0), on_demand=bool(match[3]))

    def again(self, *, on_demand: bool = False) -> Batch:
        """Return the batch that asks for what this one did not get."""
        return Batch(
            number=self.number, repeat=self.repeat + 1, on_demand=self.on_demand or on_demand
        )


def batches(workers: int, *, on_demand: int = 0) -> dict[str, int]:
    """Cut a number of workers into calls; the first of them are bought on demand for certain.

    Example:
        >>> batches(23)
        {'0': 10, '1': 10, '2': 3}
        >>> batches(15, on_demand=2)
        {'0d': 2, '1': 10, '2': 3}
    """
    cut = [(size, True) for size in _cut(on_demand)]
    cut += [(size, False) for size in _cut(workers - on_demand)]
    return {
        str(Batch(number=number, on_demand=certain)): size
        for number, (size, certain) in enumerate(cut)
    }


def _cut(workers: int) -> list[int]:
    sizes = [MOST] * (workers // MOST) + [workers % MOST]
    return [size for size in sizes if size > 0]

"""Spans: when tasks ran, for how long and with how much memory, as a result node tells it.

Tasks that are short are told together, so that what a worker writes down grows with the time that
it works and not with its tasks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final

from starburst.errors import IntegrityError

from .tables import text, whole

__all__ = ["INPUT_LENGTH", "Span", "read_spans"]

INPUT_LENGTH: Final = 120
"""Most characters that are told of an input."""

_LATEST: Final = 1e11
_LONGEST: Final = 1e9
_FIELDS: Final = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Consecutive tasks of one chunk, one after the other in one process.

    Attributes:
        first: number of the first of them within its chunk.
        count: how many.
        began: when, seconds since the epoch by the worker's clock.
        seconds: from there to the end of the last.
        peak: the most memory that their process had meanwhile, MiB; 0 where that is not known.
        retries: runs of them beyond their first.
        input: of one that took long, what it was called with, in short.
    """

    first: int
    count: int
    began: float
    seconds: float
    peak: int = 0
    retries: int = 0
    input: str = ""

    def to_data(self) -> list[object]:
        """Return a plain list for the wire."""
        return list(astuple(self))

    @classmethod
    def from_data(cls, data: Sequence[object]) -> Span:
        """Read what :meth:`to_data` gave; raise ValueError for anything else."""
        if type(data) is not list or len(data) != _FIELDS:
            raise ValueError("a span has another shape")
        first, count, began, seconds, peak, retries, said = data
        span = cls(
            first=whole(first),
            count=whole(count),
            began=_seconds(began, _LATEST),
            seconds=_seconds(seconds, _LONGEST),
            peak=whole(peak),
            retries=whole(retries),
            input=text(said)[:INPUT_LENGTH],
        )
        if not span.count:
            raise ValueError("a span has no tasks")
        return span


def read_spans(data: object) -> list[Span]:
    """Read the spans that a worker's process told, or a node holds; raise IntegrityError if none.

    Example:
        >>> read_spans([[0, 3, 1.5, 0.25, 80, 0, ""]])[0].count
        3
    """
    try:
        if type(data) is not list:
            raise ValueError("they are no list")
        return [Span.from_data(each) for each in data]
    except (TypeError, ValueError) as error:
        raise IntegrityError(f"what is told of when tasks ran is malformed: {error}") from None


def _seconds(value: object, most: float) -> float:
    if type(value) not in (int, float) or not 0 <= value <= most:  # type: ignore[operator]
        raise ValueError(f"{value!r:.40} stands where seconds belong")
    return math.fsum([value])  # type: ignore[list-item]

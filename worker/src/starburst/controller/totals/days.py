"""Days and calendar months in UTC, by which money is counted. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["DAY", "Span", "clock_words", "day_of", "days_between", "month_of", "months_between"]

DAY: Final = 86_400
_MOST_DAYS: Final = 31
"""No session lives longer; what a damaged record says is cut there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A day or a month.

    Attributes:
        name: such as ``2026-11-29`` or ``2026-11``.
        begins, ends: seconds since the epoch.
    """

    name: str
    begins: float
    ends: float

    @property
    def is_day(self) -> bool:
        """Whether it is a day rather than a month."""
        return self.name.count("-") > 1

    @property
    def words(self) -> str:
        """The span as people read it."""
        at = datetime.fromtimestamp(self.begins, UTC)
        return f"{at.day} {at:%B}" if self.is_day else f"{at:%B}"

    def hours(self, since: float, until: float) -> float:
        """Return how many hours of a time lie in it."""
        return max(0.0, min(until, self.ends) - max(since, self.begins)) / 3600


def day_of(moment: float) -> Span:
    """Return the day of a moment.

    Example:
        >>> day_of(86_399).name, day_of(86_400).name, day_of(0).words
        ('1970-01-01', '1970-01-02', '1 January')
    """
    begins = moment // DAY * DAY
    name = datetime.fromtimestamp(begins, UTC).strftime("%Y-%m-%d")
    return Span(name=name, begins=begins, ends=begins + DAY)


def month_of(moment: float) -> Span:
    """Return the calendar month of a moment.

    Example:
        >>> month_of(31 * 86_400).name, month_of(0).ends == 31 * 86_400
        ('1970-02', True)
    """
    first = datetime.fromtimestamp(moment, UTC).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    following = (first + timedelta(days=32)).replace(day=1)
    return Span(name=f"{first:%Y-%m}", begins=first.timestamp(), ends=following.timestamp())


def days_between(since: float, until: float) -> Iterator[Span]:
    """Yield the days that a time touches, a month of them at most."""
    until = min(until, since + _MOST_DAYS * DAY)
    day = day_of(since)
    yield day
    while day.ends < until:
        day = day_of(day.ends)
        yield day


def months_between(since: float, until: float) -> Iterator[Span]:
    """Yield the months that a time touches, two of them at most."""
    until = min(until, since + _MOST_DAYS * DAY)
    month = month_of(since)
    yield month
    if month.ends < until:
        yield month_of(month.ends)


def clock_words(moment: float, *, now: float) -> str:
    """Return a moment as people read it, with its day where that is not today.

    Example:
        >>> clock_words(64_800, now=0), clock_words(100_800, now=0)
        ('18:00 UTC', '04:00 UTC on 2 January')
    """
    words = datetime.fromtimestamp(moment, UTC).strftime("%H:%M UTC")
    day = day_of(moment)
    return words if day == day_of(now) else f"{words} on {day.words}"

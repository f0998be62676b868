"""How often a client looks for results: rarely in a long wait, closely where its end is due."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["FIRST_PAUSE", "Pace", "pause_after"]

FIRST_PAUSE: Final = 0.03
_LONGEST_PAUSE: Final = 1.0
_GROWTH: Final = 1.4
_SHARE: Final = 0.02
_EAGER_SECONDS: Final = 1.0
_EAGER_SHARE: Final = 0.1
"""Of the time waited so far, while nothing has come: workers that run answer within a second."""
_EARLY_LOOKS: Final = 24
"""In each wait: an end that seems due again and again must not cost a look each time."""


def pause_after(pause: float, *, found: bool, waited: float, due: float = math.inf) -> float:
    """Return how long to pause before the next look for results.

    A fiftieth of the time waited so far, while results come in: that makes a wait at most two in a
    hundred longer, and a long one does not pay for looks that find one result each. Where the last
    result is due sooner, half of the way to it; when it is overdue, ever longer from there.

    Args:
        pause: the one before.
        found: whether the look after it found something.
        waited: seconds since there was last nothing to wait for.
        due: seconds until the last result should be there, as far as that can be told.

    Example:
        >>> pause_after(0.2, found=True, waited=1.0), pause_after(0.2, found=True, waited=600.0)
        (0.03, 1.0)
        >>> pause_after(0.5, found=True, waited=25.0, due=0.3)
        0.15
    """
    least = min(_LONGEST_PAUSE, max(FIRST_PAUSE, waited * _SHARE))
    grown = min(_LONGEST_PAUSE, pause * _GROWTH)
    if due <= 0:
        return FIRST_PAUSE if found else grown
    usual = least if found else max(least, grown)
    return min(usual, max(FIRST_PAUSE, due / 2))


class Pace:
    """The looks of one client.

    Args:
        now: when it begins to wait (any clock's seconds).
    """

    def __init__(self, now: float) -> None:
        self._pause = FIRST_PAUSE
        self.begin(now)

    def begin(self, now: float) -> None:
        """Begin another wait."""
        self._began = self._found_at = now
        self._first: tuple[float, int] | None = None
        self._seconds_each = math.inf
        self._early = 0

    def next(self, now: float, *, found: bool, done: int, left: int) -> float:
        """Return how long to pause after a look.

        Args:
            now: when it was.
            found: whether it found something.
            done: tasks that have ended so far.
            left: tasks that have not.
        """
        waited = now - self._began
        if found and self._first is None:
            self._first = now, done  # before it, workers may have been on their way
        elif found and self._first is not None and done > self._first[1]:
            since, before = self._first
            self._found_at, self._seconds_each = now, (now - since) / (done - before)
        due = math.inf
        if self._early < _EARLY_LOOKS and left:
            due = left * self._seconds_each - (now - self._found_at)
        usual = pause_after(self._pause, found=found, waited=waited)
        if self._first is None and waited < _EAGER_SECONDS:
            self._pause = min(usual, max(FIRST_PAUSE, waited * _EAGER_SHARE))
            return self._pause
        self._pause = pause_after(self._pause, found=found, waited=waited, due=due)
        self._early += self._pause < usual
        return self._pause

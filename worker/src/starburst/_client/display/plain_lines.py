"""How a wait goes where nobody draws a bar: a line now and then, as in a log of a batch job."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from starburst._client.tasks.outcomes import Tally
from starburst.untrusted.terminal_text import one_line, tell

__all__ = ["EVERY_SECONDS", "PlainLines"]

EVERY_SECONDS: Final = 30.0


class PlainLines:
    """One line every 30 seconds of a wait on standard error; none for what is done sooner.

    Args:
        label: what begins each line.
        clock: seconds.

    Example:
        >>> seconds = iter([0, 12, 31])
        >>> lines = PlainLines("here", clock=lambda: next(seconds))
        >>> [lines.due() for _ in range(3)]
        [False, False, True]
    """

    def __init__(self, label: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._label = label
        self._clock = clock
        self._began: float | None = None
        self._last = 0.0
        self._told: Tally | None = None

    def due(self) -> bool:
        """Whether a line is due now; the first call begins the wait."""
        now = self._clock()
        if self._began is None:
            self._began = self._last = now
        if now - self._last < EVERY_SECONDS:
            return False
        self._last = now
        return True

    def say(self, tally: Tally, words: str) -> None:
        """Write how far the tasks are."""
        self._told = tally
        seconds = self._last - (self._began or 0.0)
        line = f"{self._label}: {tally.done:,}/{tally.total:,} after {_span(seconds)}, {words}"
        with suppress(OSError, ValueError, AttributeError):  # nobody listens
            tell(one_line(line), sys.stderr)

    def rest(self, tally: Tally) -> None:
        """End a wait; who was told of it is told so. The next one begins anew."""
        if self._told not in (None, tally):
            self._last = self._clock()
            self.say(tally, f"{tally.failed:,} failed" if tally.failed else "done")
        self._began = self._told = None


def _span(seconds: float) -> str:
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes} min {left} s" if minutes else f"{left} s"

"""The time by which the runtime decides, and the ways to let it pass: one value, passed in."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, wait
from time import monotonic as _of_this_machine
from typing import Any, Final

__all__ = ["SYSTEM_CLOCK", "Clock"]


class Clock:
    """The system's time; who needs another one derives from it.

    Example:
        >>> began = SYSTEM_CLOCK.monotonic()
        >>> SYSTEM_CLOCK.sleep(0.0)
        >>> SYSTEM_CLOCK.monotonic() >= began
        True
    """

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def of_tasks(self) -> float:
        """Return seconds that never go back, as all processes of this machine tell them."""
        return _of_this_machine()

    def sleep(self, seconds: float) -> None:
        """Wait for time to pass."""
        time.sleep(seconds)

    def is_done(self, future: Future[Any], *, within: float) -> bool:
        """Wait for a future's end, for so many seconds at most; whether it has come."""
        return bool(wait([future], within).done)

    def condition(self) -> threading.Condition:
        """Return a condition whose waits end by this time."""
        return threading.Condition()


SYSTEM_CLOCK: Final = Clock()

"""The time that a first day goes by, which tests replace."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Clock"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How time is read and let pass.

    Attributes:
        now: seconds from any beginning.
        wall: seconds since the epoch.
        sleep: waits so many seconds.
    """

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def until(self, seen: Callable[[], bool], *, within: float, every: float) -> float | None:
        """Look until something is seen; return the seconds that it took, None where it was not.

        Args:
            seen: whether it is there.
            within: seconds to go on looking.
            every: seconds between two looks.
        """
        start = self.now()
        while not seen():
            if self.now() - start >= within:
                return None
            self.sleep(every)
        return self.now() - start

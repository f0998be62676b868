"""Time that passes only where a worker waits, so that its minutes are tested as they are."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from starburst.aws.clock import Clock

__all__ = ["VirtualTime"]

_REAL_SECONDS = 30.0
"""After which a thread that should have ended has hung."""

_LONGER = 1e-6
"""As any real wait, each takes a little longer."""


class VirtualTime(Clock):
    """The time of one worker: its main thread lets it pass, and other threads may wait for it.

    Attributes:
        now: seconds since the beginning.
        beside: what returns the work of another thread, if there is any: no time passes until that
            is done, or waits for time itself.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.beside: list[Callable[[], Future[Any] | None]] = []
        self._alarms: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._waiting: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def of_tasks(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, and do what is due meanwhile, in this thread, as signals are handled."""
        if seconds <= 0:
            return
        until = self.now + seconds + _LONGER
        self.let_others_work()
        while self._alarms and self._alarms[0][0] <= until:
            due, _, act = heapq.heappop(self._alarms)
            self._reach(max(due, self.now))
            act()
        self._reach(until)

    def let_others_work(self) -> None:
        """Wait until other threads have done what takes no time."""
        for work in self.beside:
            future = work()
            while future is not None and not future.done() and not self._all_wait():
                wait([future], 0.001)

    def call_at(self, moment: float, act: Callable[[], object]) -> None:
        """Have something done when it is so late."""
        heapq.heappush(self._alarms, (moment, next(self._numbers), act))

    def wait_until(self, moment: float) -> None:
        """Wait in another thread until it is so late."""
        with self._changed:
            self._waiting.append(moment)
            try:
                assert self._changed.wait_for(lambda: self.now >= moment, _REAL_SECONDS)
            finally:
                self._waiting.remove(moment)

    def is_done(self, future: Future[Any], *, within: float) -> bool:
        """Wait for another thread: for what it does, and then for the time that it waits for."""
        due, looks = self.now + within, itertools.count()
        while not future.done():
            if not self._all_wait():
                wait([future], 0.001)
                assert next(looks) < _REAL_SECONDS * 1000, "a thread hangs"
            elif self.now >= due:
                return False
            else:
                self.sleep(min(due, *self._waiting) - self.now)
        return True

    def _all_wait(self) -> bool:
        """Whether other threads wait for time, all that wait at all."""
        with self._changed:
            return bool(self._waiting) and all(moment > self.now for moment in self._waiting)

    def _reach(self, moment: float) -> None:
        with self._changed:
            self.now = moment
            self._changed.notify_all()

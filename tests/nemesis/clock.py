"""One time for a whole run, which stands still for as long as anything works.

AWS's minutes pass in milliseconds here, in their own proportions: a lease, a queue's first minute,
a sweep, a boot. They pass only where every thread of the run, and every child, waits: a slow
machine makes a run slow, and nothing in it late. Where tasks sleep for real, time goes at a pace.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

__all__ = ["Clock", "Condition", "Event", "children_of", "running"]

_PACE: Final = 100.0
"""So many seconds pass in a real one while a task is in a worker's hands and sleeps."""

_LOOK_SECONDS: Final = 0.001
_LONGEST_LOOK: Final = 0.008
_WAITING: Final = frozenset("SZTXIt")
"""States of a thread that does not want to run."""


class Clock:
    """Time, as all parts of a run tell it.

    Args:
        working: whether a task is in a worker's hands.
        children: the processes whose children are the tasks'.
    """

    def __init__(
        self,
        *,
        working: Callable[[], bool] = lambda: False,
        children: Callable[[], list[int]] = list,
    ) -> None:
        self.working = working
        self._children = children
        self._began = time.time()
        self._passed = 0.0
        self._alarms: list[tuple[float, int, Callable[[], bool]]] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._last_busy = 0
        self._held = 0
        self._driver = threading.Thread(target=self._drive, name="clock", daemon=True)
        self._driver.start()

    def time(self) -> float:
        """Return seconds since the epoch."""
        return self._began + self._passed

    def monotonic(self) -> float:
        """Return seconds since the run began."""
        return self._passed

    def sleep(self, seconds: float) -> None:
        """Wait for time to pass; return at once when the run is over."""
        woken = threading.Event()
        self.call_in(seconds, woken.set)
        while not woken.wait(1.0):
            if self._over.is_set():
                return

    def call_in(self, seconds: float, act: Callable[[], object]) -> None:
        """Have something done later, in the clock's own thread: it must not wait for anything."""

        def done() -> bool:
            act()
            return True

        self.try_in(seconds, done)

    def try_in(self, seconds: float, act: Callable[[], bool]) -> None:
        """Have something tried later, as often as it takes until it returns True."""
        due = self._passed + max(0.0, seconds)
        with self._lock:
            heapq.heappush(self._alarms, (due, next(self._numbers), act))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let no time pass meanwhile."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    def pass_at_once(self, seconds: float) -> None:
        """Let time pass, whoever works."""
        self._reach(self._passed + seconds)

    def close(self) -> None:
        """Let no time pass any more."""
        self._over.set()
        self._driver.join()

    def _drive(self) -> None:
        pause, looked = _LOOK_SECONDS, time.monotonic()
        while not self._over.wait(pause):
            now = time.monotonic()
            since, looked = now - looked, now
            if not self._all_wait():
                pause = min(_LONGEST_LOOK, pause * 2)
                continue
            pause = _LOOK_SECONDS
            with self._lock:
                due = self._alarms[0][0] if self._alarms else self._passed
            if self.working():
                due = min(due, self._passed + min(since, _LONGEST_LOOK) * _PACE)
            self._reach(due)

    def _reach(self, moment: float) -> None:
        """Let it be so late, and do what is due."""
        again: list[tuple[float, int, Callable[[], bool]]] = []
        while True:
            with self._lock:
                due = heapq.heappop(self._alarms) if self._due(moment) else None
            if due is None:
                break
            self._passed = max(self._passed, due[0])
            if not due[2]():
                again.append(due)
        self._passed = max(self._passed, moment)
        with self._lock:
            for alarm in again:
                heapq.heappush(self._alarms, alarm)

    def _due(self, moment: float) -> bool:
        return bool(self._alarms) and self._alarms[0][0] <= moment

    def _all_wait(self) -> bool:
        """Whether nothing wants to run, by two looks: a thread may have been about to wake."""
        if self._held or self._someone_runs():
            return False
        time.sleep(_LOOK_SECONDS / 2)
        return not (self._held or self._someone_runs())

    def _someone_runs(self) -> bool:
        own, last = threading.get_native_id(), self._last_busy
        if last and _runs(f"/proc/self/task/{last}/stat"):
            return True
        for task in os.listdir("/proc/self/task"):
            if int(task) != own and _runs(f"/proc/self/task/{task}/stat"):
                self._last_busy = int(task)
                return True
        self._last_busy = 0
        return any(_runs(f"/proc/{pid}/stat") for pid in self._children())


def _runs(stat: str) -> bool:
    try:
        file = os.open(stat, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        text = os.read(file, 512)
    except ProcessLookupError:
        return False
    finally:
        os.close(file)
    return chr(text[text.rindex(b")") + 2]) not in _WAITING


class Condition(threading.Condition):
    """A condition whose time-outs are the run's time."""

    def __init__(self, clock: Clock, lock: Any = None) -> None:
        super().__init__(lock)
        self.clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        """Wait to be notified, or for so long."""
        if timeout is None or timeout >= threading.TIMEOUT_MAX:
            return super().wait()
        if timeout <= 0:
            return super().wait(0)
        due, waiting = self.clock.monotonic() + timeout, True

        def wake() -> bool:
            if not waiting:
                return True
            if not self.acquire(blocking=False):
                return False
            try:
                self.notify_all()
            finally:
                self.release()
            return True

        self.clock.try_in(timeout, wake)
        super().wait()
        waiting = False
        return self.clock.monotonic() < due

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """Wait until something is so, or for so long."""
        due = None if timeout is None else self.clock.monotonic() + timeout
        while not (found := predicate()):
            rest = None if due is None else due - self.clock.monotonic()
            if rest is not None and rest <= 0:
                break
            self.wait(rest)
        return found


class Event(threading.Event):
    """An event whose time-outs are the run's time."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._cond = Condition(clock, threading.Lock())  # type: ignore[misc]

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, or for so long."""
        with self._cond:
            if not self.is_set():
                self._cond.wait_for(self.is_set, timeout)
            return self.is_set()


@contextlib.contextmanager
def running(**words: Any) -> Iterator[Clock]:
    """Yield a clock that goes."""
    clock = Clock(**words)
    try:
        yield clock
    finally:
        clock.close()


def children_of(process: int) -> list[int]:
    """Return a process and its children."""
    try:
        found = Path(f"/proc/{process}/task/{process}/children").read_text()
    except FileNotFoundError:
        return []
    return [process, *map(int, found.split())]

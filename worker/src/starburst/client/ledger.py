"""Which tasks a session has, which future stands for each, and what is still outstanding."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeAlias

from starburst.chunks import LedgerEntry

__all__ = ["Tally", "TaskLedger"]

TaskFuture: TypeAlias = "Future[Any]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How far a session's tasks are.

    Attributes:
        total: accepted so far.
        done: with a result or a failure.
        failed: of those, with a failure.
        retried: runs beyond the first of any task.
        seconds: time spent in the function, over all workers.
    """

    total: int = 0
    done: int = 0
    failed: int = 0
    retried: int = 0
    seconds: float = 0.0


class TaskLedger:
    """All tasks of a session as seen from one client; safe to use from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._futures: list[TaskFuture] = []
        self._chunks: dict[str, LedgerEntry] = {}
        self._open: dict[str, int] = {}
        self._tally = Tally()
        self._ended: BaseException | None = None

    def add(self, future: TaskFuture) -> int:
        """Take a task on; return its session-wide number.

        Raises:
            SessionEnded: (or what else ended the session) it takes no more work.
        """
        with self._changed:
            if self._ended is not None:
                raise self._ended
            self._futures.append(future)
            self._count(total=1)
            return len(self._futures) - 1

    def dispatched(self, entries: Iterable[LedgerEntry]) -> None:
        """Note where tasks travel."""
        with self._changed:
            for entry in entries:
                self._chunks[entry.name] = entry
                self._open[entry.name] = entry.tasks
            self._changed.notify_all()

    def entry(self, chunk: str) -> LedgerEntry | None:
        """Return the tasks of a chunk; None for a chunk that this client does not know."""
        with self._changed:
            return self._chunks.get(chunk)

    @property
    def open_entries(self) -> tuple[LedgerEntry, ...]:
        """The chunks with outstanding tasks."""
        with self._changed:
            return tuple(self._chunks[name] for name in self._open)

    def future(self, index: int) -> TaskFuture:
        """Return a task's future."""
        with self._changed:
            return self._futures[index]

    def settled(
        self, chunk: str, *, done: int, failed: int = 0, retried: int = 0, seconds: float = 0.0
    ) -> None:
        """Count tasks of a chunk whose futures have been resolved."""
        with self._changed:
            left = self._open.get(chunk, 0) - done
            if left > 0:
                self._open[chunk] = left
            else:
                self._open.pop(chunk, None)
            self._count(done=done, failed=failed, retried=retried, seconds=seconds)
            self._changed.notify_all()

    def dropped(self, *, failed: int) -> None:
        """Count tasks that were resolved without ever travelling."""
        with self._changed:
            self._count(done=failed, failed=failed)
            self._changed.notify_all()

    def _count(
        self,
        *,
        total: int = 0,
        done: int = 0,
        failed: int = 0,
        retried: int = 0,
        seconds: float = 0.0,
    ) -> None:
        old = self._tally
        self._tally = Tally(
            total=old.total + total,
            done=old.done + done,
            failed=old.failed + failed,
            retried=old.retried + retried,
            seconds=old.seconds + seconds,
        )

    @property
    def tally(self) -> Tally:
        """How far the tasks are now."""
        with self._changed:
            return self._tally

    @property
    def outstanding(self) -> int:
        """How many dispatched tasks have no result yet."""
        with self._changed:
            return sum(self._open.values())

    @property
    def first_open(self) -> str | None:
        """Name of the earliest chunk with outstanding tasks; results before it are all in."""
        with self._changed:
            return min(self._open, default=None)

    @property
    def ended(self) -> BaseException | None:
        """Why the session takes no more work, or None."""
        with self._changed:
            return self._ended

    def wait(self, timeout: float, until: Callable[[], bool]) -> bool:
        """Wait until ``until()`` or for ``timeout`` seconds; return the last ``until()``."""
        with self._changed:
            return self._changed.wait_for(until, timeout)

    def wake(self) -> None:
        """Wake whoever waits."""
        with self._changed:
            self._changed.notify_all()

    def close(self, reason: BaseException) -> None:
        """Take no more work, and end every future that has no result with ``reason``."""
        with self._changed:
            if self._ended is None:
                self._ended = reason
            futures = [future for future in self._futures if not future.done()]
            self._open.clear()
            self._count(done=len(futures), failed=len(futures))
            self._changed.notify_all()
        for future in futures:
            if future.cancelled():
                continue
            if not future.running():
                future.set_running_or_notify_cancel()
            if not future.done():
                future.set_exception(reason)

    def __len__(self) -> int:
        """How many tasks have been taken on."""
        with self._changed:
            return len(self._futures)

    def __iter__(self) -> Iterator[TaskFuture]:
        """Iterate over all futures, in task order."""
        with self._changed:
            return iter(tuple(self._futures))

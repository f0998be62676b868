"""Which tasks a session has, which future stands for each, and what is still outstanding."""

from __future__ import annotations

import bisect
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from starburst._protocol.sealed.chunks import ChunkMessage, LedgerEntry
from starburst.errors import SessionError

from .futures import TaskFuture, fail, mark_cancelled, number_of

__all__ = ["Tally", "TaskList"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How far a session's tasks are.

    Attributes:
        total: accepted so far.
        done: with a result, a failure, or cancelled.
        failed: of those, with a failure.
        cancelled: of those, cancelled.
        retried: runs beyond the first of any task.
        seconds: time spent in the function, over all workers.
    """

    total: int = 0
    done: int = 0
    failed: int = 0
    retried: int = 0
    seconds: float = 0.0
    cancelled: int = 0


class TaskList:
    """All tasks of a session as seen from one client; safe to use from any thread."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._futures: list[TaskFuture] = []
        self._chunks: dict[str, LedgerEntry] = {}
        self._placed: list[LedgerEntry] = []
        self._open: dict[str, int] = {}
        self._outstanding = 0
        self._cancelled: set[int] = set()
        self._cancel_one = self._cancel
        self._tally = Tally()
        self._ended: BaseException | None = None
        self.on_cancel: Callable[[int], None] = lambda _: None
        """Told the number of each task that is cancelled in this process."""

    def add(self, tasks: int) -> list[TaskFuture]:
        """Take tasks on; return their futures.

        Raises:
            SessionEnded: (or what else ended the session) it takes no more work.
        """
        with self._changed:
            if self._ended is not None:
                raise self._ended
            begin, told = len(self._futures), self._cancel_one
            futures = [TaskFuture(n, cancelled=told) for n in range(begin, begin + tasks)]
            self._futures += futures
            return futures

    def extend(self, tasks: int) -> None:
        """Take on tasks that another client submitted."""
        with self._changed:
            begin = len(self._futures)
            self._futures.extend(
                TaskFuture(number, cancelled=self._cancel_one)
                for number in range(begin, begin + tasks)
            )

    def dispatched(self, entries: Iterable[LedgerEntry]) -> None:
        """Note where tasks travel."""
        with self._changed:
            for entry in entries:
                left = entry.tasks
                if self._cancelled:
                    numbers = range(entry.first, entry.first + entry.tasks)
                    left -= sum(number in self._cancelled for number in numbers)
                self._chunks[entry.name] = entry
                bisect.insort(self._placed, entry, key=lambda placed: placed.first)
                if left:
                    self._open[entry.name] = left
                    self._outstanding += left
            self._changed.notify_all()

    def _cancel(self, number: int) -> None:
        if self._note_cancel(number):
            self.on_cancel(number)

    def mark_cancelled(self, numbers: Iterable[int]) -> None:
        """Note that tasks were cancelled, as S3 records it."""
        with self._changed:
            futures = [self._futures[number] for number in numbers if number < len(self._futures)]
        for future in futures:
            if mark_cancelled(future):
                self._note_cancel(number_of(future))

    def _note_cancel(self, number: int) -> bool:
        """Count a cancelled task and tell who waits for it; False the second time."""
        with self._changed:
            if number in self._cancelled:
                return False
            self._cancelled.add(number)
            chunk = self._chunk_of(number)
            if chunk is not None:
                self._close_some(chunk, 1)
            self._count(done=1, cancelled=1)
            self._changed.notify_all()
            future = self._futures[number]
        future.set_running_or_notify_cancel()
        return True

    def is_void(self, message: ChunkMessage) -> bool:
        """Whether all tasks of a lease were cancelled."""
        with self._changed:
            entry = self._chunks.get(message.chunk)
            if entry is None:
                return False
            numbers = range(entry.first + message.lo, entry.first + message.hi)
            return all(number in self._cancelled for number in numbers)

    def _chunk_of(self, number: int) -> str | None:
        at = bisect.bisect_right(self._placed, number, key=lambda placed: placed.first) - 1
        if at < 0:
            return None
        entry = self._placed[at]
        return entry.name if number < entry.first + entry.tasks else None

    def _close_some(self, chunk: str, count: int) -> None:
        left = self._open.get(chunk, 0)
        self._outstanding -= min(count, left)
        if left > count:
            self._open[chunk] = left - count
        else:
            self._open.pop(chunk, None)

    def entry(self, chunk: str) -> LedgerEntry | None:
        """Return the tasks of a chunk; None for a chunk that this client does not know."""
        with self._changed:
            return self._chunks.get(chunk)

    def futures(self, first: int, count: int) -> Sequence[TaskFuture]:
        """Return the futures of consecutive tasks."""
        with self._changed:
            return self._futures[first : first + count]

    def settled(
        self, chunk: str, *, done: int, failed: int = 0, retried: int = 0, seconds: float = 0.0
    ) -> None:
        """Count tasks of a chunk whose futures have been resolved."""
        with self._changed:
            self._close_some(chunk, done)
            self._count(done=done, failed=failed, retried=retried, seconds=seconds)
            self._changed.notify_all()

    def dropped(self, futures: Iterable[TaskFuture], error: BaseException) -> None:
        """End tasks that could not be sent, and wait no longer for those that were stored."""
        failed = [number_of(future) for future in futures if fail(future, error)]
        with self._changed:
            for number in failed:
                chunk = self._chunk_of(number)
                if chunk is not None:
                    self._close_some(chunk, 1)
            self._count(done=len(failed), failed=len(failed))
            self._changed.notify_all()

    def _count(
        self,
        *,
        done: int = 0,
        failed: int = 0,
        retried: int = 0,
        seconds: float = 0.0,
        cancelled: int = 0,
    ) -> None:
        old = self._tally
        self._tally = Tally(
            done=old.done + done,
            failed=old.failed + failed,
            retried=old.retried + retried,
            seconds=old.seconds + seconds,
            cancelled=old.cancelled + cancelled,
        )

    @property
    def tally(self) -> Tally:
        """How far the tasks are now."""
        with self._changed:
            return replace(self._tally, total=len(self._futures))

    @property
    def outstanding(self) -> int:
        """How many dispatched tasks have no result yet."""
        with self._changed:
            return self._outstanding

    @property
    def first_open(self) -> str | None:
        """Name of the earliest chunk with outstanding tasks; results before it are all in."""
        with self._changed:
            return min(self._open, default=None)

    @property
    def ended(self) -> BaseException | None:
        """Why the session takes no more work, or None."""
        if os.getpid() != self._process:  # the threads that send and collect were not forked
            return SessionError(
                "this session was opened or attached by another process, of which this one is a "
                "fork; starburst.attach(id) finds it from here"
            )
        with self._changed:
            return self._ended

    def wait(self, timeout: float, until: Callable[[], bool]) -> bool:
        """Wait until ``until()`` or for ``timeout`` seconds; return the last ``until()``."""
        with self._changed:
            return self._changed.wait_for(until, timeout)

    def wake(self) -> None:
        """Wake all that wait."""
        with self._changed:
            self._changed.notify_all()

    def close(self, reason: BaseException) -> None:
        """Take no more work, and end every future that has no result with ``reason``."""
        with self._changed:
            if self._ended is None:
                self._ended = reason
            futures = [future for future in self._futures if not future.done()]
            self._open.clear()
            self._outstanding = 0
        ended = sum(fail(future, reason) for future in futures)
        with self._changed:
            self._count(done=ended, failed=ended)
            self._changed.notify_all()

    def __len__(self) -> int:
        """How many tasks have been taken on."""
        with self._changed:
            return len(self._futures)

    def __iter__(self) -> Iterator[TaskFuture]:
        """Iterate over all futures, in task order."""
        with self._changed:
            return iter(tuple(self._futures))

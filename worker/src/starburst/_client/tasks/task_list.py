"""Which tasks a session has, how each has ended, and who is told so."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final
from weakref import WeakValueDictionary

from starburst._protocol.sealed.chunks import ChunkMessage, LedgerEntry
from starburst.errors import SessionError

from .futures import TaskFuture, finish, number_of
from .outcomes import Ended, Holder, Outcomes, Tally, how, runs
from .sent_chunks import SentChunks

__all__ = ["Tally", "TaskList"]

_NONE: Final[Mapping[int, BaseException]] = MappingProxyType({})


class _Change:
    """Tasks that end together, and the futures that are to be told."""

    def __init__(self) -> None:
        self.ended = 0
        self.told: list[tuple[TaskFuture, Ended, Any]] = []


class TaskList:
    """All tasks of a session as seen from one client; safe to use from any thread.

    A task is a few bytes. It has a future once that is touched, held by whoever touched it, and
    here while a callback waits for it.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._outcomes = Outcomes()
        self._sent = SentChunks()
        self._futures: WeakValueDictionary[int, TaskFuture] = WeakValueDictionary()
        self._held: dict[int, TaskFuture] = {}
        self._telling: list[int] = []
        self._tally = Tally()
        self._ended: BaseException | None = None
        self._of_one = (self._cancel_one, self._hold)
        self.on_cancel: Callable[[Sequence[range]], None] = lambda _: None
        """Told which tasks are cancelled in this process."""

    # Taking tasks on, and sending them.

    def add(self, tasks: int, *, holder: Holder = Holder.COLLECT) -> range:
        """Take tasks on; return their numbers.

        Raises:
            SessionEnded: (or what else ended the session) it takes no more work.
        """
        with self._changed:
            if self._ended is not None:
                raise self._ended
            return self._extend(tasks, holder)

    def extend(self, tasks: int) -> None:
        """Take on tasks that another client submitted."""
        with self._changed:
            self._extend(tasks, Holder.COLLECT)

    def _extend(self, tasks: int, holder: Holder) -> range:
        begin = len(self._outcomes)
        self._outcomes.extend(tasks, holder)
        return range(begin, begin + tasks)

    def dispatched(self, entries: Iterable[LedgerEntry]) -> None:
        """Note where tasks travel."""
        with self._changed:
            for entry in entries:
                stop = entry.first + entry.tasks
                cancelled = self._outcomes.count(Ended.CANCELLED, entry.first, stop)
                self._sent.add(entry, left=entry.tasks - cancelled)
            self._changed.notify_all()

    def entry(self, chunk: str) -> LedgerEntry | None:
        """Return the tasks of a chunk; None for a chunk that this client does not know."""
        with self._changed:
            return self._sent.entries.get(chunk)

    def entries(self, numbers: Iterable[int]) -> list[LedgerEntry]:
        """Return where some tasks travel, as far as they were sent, in order."""
        with self._changed:
            return self._sent.holding(numbers)

    def outcome(self, number: int) -> tuple[Ended, Any]:
        """Return how a task has ended, and its result or error."""
        with self._changed:
            return self._outcomes.get(number)

    def is_void(self, message: ChunkMessage) -> bool:
        """Whether all tasks of a lease were cancelled."""
        with self._changed:
            entry = self._sent.entries.get(message.chunk)
            if entry is None:
                return False
            first, stop = entry.first + message.lo, entry.first + message.hi
            return self._outcomes.count(Ended.CANCELLED, first, stop) == stop - first

    def cancelled(self, first: int, stop: int) -> Sequence[int]:
        """Return which of consecutive tasks were cancelled."""
        with self._changed:
            if not self._outcomes.count(Ended.CANCELLED, first, stop):
                return ()
            ended = self._outcomes.ended
            return [n for n in range(first, stop) if ended(n) is Ended.CANCELLED]

    # Ending tasks. Their futures are told without the lock, for they may have callbacks.

    @contextmanager
    def _change(self) -> Iterator[_Change]:
        change, me = _Change(), threading.get_ident()
        with self._changed:
            yield change
            self._telling.append(me)
        try:
            for future, end, value in change.told:
                finish(future, end, value)
        finally:
            with self._changed:
                self._telling.remove(me)
                self._changed.notify_all()

    def _end(self, change: _Change, number: int, end: Ended, value: object) -> bool:
        if not self._outcomes.is_open(number):
            return False
        future = self._held.pop(number, None) or self._futures.get(number)
        self._outcomes.end(number, end, value, told=future is not None)
        change.ended += 1
        if future is not None:
            change.told.append((future, end, value))
        return True

    def settle(
        self,
        chunk: str,
        first: int,
        values: Iterable[Any],
        *,
        errors: Mapping[int, BaseException] = _NONE,
    ) -> None:
        """End consecutive tasks of a chunk, but for those that were cancelled or given up.

        Args:
            chunk: its name.
            first: number of the first of them.
            values: their results.
            errors: by number, what stands in the place of a result.
        """
        failed = 0
        with self._change() as change:
            for number, value in enumerate(values, first):
                error = errors.get(number)
                if error is None:
                    self._end(change, number, Ended.RESULT, value)
                else:
                    failed += self._end(change, number, how(error), error)
            self._sent.close_some(chunk, change.ended)
            self._count(done=change.ended, failed=failed)

    def fail(self, chunk: str, numbers: range, error: BaseException) -> None:
        """End consecutive tasks of a chunk with an error that is not their own."""
        self.settle(chunk, numbers.start, numbers, errors=dict.fromkeys(numbers, error))

    def worked(self, *, retried: int = 0, seconds: float = 0.0) -> None:
        """Add up what a worker says of its work."""
        with self._changed:
            self._count(retried=retried, seconds=seconds)

    def dropped(self, numbers: Iterable[range], error: BaseException) -> None:
        """End tasks that could not be sent, and wait no longer for those that were stored."""
        with self._change() as change:
            self._end_all(change, numbers, how(error), error)
            self._count(done=change.ended, failed=change.ended)

    def _end_all(
        self, change: _Change, numbers: Iterable[range], end: Ended, value: object
    ) -> list[range]:
        """End what is open of some tasks, all in the same way; return what that was."""
        total, ended = len(self._outcomes), list[range]()
        for asked in numbers:
            for run in self._outcomes.open_runs(range(asked.start, min(asked.stop, total))):
                few = len(run) <= len(self._futures)
                for number in run if few else [n for n in self._futures if n in run]:
                    future = self._held.pop(number, None) or self._futures.get(number)
                    if future is not None:
                        change.told.append((future, end, value))
                self._outcomes.end_run(run, end, value)
                self._sent.close(run)
                change.ended += len(run)
                ended.append(run)
        return ended

    def cancel(self, numbers: Iterable[int] | None = None) -> int:
        """Cancel tasks, all where none are named; return how many had not ended."""
        return self._cancel(numbers, told=self.on_cancel)

    def mark_cancelled(self, numbers: Iterable[int]) -> None:
        """Note that tasks were cancelled, as S3 records it."""
        self._cancel(numbers, told=lambda _: None)

    def _cancel(
        self, numbers: Iterable[int] | None, *, told: Callable[[Sequence[range]], None]
    ) -> int:
        with self._change() as change:
            asked = [range(len(self._outcomes))] if numbers is None else runs(numbers)
            cancelled = self._end_all(change, asked, Ended.CANCELLED, None)
            self._count(done=change.ended, cancelled=change.ended)
            if cancelled:
                told(cancelled)
        return change.ended

    def _cancel_one(self, number: int) -> bool:
        if self.cancel(range(number, number + 1)):
            return True
        with self._changed:
            return self._outcomes.ended(number) is Ended.CANCELLED

    def close(self, reason: BaseException) -> None:
        """Take no more work, and end every task that has no result with ``reason``."""
        with self._change() as change:
            if self._ended is None:
                self._ended = reason
            self._end_all(change, [range(len(self._outcomes))], how(reason), reason)
            self._sent.close_all()
            self._count(done=change.ended, failed=change.ended)
            # Whoever was telling them may have been interrupted.
            late = [f for f in self._futures.values() if not f.done()]
            change.told += [(f, *self._outcomes.get(number_of(f))) for f in late]

    # Looking at them.

    def future(self, number: int) -> TaskFuture:
        """Return the future of a task: the same one as long as somebody holds it."""
        with self._changed:
            found = self._futures.get(number)
            if found is None:
                cancel, hold = self._of_one
                found = TaskFuture(number, cancel=cancel, hold=hold)
                end, value = self._outcomes.get(number)
                if end is not Ended.NOT:
                    finish(found, end, value)
                self._futures[number] = found
            return found

    def has(self, future: TaskFuture) -> bool:
        """Whether a future is of one of these tasks."""
        with self._changed:
            return self._futures.get(number_of(future)) is future

    def _hold(self, future: TaskFuture) -> None:
        """Hold a future until it is done: it has a callback."""
        with self._changed:
            if self._outcomes.ended(number_of(future)) is Ended.NOT:
                self._held[number_of(future)] = future

    def count_done(self, numbers: Sequence[int]) -> int:
        """Count those of some tasks that have ended."""
        with self._changed:
            if isinstance(numbers, range) and numbers.step == 1:
                open_ = self._outcomes.count(Ended.NOT, numbers.start, numbers.stop)
                return len(numbers) - open_
            return sum(self._outcomes.ended(n) is not Ended.NOT for n in numbers)

    def all_done(self, first: int) -> bool:
        """Whether so many first tasks have ended, and their futures say so."""
        me = threading.get_ident()
        with self._changed:
            told = all(thread == me for thread in self._telling)  # a callback must not wait here
            return told and self._outcomes.first_open(0, first) is None

    def is_any_open(self, first: int) -> bool:
        """Whether any of so many first tasks has not ended."""
        with self._changed:
            return self._outcomes.first_open(0, first) is not None

    def take(self, first: int, *, return_exceptions: bool) -> list[Any]:
        """Return what has ended of so many first tasks, each once: see :class:`Outcomes`."""
        with self._changed:
            return self._outcomes.take(first, return_exceptions=return_exceptions)

    def release(self, numbers: range, timeout: float | None = None) -> deque[tuple[Ended, Any]]:
        """Wait for the first of some tasks; return how it and those after it ended, with values.

        They are held no longer.

        Raises:
            TimeoutError: it has not ended within ``timeout`` seconds.
        """
        with self._changed:
            first, release = numbers.start, self._outcomes.release
            if not self._changed.wait_for(lambda: not self._outcomes.is_open(first), timeout):
                raise TimeoutError
            stop = self._outcomes.first_open(first, numbers.stop)
            stop = numbers.stop if stop is None else stop
            found = deque(release(number) for number in range(first, stop))
            self._sent.forget(self._outcomes.trim())
            return found

    def let_go(self, numbers: Iterable[int]) -> None:
        """Hold nothing for an iterator that will not hand these tasks' results out."""
        with self._changed:
            for number in numbers:
                self._outcomes.let_go(number)
            self._sent.forget(self._outcomes.trim())

    def failures(self, *, collected: bool = False) -> list[tuple[int, BaseException]]:
        """Return what has failed and was not replaced, and with what; ``collected`` ones too."""
        with self._changed:
            return self._outcomes.failures(collected=collected)

    def replace(self, numbers: Iterable[int], others: Iterable[int]) -> None:
        """Have other tasks take the places of some that have failed."""
        with self._changed:
            self._outcomes.instead.update(zip(numbers, others, strict=True))

    def has_failed(self) -> bool:
        """Whether any task has failed that was not collected."""
        with self._changed:
            return self._outcomes.first_failure() is not None

    def number_with(self, error: BaseException) -> int | None:
        """Return the first task that has ended with this very error."""
        with self._changed:
            return self._outcomes.number_with(error)

    @property
    def unread(self) -> int:
        """How many tasks have not ended by their own result, by what they raised, or as cancelled.

        Of any other there may be something in S3 that is to be read later, or held as evidence.
        """
        with self._changed:
            total = len(self._outcomes)
            return self._outcomes.unread + self._outcomes.count(Ended.NOT, 0, total)

    def _count(self, **more: float) -> None:
        old = self._tally
        self._tally = replace(old, **{name: getattr(old, name) + n for name, n in more.items()})

    @property
    def tally(self) -> Tally:
        """How far the tasks are now."""
        with self._changed:
            return replace(self._tally, total=len(self._outcomes))

    @property
    def outstanding(self) -> int:
        """How many dispatched tasks have no result yet."""
        with self._changed:
            return self._sent.outstanding

    @property
    def first_open(self) -> str | None:
        """Name of the earliest chunk with outstanding tasks; results before it are all in."""
        with self._changed:
            return self._sent.first_open

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

    def __len__(self) -> int:
        """How many tasks have been taken on."""
        with self._changed:
            return len(self._outcomes)

    def __iter__(self) -> Iterator[TaskFuture]:
        """Iterate over the futures of all tasks there are now, in order."""
        return map(self.future, range(len(self)))

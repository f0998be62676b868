"""The futures of tasks: ordinary ones, made when they are touched, whose cancel reaches workers."""

from __future__ import annotations

import itertools
import logging
import reprlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeGuard, TypeVar, overload

from starburst._client.notebooks.cards import card

from .outcomes import Ended

if TYPE_CHECKING:
    from .task_list import TaskList

__all__ = ["FutureList", "TaskFuture", "finish", "joined", "number_of", "numbers_in"]

R = TypeVar("R")

_LOG: Final = logging.getLogger("concurrent.futures")
"""Where other futures say what their callbacks raised."""


class TaskFuture(Future[Any]):
    """What ``submit`` returns.

    A task counts as finished once its result has been read here, and until then ``cancel()``
    succeeds: a worker that is to run it later does not, and one that is in the middle of it stops
    it within seconds. So a future is never ``running()``: that cannot be known here. A result that
    arrives after all is dropped; ``attach`` elsewhere sees the task cancelled.
    """

    def __init__(
        self, number: int, *, cancel: Callable[[int], bool], hold: Callable[[TaskFuture], None]
    ) -> None:
        super().__init__()
        self._number = number
        self._cancel = cancel
        self._hold = hold

    def cancel(self) -> bool:
        """Cancel the task; False once its result is here.

        Returns at once. ``Session.cancel`` also waits until that is recorded in S3, where a crash
        of this process cannot undo it.
        """
        return self._cancel(self._number)

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        """Have ``fn`` called with this future once it is done, also where nobody else holds it."""
        self._hold(self)
        super().add_done_callback(fn)

    def _repr_html_(self) -> str:
        state, said = "not done", ""
        if self.cancelled():
            state = "cancelled"
        elif self.done():
            error = self.exception()
            state = "done" if error is None else "failed"
            said = f"{type(error).__name__}: {error}" if error else reprlib.repr(self.result())
        return card(f"Task {self._number:,}", [said], aside=state)

    def __reduce__(self) -> NoReturn:
        """Refuse to travel: it stands for a task in this process."""
        raise TypeError(
            "a future of Starburst cannot be pickled: it belongs to this process. Send its "
            "result(), or let the other process starburst.attach(session.id)"
        )


class FutureList(Sequence[Future[R]]):
    """The futures of some tasks: each is made when it is touched, and the same while it is held.

    So a million tasks cost what their results cost. It is read as a list is, and does not grow;
    ``list(futures)`` makes all of them, at about 2 KB each.

    Example:
        >>> futures = session.map(abs, range(1_000))             # doctest: +SKIP
        >>> futures[-1].result(), len(futures[:10])              # doctest: +SKIP
        (999, 10)
    """

    __slots__ = ("_numbers", "_tasks")
    __hash__ = None  # type: ignore[assignment]  # as a list

    def __init__(self, tasks: TaskList, numbers: Sequence[int]) -> None:
        self._tasks = tasks
        self._numbers = numbers

    @overload
    def __getitem__(self, index: int) -> Future[R]: ...
    @overload
    def __getitem__(self, index: slice) -> FutureList[R]: ...
    def __getitem__(self, index: int | slice) -> Future[R] | FutureList[R]:
        """Return the future of one task, or those of some."""
        if isinstance(index, slice):
            return FutureList(self._tasks, self._numbers[index])
        return self._tasks.future(self._numbers[index])

    def __len__(self) -> int:
        """How many tasks these are."""
        return len(self._numbers)

    def __iter__(self) -> Iterator[Future[R]]:
        """Make one after the other; none is held for longer than its reader holds it."""
        return map(self._tasks.future, self._numbers)

    def __contains__(self, future: object) -> bool:
        """Whether a future is one of these."""
        return self._is_of_same(future) and future._number in self._numbers

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """Return the position of a future; ValueError where it is none of these."""
        if self._is_of_same(value):
            at = self._numbers.index(value._number)
            if at in range(*slice(start, stop).indices(len(self))):
                return at
        raise ValueError(f"{value!r} is none of these futures")

    def count(self, value: object) -> int:
        """Return 1 for a future that is one of these, else 0."""
        return int(value in self)

    def _is_of_same(self, future: object) -> TypeGuard[TaskFuture]:
        return isinstance(future, TaskFuture) and self._tasks.has(future)

    def __eq__(self, other: object) -> bool:
        """Whether ``other`` holds the same futures, in the same order."""
        if isinstance(other, FutureList):
            same = self._tasks is other._tasks and len(self) == len(other)
            return same and all(map(int.__eq__, self._numbers, other._numbers))
        if isinstance(other, list | tuple):
            return len(self) == len(other) and all(map(_is_same, self, other))
        return NotImplemented

    def __add__(self, other: Iterable[Future[R]]) -> list[Future[R]]:
        """Return a list of these and others."""
        return [*self, *other]

    def __radd__(self, other: Iterable[Future[R]]) -> list[Future[R]]:
        """Return a list of others and these."""
        return [*other, *self]

    def __repr__(self) -> str:
        """Say how many they are, and how many of them are done."""
        done = self._tasks.count_done(self._numbers)
        return f"<{len(self):,} starburst futures, {done:,} of them done>"

    def _repr_html_(self) -> str:
        done = self._tasks.count_done(self._numbers)
        return card(f"{len(self):,} futures", [], aside=f"{done:,} done", share=(done, len(self)))

    def __reduce__(self) -> NoReturn:
        """Refuse to travel: they stand for tasks in this process."""
        raise TypeError(
            "futures of Starburst cannot be pickled: they belong to this process. Send their "
            "results, or let the other process starburst.attach(session.id)"
        )


def number_of(future: TaskFuture) -> int:
    """Return its task's number in the session, from 0."""
    return future._number


def numbers_in(futures: object, tasks: TaskList) -> Sequence[int] | None:
    """Return the numbers of futures that are a list, all of these tasks; else None."""
    if not isinstance(futures, FutureList) or futures._tasks is not tasks:
        return None
    return futures._numbers


def joined(parts: Iterable[range]) -> Sequence[int]:
    """Return the numbers of all parts: as one range, unless other threads submitted meanwhile.

    Example:
        >>> joined([range(3), range(3, 5)])
        range(0, 5)
    """
    merged: list[range] = []
    for part in parts:
        if merged and merged[-1].stop == part.start:
            merged[-1] = range(merged[-1].start, part.stop)
        else:
            merged.append(part)
    if len(merged) > 1:
        return array("Q", itertools.chain.from_iterable(merged))
    return merged[0] if merged else range(0)


def finish(future: Future[Any], end: Ended, value: Any) -> None:  # noqa: ANN401 - any result
    """End a future as its task has ended; harmless where it has ended.

    What its callbacks raise is logged: the thread that collects for all others must not end.
    """
    try:
        if end is Ended.RESULT:
            future.set_result(value)
        elif end is Ended.CANCELLED:
            if future.done():
                return
            try:
                Future.cancel(future)
            finally:
                future.set_running_or_notify_cancel()
        else:
            future.set_exception(value)
    except (InvalidStateError, RuntimeError):
        return
    except KeyboardInterrupt:
        raise
    # A callback's, such as SystemExit.
    except BaseException:
        _LOG.exception("a callback of %r raised", future)


def _is_same(one: object, other: object) -> bool:
    return one is other

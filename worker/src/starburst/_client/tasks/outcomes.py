"""What became of each task, in a few bytes each, and the results that nobody has taken yet."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any, Final

from starburst.errors import IntegrityError, RemoteTraceback, SessionError

__all__ = ["Ended", "Holder", "Outcomes", "Tally", "how", "runs"]

_OPEN: Final = re.compile(rb"\0+")
_FAILURE: Final = re.compile(rb"[\2\3]")
_TRIM: Final = 8192
"""Tasks that are let go together: moving the rest to the front costs little for each."""


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


class Ended(enum.IntEnum):
    """How a task has ended, if it has."""

    NOT = 0
    RESULT = 1
    FAILED = 2
    """By what it raised itself."""
    UNREAD = 3
    """Of these there may be something in S3, to be read later or held as evidence."""
    CANCELLED = 4


class Holder(enum.IntEnum):
    """Who gets a task's result."""

    FUTURE = 0
    """Whoever holds its future; nobody else does, so it goes with that."""
    COLLECT = 1
    """``collect``, and whoever touches its future."""
    COLLECTED = 2
    """As before, but ``collect`` has had it."""
    ITERATOR = 3
    """An iterator over results, which takes it with it."""
    NOBODY = 4


_KEEP: Final = frozenset({Holder.COLLECT, Holder.COLLECTED, Holder.ITERATOR})


def how(error: BaseException) -> Ended:
    """Say whether a task has ended by itself, with this error, or something else is in its place.

    Of the latter there may be something in S3 that is to be read later, or to be held as evidence:
    such an error says so.
    """
    own = RemoteTraceback.of(error) is not None and not isinstance(error, IntegrityError)
    return Ended.FAILED if own else Ended.UNREAD


def runs(numbers: Iterable[int]) -> list[range]:
    """Return numbers as ranges of consecutive ones.

    Example:
        >>> runs([3, 4, 5, 9])
        [range(3, 6), range(9, 10)]
    """
    if isinstance(numbers, range) and numbers.step == 1:
        return [numbers]
    found: list[range] = []
    begin = stop = -1
    for number in numbers:
        if number != stop:
            found.append(range(begin, stop))
            begin = number
        stop = number + 1
    return [*found[1:], range(begin, stop)] if begin >= 0 else []


class Outcomes:
    """A session's tasks by number. Not safe for threads: its owner has the lock."""

    def __init__(self) -> None:
        self._base = 0
        self._ends = bytearray()
        self._holders = bytearray()
        self._values: list[Any] = []
        self.unread = 0
        """How many have ended, and not by themselves."""
        self.instead: dict[int, int] = {}
        """Of tasks that failed and were sent again, the numbers that they have now."""

    def __len__(self) -> int:
        """How many tasks there have ever been."""
        return self._base + len(self._ends)

    def extend(self, count: int, holder: Holder) -> None:
        """Take tasks on."""
        self._ends += bytes(count)
        self._holders += bytes([holder]) * count
        self._values += [None] * count

    def ended(self, number: int) -> Ended:
        """How a task has ended."""
        return Ended(self._ends[number - self._base]) if number >= self._base else Ended.RESULT

    def count(self, end: Ended, first: int, stop: int) -> int:
        """Count those of consecutive tasks that have ended so."""
        lo, hi = max(first, self._base), max(stop, self._base)
        let_go = min(stop, self._base) - min(first, self._base) if end is Ended.RESULT else 0
        return let_go + self._ends.count(end, lo - self._base, hi - self._base)

    def first_open(self, first: int, stop: int) -> int | None:
        """Return the first of consecutive tasks that has not ended."""
        lo = max(first - self._base, 0)
        at = self._ends.find(Ended.NOT, lo, max(stop - self._base, lo))
        return None if at < 0 else at + self._base

    def open_runs(self, numbers: range) -> list[range]:
        """Return those of consecutive tasks that have not ended, as ranges."""
        begin, stop = (max(n - self._base, 0) for n in (numbers.start, numbers.stop))
        found = _OPEN.finditer(self._ends, begin, stop)
        return [range(m.start() + self._base, m.end() + self._base) for m in found]

    def end_run(self, numbers: range, end: Ended, value: object) -> None:
        """Note how consecutive tasks that are open have ended, all of them so."""
        at = slice(numbers.start - self._base, numbers.stop - self._base)
        self._ends[at] = bytes([end]) * len(numbers)
        self.unread += len(numbers) if end is Ended.UNREAD else 0
        if value is not None:
            self._values[at] = [value] * len(numbers)

    def is_open(self, number: int) -> bool:
        """Whether a task has not ended."""
        return number >= self._base and not self._ends[number - self._base]

    def end(self, number: int, end: Ended, value: object, *, told: bool) -> None:
        """Note how a task that is open has ended.

        Args:
            number: of the task.
            end: how.
            value: its result or error.
            told: whether its future has it.
        """
        at = number - self._base
        self._ends[at] = end
        self.unread += end is Ended.UNREAD
        if self._holders[at] in _KEEP or not (told or end is Ended.RESULT):
            self._values[at] = value

    def get(self, number: int) -> tuple[Ended, Any]:
        """Return how a task has ended, and its result or error."""
        at = number - self._base
        end = self.ended(number)
        if end is Ended.RESULT and (at < 0 or self._holders[at] not in _KEEP):
            return Ended.UNREAD, SessionError(
                "the result of this task was handed out by an iterator, or its future was let go, "
                "and this process has it no more; keep the futures or the results that you need"
            )
        return end, self._values[at] if at >= 0 else None

    def release(self, number: int) -> tuple[Ended, Any]:
        """Return what an iterator hands out, and hold it no longer."""
        end, value = self.get(number)
        at = number - self._base
        self._values[at] = None
        self._holders[at] = Holder.NOBODY
        return end, value

    def let_go(self, number: int) -> None:
        """Hold nothing for an iterator that will not hand it out."""
        if number >= self._base:
            self.release(number)

    def trim(self) -> int:
        """Forget the first tasks whose results nobody is to have; return how many are gone."""
        if len(self._holders) >= _TRIM and self._holders[_TRIM - 1] == Holder.NOBODY:
            gone = len(self._holders) - len(self._holders.lstrip(bytes([Holder.NOBODY])))
            stop = self.first_open(self._base, self._base + gone)
            gone = gone if stop is None else stop - self._base
            del self._ends[:gone], self._holders[:gone], self._values[:gone]
            self._base += gone
        return self._base

    def take(self, stop: int, *, return_exceptions: bool) -> list[Any]:
        """Return what has ended of the tasks before ``stop`` and was not collected yet, in order.

        Args:
            stop: the first task that is not asked for.
            return_exceptions: put exceptions in the list; else the first is raised, and nothing
                counts as collected. What was cancelled is no news to who cancelled it; a failure
                is.
        """
        ends = self._ends[: max(stop - self._base, 0)]
        ready = bytes(
            end if holder == Holder.COLLECT else 0
            for end, holder in zip(ends, self._holders, strict=False)
        )
        values, moved = self._values, list[int]()
        if self.instead:
            ready, values, moved = self._in_their_places(ready)
        for kinds in ((Ended.FAILED, Ended.UNREAD), (Ended.CANCELLED,)):
            if not return_exceptions and any(kind in ready for kind in kinds):
                found = next(n for n, end in enumerate(ready) if end in kinds)
                raise _cancelled() if ready[found] == Ended.CANCELLED else values[found]
        taken = [
            _cancelled() if end == Ended.CANCELLED else value
            for end, value in zip(ready, values, strict=False)
            if end
        ]
        self._holders[: len(ready)] = bytes(
            Holder.COLLECTED if end else holder
            for end, holder in zip(ready, self._holders, strict=False)
        )
        for at in moved:
            self._holders[at] = Holder.COLLECTED
        return taken

    def _in_their_places(self, ready: bytes) -> tuple[bytes, list[Any], list[int]]:
        """Put what was sent again where it failed first, unless that was collected."""
        ends, values, moved = bytearray(ready), list(self._values), list[int]()
        for old, new in sorted(self.instead.items(), reverse=True):
            at, then = old - self._base, new - self._base
            if not 0 <= at < len(ends) or not ends[at]:
                continue
            ends[at] = ends[then] if then < len(ends) else 0  # not ended: neither has a place yet
            if ends[at]:
                values[at], ends[then] = values[then], 0
                moved.append(then)
        return bytes(ends), values, moved

    def failures(self, *, collected: bool) -> list[tuple[int, BaseException]]:
        """Return the tasks of ``collect`` that have failed, and were not replaced, with errors.

        Args:
            collected: also those whose errors it has had.
        """
        which = (Holder.COLLECT, Holder.COLLECTED) if collected else (Holder.COLLECT,)
        return [(at + self._base, self._values[at]) for at in self._failed(which)]

    def first_failure(self) -> int | None:
        """Return the first task that has failed and was not collected."""
        at = next(self._failed(), None)
        return None if at is None else at + self._base

    def _failed(self, holders: Sequence[Holder] = (Holder.COLLECT,)) -> Iterator[int]:
        found = (match.start() for match in _FAILURE.finditer(self._ends))
        rest = (at for at in found if at + self._base not in self.instead)
        return (at for at in rest if self._holders[at] in holders)

    def number_with(self, value: object) -> int | None:
        """Return the first task that has ended with this very object."""
        found = (at for at, each in enumerate(self._values) if each is value)
        at = next(found, None)
        return None if at is None else at + self._base


def _cancelled() -> CancelledError:
    return CancelledError("cancelled; collect(return_exceptions=True) returns all the others")

"""Where a session's tasks travel: which chunk has which, and how many of each are outstanding."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable

from starburst._protocol.sealed.chunks import LedgerEntry

__all__ = ["SentChunks"]


class SentChunks:
    """The chunks that are known to be stored. Not safe for threads: its owner has the lock.

    Attributes:
        entries: by name.
        outstanding: tasks in them that have not ended.
    """

    def __init__(self) -> None:
        self.entries: dict[str, LedgerEntry] = {}
        self.outstanding = 0
        self._placed: list[LedgerEntry] = []
        self._open: dict[str, int] = {}

    @property
    def first_open(self) -> str | None:
        """Name of the earliest chunk with outstanding tasks."""
        return min(self._open, default=None)

    def add(self, entry: LedgerEntry, *, left: int) -> None:
        """Note a chunk.

        Args:
            entry: of the ledger.
            left: how many of its tasks have not ended.
        """
        self.entries[entry.name] = entry
        bisect.insort(self._placed, entry, key=_first)
        if left:
            self._open[entry.name] = left
            self.outstanding += left

    def holding(self, numbers: Iterable[int]) -> list[LedgerEntry]:
        """Return the chunks that some tasks travel in, in order."""
        found = dict[str, LedgerEntry]()
        for number in numbers:
            at = bisect.bisect_right(self._placed, number, key=_first) - 1
            entry = self._placed[at] if at >= 0 else None
            if entry is not None and number < entry.first + entry.tasks:
                found[entry.name] = entry
        return list(found.values())

    def close_some(self, chunk: str, count: int) -> None:
        """Expect so many tasks less of a chunk."""
        if not count:
            return
        left = self._open.get(chunk, 0)
        self.outstanding -= min(count, left)
        if left > count:
            self._open[chunk] = left - count
        else:
            self._open.pop(chunk, None)

    def close(self, numbers: range) -> None:
        """Expect consecutive tasks no more, wherever they travel, as far as they were sent."""
        at = max(bisect.bisect_right(self._placed, numbers.start, key=_first) - 1, 0)
        for entry in itertools.islice(self._placed, at, None):
            if entry.first >= numbers.stop:
                return
            first, stop = entry.first, entry.first + entry.tasks
            self.close_some(
                entry.name, len(range(max(first, numbers.start), min(stop, numbers.stop)))
            )

    def close_all(self) -> None:
        """Expect nothing more."""
        self._open.clear()
        self.outstanding = 0

    def forget(self, before: int) -> None:
        """Forget chunks all of whose tasks come before that one."""
        at = bisect.bisect_right(self._placed, before, key=lambda e: e.first + e.tasks)
        for entry in self._placed[:at]:
            del self.entries[entry.name]
            self._open.pop(entry.name, None)
        del self._placed[:at]


def _first(entry: LedgerEntry) -> int:
    return entry.first

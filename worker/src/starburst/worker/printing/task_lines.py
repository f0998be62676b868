"""What tasks print, on its way from a child to where it is kept: bounded, and told when cut."""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from starburst._protocol.sealed.log_lines import Printed, Stream

__all__ = ["MOST_TASK_BYTES", "TaskLines"]

MOST_TASK_BYTES: Final = 1_000_000
"""What is kept of one task's output on one worker."""

_LINE_COST: Final = 32
"""What an empty line counts for, too."""

_TASKS: Final = 64
_MOST_WAITING: Final = 16_000_000
"""What is held for S3 while it cannot be stored."""


class TaskLines:
    """Takes lines and holds them until they are stored; what is too much is left out, and said.

    Args:
        due: called when enough waits to be stored at once.
        copied: write each line to the worker's own log as well.
        now: the time of a line.
    """

    def __init__(
        self,
        *,
        due: Callable[[], None] = lambda: None,
        copied: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._due = due
        self._copied = copied
        self._now = now
        self._lock = threading.Lock()
        self._waiting: list[Printed] = []
        self._bytes = 0
        self._used: OrderedDict[int | None, int] = OrderedDict()
        self._full = False

    def take(self, task: int | None, stream: Stream, text: str) -> None:
        """Take one line."""
        cost = len(text) + _LINE_COST
        with self._lock:
            used = self._used.get(task, 0)
            self._used[task] = used + cost
            self._used.move_to_end(task)
            if len(self._used) > _TASKS:
                self._used.popitem(last=False)
            if used > MOST_TASK_BYTES:
                return
            if used + cost > MOST_TASK_BYTES:
                text = (
                    f"[starburst: cut here: a task may print {MOST_TASK_BYTES / 1e6:g} MB, and the "
                    "rest is not kept; write a file for more]"
                )
            elif self._bytes > _MOST_WAITING:
                if self._full:
                    return
                self._full = True
                text = "[starburst: lines are left out here: S3 did not take them in time]"
            else:
                self._full = False
            self._waiting.append(Printed(task=task, stream=stream, text=text, time=self._now()))
            self._bytes += cost
        if self._copied:
            with suppress(OSError, ValueError):  # who reads output must go on, or tasks would wait
                sys.stdout.write(f"{text}\n")
                sys.stdout.flush()
        self._due()

    @property
    def nbytes(self) -> int:
        """How much waits, about."""
        return self._bytes

    def taken(self) -> list[Printed]:
        """Return what waits, which waits no longer."""
        with self._lock:
            found, self._waiting, self._bytes = self._waiting, [], 0
        return found

    def put_back(self, lines: Sequence[Printed]) -> None:
        """Let lines wait again, ahead of all others."""
        with self._lock:
            self._waiting[:0] = lines
            self._bytes += sum(len(each.text) + _LINE_COST for each in lines)

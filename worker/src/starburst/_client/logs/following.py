"""What tasks print, as it comes: looked for again and again, until their session has no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from starburst.errors import StarburstError

from .line import LogLine
from .reading import LogReader

if TYPE_CHECKING:
    from starburst._client.tasks.task_list import TaskList

__all__ = ["LiveLines", "follow"]

_PAUSE_SECONDS: Final = 2.0
_MOMENT_SECONDS: Final = 0.1
_LATEST: Final = 100
"""Objects of what was printed before: each holds what one worker read within about two seconds."""

_SHARE: Final = 4
"""Looks take a fourth of the time at most."""


def follow(
    reader: LogReader, tasks: TaskList, *, task: int | None = None, worker: str | None = None
) -> Iterator[LogLine]:
    """Yield lines as they come, until all tasks have ended and their last lines were yielded.

    Args:
        reader: of the session.
        tasks: the session's; collected by another thread.
        task: only what this one printed.
        worker: only what was printed on a worker whose name begins so.
    """
    over = False
    while not over:
        over = not tasks.outstanding or tasks.ended is not None
        began = time.monotonic()
        yield from reader.new(task=task, worker=worker)
        if not over:
            took = time.monotonic() - began
            tasks.wait(max(_PAUSE_SECONDS, _SHARE * took), lambda: not tasks.outstanding)


class LiveLines:
    """Shows what tasks print while their client waits, from a thread of its own.

    Of a session that another client has begun, and whose tasks are not all done, it shows the
    latest of what was printed before, and then what comes; of one that is done nothing of before.

    Args:
        reader: of the session.
        tasks: the session's; collected by another thread.
        show: shows lines; None where nobody wants any, and then nothing is looked for.
        has_looked: for another client's session: whether it is known which tasks are done.
    """

    def __init__(
        self,
        reader: LogReader,
        tasks: TaskList,
        *,
        show: Callable[[Sequence[LogLine]], None] | None,
        has_looked: Callable[[], bool] | None = None,
    ) -> None:
        self._reader = reader
        self._tasks = tasks
        self._show = show
        self._has_looked = has_looked
        self._closing = threading.Event()
        self._looking = threading.Lock()
        self._begun = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look; harmless to repeat."""
        if self._thread is None and self._show is not None:
            self._thread = threading.Thread(target=self._run, name="starburst-lines", daemon=True)
            self._thread.start()

    def look(self) -> None:
        """Show what there is now; what fails now may not the next time."""
        if self._show is None or not self._begun.is_set():
            return
        with self._looking, suppress(StarburstError):
            lines = [*self._reader.new()]
            if lines:
                self._show(lines)

    def close(self) -> None:
        """Show what there is, and stop looking."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self.look()

    def _run(self) -> None:
        self._begin()
        self._begun.set()
        took, open_before = 0.0, True
        while not self._closing.wait(max(_PAUSE_SECONDS, _SHARE * took)):
            is_open = self._tasks.outstanding > 0
            if is_open or open_before:  # lines are complete once their task is done
                began = time.monotonic()
                self.look()
                took = time.monotonic() - began
            open_before = is_open

    def _begin(self) -> None:
        """Pass over what was printed before, but for the latest where tasks still run."""
        if self._has_looked is None:
            return
        while self._tasks.outstanding and not self._has_looked():
            if self._closing.wait(_MOMENT_SECONDS):
                return
        with suppress(StarburstError):
            self._reader.skip(all_but=_LATEST if self._tasks.outstanding else 0)

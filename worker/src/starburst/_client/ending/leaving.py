"""What a program owes when it ends: executors are waited for, sessions that go on say their id."""

from __future__ import annotations

import atexit
import concurrent.futures.thread as _pool  # registers its own end first: ours is then earlier
import functools
import os
import queue
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from starburst._functions.caller import Caller, acting_for, caller
from starburst.errors import StarburstError

if TYPE_CHECKING:
    from starburst._client.tasks.task_list import TaskList

__all__ = ["Ending", "say_that_it_is_left"]

_MOMENT_SECONDS: Final = 1.0
"""A program that waits no longer than this needs to say nothing."""

_POOLS_END_LATER: Final = _pool.__name__


class Ending:
    """The end of one executor's session: begun once, whoever asks first.

    That is ``shutdown``; else, as with every executor of Python's own, the end of its last
    reference, or of the program.

    Args:
        session: its id.
        tasks: its tasks.
        finish: waits for the futures, then cleans up.
        cancel: cancels what has no result yet.
    """

    def __init__(
        self,
        session: str,
        tasks: TaskList,
        *,
        finish: Callable[[], None],
        cancel: Callable[[], object],
    ) -> None:
        self._session = session
        self._tasks = tasks
        self._finish = finish
        self._cancel = cancel
        self._line = caller()
        self._begun = threading.Lock()
        self._thread: threading.Thread | None = None
        _watch()
        _owed.add(self)

    def of(self, executor: object) -> None:
        """Begin when nothing refers to the executor any more."""
        # Its destructor may run in the midst of anything; this queue is made for that.
        weakref.finalize(executor, _dropped.put, self).atexit = False

    def begin(self, line: Caller | None = None) -> None:
        """Have a thread wait for the futures, and then clean up; Python's end waits for it."""
        with self._begun:
            if self._thread is not None:
                return
            if line is not None:
                self._line = line
            self._thread = threading.Thread(target=self._run, name="starburst-shutdown")
            self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; whether it came within so many seconds."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(seconds)
        return not thread.is_alive()

    def cancel(self) -> None:
        """Cancel what has no result yet, as far as AWS lets us: the end stops workers anyway."""
        with suppress(StarburstError):
            self._cancel()

    def leave(self) -> None:
        """Wait at the end of the program, and say for what; Ctrl-C cancels it."""
        self.begin()
        try:
            if not self.wait(_MOMENT_SECONDS):
                self._say()
                self.wait()
        except KeyboardInterrupt:
            _tell(f"cancels what is left of session {self._session}, and ends it")
            self.cancel()
            self.wait()

    def _run(self) -> None:
        with acting_for(self._line):
            try:
                self._finish()
            finally:
                _owed.discard(self)

    def _say(self) -> None:
        tally = self._tasks.tally
        left = tally.total - tally.done
        if not left:
            _tell(f"waiting until session {self._session} has ended and is erased")
            return
        _tell(
            f"waiting for {left:,} of {tally.total:,} tasks of session {self._session}: the "
            "program has ended, and its Executor was not shut down. Ctrl-C cancels them and ends "
            "the session"
        )


def say_that_it_is_left(session: str, tasks: TaskList) -> None:
    """Have the end of the program say how to find a session that goes on without it."""
    _watch()
    _left[tasks] = session


def _tell(text: str) -> None:
    with suppress(OSError, ValueError, AttributeError):  # nobody listens
        print(f"starburst: {text}", file=sys.stderr, flush=True)


_owed: set[Ending] = set()
_left: weakref.WeakKeyDictionary[TaskList, str] = weakref.WeakKeyDictionary()
_dropped: queue.SimpleQueue[Ending] = queue.SimpleQueue()


@functools.cache
def _watch() -> None:
    """Be there at the end of this program, and of its executors. Forks have ends of their own."""
    with suppress(RuntimeError):  # it ends already
        # Later than the program's last line, earlier than the end of pools and other threads.
        threading._register_atexit(_leave_all)  # type: ignore[attr-defined]
    atexit.register(_say_what_is_left)
    os.register_at_fork(after_in_child=_forget)
    threading.Thread(target=_end_the_dropped, name="starburst-dropped", daemon=True).start()


def _end_the_dropped() -> None:
    while True:
        with suppress(RuntimeError):  # the program ends, which leads to the same
            _dropped.get().begin()


def _leave_all() -> None:
    owed = [*_owed]
    for ending in owed:
        ending.begin()
    for ending in owed:
        ending.leave()


def _say_what_is_left() -> None:
    for tasks, session in [*_left.items()]:
        if tasks.ended is not None:
            continue
        tally = tasks.tally
        if tally.done < tally.total:
            _tell(
                f"session {session} goes on without this program, {tally.total - tally.done:,} of "
                f"{tally.total:,} tasks are not done. starburst.attach({session!r}) finds it; "
                f"`starburst stop {session}` ends it"
            )


def _forget() -> None:
    _owed.clear()
    _left.clear()

"""A thread that tells joblib which batches are done; joblib sends the next ones from there.

The thread that collects results must not: to send a batch can take long, and others wait for it.
"""

from __future__ import annotations

import functools
import logging
import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeAlias

__all__ = ["Callbacks"]

_Told: TypeAlias = tuple[Callable[[Future[Any]], object], Future[Any]]

_LOG: Final = logging.getLogger("starburst")


class Callbacks:
    """Calls back, in the order in which futures end, from one thread.

    Args:
        owner: with whom the thread ends.
    """

    def __init__(self, owner: object) -> None:
        self._done: queue.SimpleQueue[_Told | None] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        # A destructor may run in the midst of anything; this queue is made for that.
        weakref.finalize(owner, self._done.put, None).atexit = False

    def is_running(self) -> bool:
        """Whether this is called from a callback."""
        return threading.current_thread() is self._thread

    def follow(self, future: Future[Any], callback: Callable[[Future[Any]], object]) -> None:
        """Have ``callback`` called with a future once it is done."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=_run, args=(self._done,), name="starburst-joblib", daemon=True
                )
                self._thread.start()
        future.add_done_callback(functools.partial(_note, self._done, callback))


def _note(
    done: queue.SimpleQueue[_Told | None],
    callback: Callable[[Future[Any]], object],
    future: Future[Any],
) -> None:
    done.put((callback, future))


def _run(done: queue.SimpleQueue[_Told | None]) -> None:
    while (told := done.get()) is not None:
        callback, future = told
        try:
            callback(future)
        # The next ones are to be told all the same.
        except Exception:
            _LOG.exception("a callback of %r raised", future)
        del told, callback, future  # nothing of a call is held while none ends

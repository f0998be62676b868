"""Two invocations at once, one effect after another, in an order that a test gives: no luck in it.

Each invocation has a thread, and exactly one of all threads ever runs: the one whose turn it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from .history import History

__all__ = ["Actor", "acting"]

_PATIENCE: Final = 60
"""Nothing is waited for in time; this ends a test whose thread is lost."""


class Actor:
    """Work that stops before each effect until it is its turn.

    Args:
        work: what an invocation does.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self.done = False
        self._work = work
        self._mine, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def step(self) -> bool:
        """Have one effect, and all up to the next; return whether there is a next one."""
        if not self.done:
            self._mine.release()
            if not self._back.acquire(timeout=_PATIENCE):
                raise TimeoutError("an actor is lost")
        return not self.done

    def finish(self) -> None:
        """Have all that is left."""
        while self.step():
            pass

    def wait(self) -> None:
        """Wait for one's turn; called by the actor's own thread before each effect."""
        self._back.release()
        self._mine.acquire()

    def holds(self) -> bool:
        """Whether this is the thread that asks."""
        return threading.current_thread() is self._thread

    def _run(self) -> None:
        self._mine.acquire()
        try:
            self._work()
        except Exception as error:
            self.error = error
        self.done = True
        self._back.release()


@contextmanager
def acting(history: History, *works: Callable[[], object]) -> Iterator[Sequence[Actor]]:
    """Return actors that have come to their first effects; at the end they have all the others."""
    actors = [Actor(work) for work in works]

    def interfere(_call: str, _words: Mapping[str, Any], do: Callable[[], Any]) -> Any:
        for actor in actors:
            if actor.holds():
                actor.wait()
        return do()

    history.interfere = interfere
    try:
        for actor in actors:
            actor.step()
        yield actors
        for actor in actors:
            actor.finish()
    finally:
        history.interfere = None

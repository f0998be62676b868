"""Handing results out, each once, in task order."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

__all__ = ["CollectedResults"]


class CollectedResults:
    """Remembers which of a session's results were handed out."""

    def __init__(self) -> None:
        self._taken: set[int] = set()
        self._taking = threading.Lock()

    def take(self, futures: Sequence[Future[Any]], *, return_exceptions: bool) -> list[Any]:
        """Return what is done and was not taken before.

        Args:
            futures: all of the session, in task order.
            return_exceptions: put exceptions in the list; else the first is raised, and nothing
                counts as taken. What was cancelled is no news to who cancelled it; a failure is.
        """
        with self._taking:
            ready = [n for n, f in enumerate(futures) if n not in self._taken and f.done()]
            errors = {n: error for n in ready if (error := _error(futures[n])) is not None}
            if not return_exceptions:
                for error in sorted(errors.values(), key=lambda e: isinstance(e, CancelledError)):
                    raise error
            self._taken.update(ready)
            return [errors[n] if n in errors else futures[n].result() for n in ready]


def _error(future: Future[Any]) -> BaseException | None:
    if future.cancelled():
        return CancelledError("cancelled; collect(return_exceptions=True) returns all the others")
    return future.exception()

"""One ``Parallel`` that is served: where its batches go, and which of them are under way."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from starburst.errors import StarburstError

if TYPE_CHECKING:
    from starburst._client.executor import StarburstExecutor

__all__ = ["Serving"]


class Serving:
    """Submits the batches of one ``Parallel``, and cancels them alone.

    Args:
        executor: where they go.

    Attributes:
        here: whether they run in this process instead.
    """

    def __init__(self, executor: StarburstExecutor) -> None:
        self.executor = executor
        self.here = False
        self._futures: weakref.WeakSet[Future[Any]] = weakref.WeakSet()

    def submit(self, function: Callable[..., Any], /, *args: object) -> Future[Any]:
        """Submit a batch; return its future.

        Raises:
            StarburstError: it cannot be sent, or no session could begin.
        """
        if self.here:
            return _done(function, *args)
        future = self.executor.submit(function, *args)
        self._futures.add(future)
        return future

    def cancel(self) -> None:
        """Cancel what has no result yet, as far as AWS lets us: joblib waits for none of it."""
        session = self.executor.session
        if session is not None:
            with contextlib.suppress(StarburstError):
                session.cancel([*self._futures])


def _done(function: Callable[..., Any], *args: object) -> Future[Any]:
    future: Future[Any] = Future()
    try:
        future.set_result(function(*args))
    except Exception as error:  # joblib raises it
        future.set_exception(error)
    return future

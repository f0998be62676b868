"""The future of one task: an ordinary one, whose ``cancel()`` reaches the workers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any, Final

from starburst.errors import IntegrityError, RemoteTraceback

__all__ = ["TaskFuture", "ended_by_itself", "fail", "mark_cancelled", "number_of", "resolve"]

_LOG: Final = logging.getLogger("concurrent.futures")
"""Where other futures say what their callbacks raised."""


class TaskFuture(Future[Any]):
    """What ``submit`` returns.

    A task counts as finished once its result has been read here, and until then ``cancel()``
    succeeds: a worker that is to run it later does not, and one that is in the middle of it stops
    it within seconds. So a future is never ``running()``: that cannot be known here. A result that
    arrives after all is dropped; ``attach`` elsewhere sees the task cancelled.
    """

    def __init__(self, number: int, *, cancelled: Callable[[int], None]) -> None:
        super().__init__()
        self._number = number
        self._told = cancelled

    def cancel(self) -> bool:
        """Cancel the task; False once its result is here.

        Returns at once. ``Session.cancel`` also waits until that is recorded in S3, where a crash
        of this process cannot undo it.
        """
        if not super().cancel():
            return False
        self._told(self._number)
        return True


def number_of(future: TaskFuture) -> int:
    """Return its task's number in the session, from 0."""
    return future._number


def resolve(future: TaskFuture, value: object) -> bool:
    """Set the result; whether it still could be set."""
    return _end(future, lambda: future.set_result(value))


def fail(future: TaskFuture, error: BaseException) -> bool:
    """Set the exception; whether it still could be set."""
    return _end(future, lambda: future.set_exception(error))


def mark_cancelled(future: TaskFuture) -> bool:
    """Cancel it because another client did, and tell no one; False where it has a result."""
    return Future.cancel(future)


def ended_by_itself(future: Future[Any]) -> bool:
    """Whether a task has ended by its own result, by what it raised, or as cancelled.

    Of any other there may be something in S3 that is to be read later, or to be held as evidence:
    its errors say so.
    """
    if future.cancelled():
        return True
    error = future.exception()
    if isinstance(error, IntegrityError):
        return False
    return error is None or RemoteTraceback.of(error) is not None


def _end(future: TaskFuture, set_end: Callable[[], None]) -> bool:
    try:
        set_end()
    except InvalidStateError:
        return False
    except KeyboardInterrupt:
        raise
    # A callback's, such as SystemExit; the thread that collects for all others must not end.
    except BaseException:
        _LOG.exception("a callback of task %d raised", future._number)
    return True

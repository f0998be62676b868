"""SIGTERM: a worker without work ends at once, one with work within its grace time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Stop", "Stopped"]


class Stopped(BaseException):
    """SIGTERM arrived while no work was in hand."""


class Stop:
    """Whether this worker was told to stop.

    Args:
        grace_seconds: how long it may work on after that.

    Attributes:
        deadline: when it must end, seconds of ``time.monotonic()``; None while it was not told to.
    """

    def __init__(self, grace_seconds: float) -> None:
        self._grace_seconds = grace_seconds
        self._interruptible = False
        self.deadline: float | None = None

    def ask(self) -> None:
        """Tell it to stop; raise Stopped where it waits with nothing in hand."""
        self.deadline = time.monotonic() + self._grace_seconds
        if self._interruptible:
            raise Stopped

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let SIGTERM end what is done meanwhile: nothing is in hand."""
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

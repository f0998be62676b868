"""SIGTERM: a worker without work ends at once, one with work within its grace time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starburst.aws.clock import SYSTEM_CLOCK, Clock

__all__ = ["Stop", "Stopped"]


class Stopped(BaseException):
    """SIGTERM arrived while no work was in hand."""


class Stop:
    """Whether this worker was told to stop.

    Args:
        grace_seconds: how long it may work on after that.
        clock: by which it ends.

    Attributes:
        deadline: when it must end, in the seconds of tasks; None while it was not told to.
    """

    def __init__(self, grace_seconds: float, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._interruptible = False
        self.deadline: float | None = None

    def ask(self) -> None:
        """Tell it to stop; raise Stopped where it waits with nothing in hand.

        Told again it ends no later: what kills it counts from the first time.
        """
        if self.deadline is None:
            self.deadline = self._clock.of_tasks() + self._grace_seconds
        if self._interruptible:
            raise Stopped

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let SIGTERM end what is done meanwhile: nothing is in hand.

        Raises:
            Stopped: it comes, or has come just before.
        """
        self._interruptible = True
        try:
            if self.deadline is not None:
                raise Stopped
            yield
        finally:
            self._interruptible = False

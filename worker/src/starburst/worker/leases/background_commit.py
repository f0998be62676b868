"""Committing in the background: while one result is stored, the next range runs already.

One commit at a time, in a thread of its own. What it meets comes back to the worker's main loop,
which alone decides what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.worker.settings.timings import TICK_SECONDS

from .lease import Lease

__all__ = ["BackgroundCommit"]


class BackgroundCommit:
    """The commit that is under way, if any.

    Args:
        clock: by which it is waited for.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="starburst-commit")
        self._under_way: tuple[Lease, Future[None]] | None = None

    @property
    def lease(self) -> Lease | None:
        """What is being committed; it must be kept meanwhile."""
        return None if self._under_way is None else self._under_way[0]

    @property
    def is_over(self) -> bool:
        """Whether a commit has ended and was not finished yet."""
        return self._under_way is not None and self._under_way[1].done()

    @property
    def is_free(self) -> bool:
        """Whether another commit may begin: there is none under way, or it ended well."""
        if self._under_way is None:
            return True
        _, future = self._under_way
        return future.done() and future.exception() is None

    def start(self, lease: Lease, commit: Callable[[], None]) -> None:
        """Begin a commit; the one before must have been finished."""
        if self._under_way is not None:
            raise RuntimeError("a commit is under way")
        self._under_way = (lease, self._pool.submit(commit))

    def finish(self, tick: Callable[[], None]) -> tuple[Lease, BaseException] | None:
        """Wait for the commit under way; return what it met, with its lease.

        Args:
            tick: called twice a second meanwhile, to keep leases.
        """
        if self._under_way is None:
            return None
        lease, future = self._under_way
        while not self._clock.is_done(future, within=TICK_SECONDS):
            tick()
        self._under_way = None
        error = future.exception()
        return None if error is None else (lease, error)

    def close(self) -> None:
        """Let the thread end."""
        self._pool.shutdown(wait=False)

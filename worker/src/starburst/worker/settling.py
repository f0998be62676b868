"""What becomes of a leased range: committed in the background, let go, or given up with a reason.

All that AWS's trouble means for a range is decided here: it is neither the task's fault nor a
reason for a worker to die unheard, until it has lasted.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.chunks import Chunk
from starburst._protocol.sealed.result_nodes import ResultNode
from starburst.aws.calls import TROUBLE, is_permanent
from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.errors import IntegrityError, SessionError
from starburst.worker.child.current import CurrentChild
from starburst.worker.child.outcome import failed_node
from starburst.worker.child.range_run import lost
from starburst.worker.leases.background_commit import BackgroundCommit
from starburst.worker.leases.commits import TRANSIENT, Commits
from starburst.worker.leases.lease import Held, Lease, Leases, QueueGone, Request
from starburst.worker.logs.log import log
from starburst.worker.objects.store import NoSuchChunk, Store
from starburst.worker.settings.timings import Timings

from .stopping import Stop

__all__ = ["Settling"]

_LARGE_BYTES: Final = 128 << 20
"""A larger result is committed before more work is leased: memory holds one of them."""


class Settling:
    """One worker's commits, and what it does when AWS fails it.

    Args:
        manifest: the session's terms.
        leases: its queue.
        store: its objects.
        worker: this worker's name.
        child: what runs its tasks.
        stop: whether it was told to stop.
        timings: of this worker.
        before: called before a result is written.
        clock: by which it waits.

    Attributes:
        commits: what commits a range at once.
        background: the commit under way.
    """

    def __init__(
        self,
        manifest: Manifest,
        leases: Leases,
        store: Store,
        *,
        worker: str,
        child: CurrentChild,
        stop: Stop,
        timings: Timings,
        before: Callable[[], None] = lambda: None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.commits = Commits(leases, store, worker=worker, before=before)
        self.background = BackgroundCommit(clock=clock)
        self._manifest = manifest
        self._leases = leases
        self._store = store
        self._worker = worker
        self._child = child
        self._stop = stop
        self._timings = timings
        self._clock = clock
        self._failures = 0

    def keep(self, *leases: Held) -> None:
        """Extend leases that are due, and that of the commit under way."""
        committing = self.background.lease
        for lease in leases if committing is None else (*leases, committing):
            self._leases.keep(lease)

    def commit(self, lease: Lease, node: ResultNode) -> None:
        """Commit once the commit under way has ended, while the next range is leased and run."""
        commit = functools.partial(self.commits.commit, lease, node)
        self.settle(lambda: self.background.start(lease, commit), waiting=lease)
        if node.nbytes > _LARGE_BYTES:
            self.settle()

    def commit_early(self, lease: Lease) -> None:
        """Commit what a range has while its last task runs, once no commit is under way.

        See :class:`Commits`.
        """
        commit = functools.partial(self.commits.commit_early, lease)
        self.settle(lambda: self.background.start(lease, commit))

    def settle(
        self, following: Callable[[], None] = lambda: None, *, waiting: Lease | None = None
    ) -> None:
        """Wait for the commit under way, begin what follows it, then deal with what it met.

        Args:
            following: begins what follows.
            waiting: what is held meanwhile, besides what is being committed.
        """
        if self.background.lease is None:
            following()
            return
        held = () if waiting is None else (waiting,)
        failed = self.background.finish(lambda: self.keep(*held))
        if failed is None:
            self._failures = 0
            following()
            return
        lease, error = failed
        if not isinstance(error, TRANSIENT):
            raise error
        following()
        self.meet(lease, error)

    def note_success(self) -> None:
        """Count failures anew, unless a commit is under way: it may still fail."""
        if self.background.lease is None:
            self._failures = 0

    def let_go(self, lease: Lease) -> None:
        """Leave a range to another worker, when what is being committed of it has been."""
        failed = self.background.finish(self.keep) if self.background.lease is lease else None
        if failed is not None:
            raise failed[1]
        task_range = lease.task_range
        self.commits.let_go(lease)
        with suppress(*TROUBLE):  # it then counts as one that died
            self._store.attempts.end(task_range, worker=self._worker)

    def close(self) -> None:
        """Wait for the last commit; what went wrong with it is for another worker."""

        def tick() -> None:
            with suppress(QueueGone):  # the result is still worth its place in S3
                self.keep()

        failed = self.background.finish(tick)
        self.background.close()
        if failed is not None:
            lease, error = failed
            log("trouble", error=type(error).__name__, why=str(error))
            with suppress(QueueGone, *TRANSIENT):
                self.commits.let_go(lease)

    def meet(self, held: Lease | Request | None, error: Exception) -> None:
        """Outlast AWS's trouble with what is held: let it go, and wait.

        Raises:
            SessionError: it was one failure in a row too many.
        """
        if isinstance(held, Lease) and is_permanent(error):
            self._turn_down(held, error)
            return
        self._failures += 1
        log("trouble", error=type(error).__name__, why=str(error), in_a_row=self._failures)
        self._child.end()  # it may still be running what this worker no longer waits for
        with suppress(*TRANSIENT):
            if isinstance(held, Request):
                # The controller asks again; what stands in the way of one request may last.
                self._leases.done(held)
            elif held is not None:
                self.let_go(held)
        if self._failures >= self._timings.most_failures:
            raise SessionError(f"AWS failed {self._failures} times in a row: {error}") from error
        pause = self._timings.first_pause_seconds * 2**self._failures
        self._pause(min(self._timings.longest_pause_seconds, pause))

    def _pause(self, seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > 0:
            with self._stop.interruptible():
                self._clock.sleep(min(left, self._timings.commit_poll_seconds))
            self.keep()

    def _turn_down(self, lease: Lease, error: Exception) -> None:
        """Deal with a range over which AWS refuses a request for good: its attempts are counted.

        The last of them ends it with the reason, or drops what was never verified.
        """
        message = lease.message
        log("turned down", chunk=message.chunk, range=[message.lo, message.hi], why=str(error))
        self._child.end()
        if self.background.lease is lease:  # what it hands on early; what that met is met again
            self.background.finish(self.keep)
        if lease.ended:
            return
        with suppress(*TRANSIENT):
            if lease.deliveries < self._manifest.attempts:
                self._leases.give_back(lease)
                return
            chunk: Chunk | None = None
            with suppress(NoSuchChunk, IntegrityError):
                chunk, lease.message = self._store.chunk(message)
            if chunk is None or lease.settled or message.hi > len(chunk.inputs):
                self._leases.done(lease)
                return
            refused = lost(f"AWS refuses what it takes, every time: {error}")
            node = failed_node(message.lo, message.hi, refused, worker=self._worker)
            self.commits.commit(lease, node)

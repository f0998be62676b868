"""The worker's main loop: lease, run, commit once, hand on the rest."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType

from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.code.parcels import objects_bytes
from starburst._protocol.sealed.code.preparation import Preparation
from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.errors import IntegrityError
from starburst.worker.child.current import CurrentChild
from starburst.worker.child.process import Child
from starburst.worker.leases.commits import TRANSIENT
from starburst.worker.leases.lease import Lease, Leases, QueueGone, Request
from starburst.worker.leases.requeue import send_again
from starburst.worker.logs.log import log
from starburst.worker.objects.kept import KeptObjects
from starburst.worker.objects.store import Store
from starburst.worker.packages.unpacked import NoPackages, Packages
from starburst.worker.printing.sealed_lines import SealedLines
from starburst.worker.settings.timings import Timings

from .ranges import Overtaken, Ranges
from .settling import Settling
from .stopping import Stop, Stopped

__all__ = ["Supervisor"]


class Supervisor:
    """One worker.

    Args:
        manifest: the session's terms.
        leases: its queue.
        store: its objects.
        worker: this worker's name.
        timings: what it waits for.
        start_child: starts the process that runs the analyst's function.
        preparation: names what such a process calls first.
        packages: what such a process imports first.
        printed: stores what tasks print; None where nobody does.
        ranges: the class that runs what is leased.
        clock: by which it decides.

    Attributes:
        leases, store: as they were passed.
        child: the process that runs the analyst's function, if there is one.
        settling: its commits.
        ranges: what runs a leased range.
    """

    def __init__(
        self,
        manifest: Manifest,
        leases: Leases,
        *,
        store: Store,
        worker: str,
        timings: Timings | None = None,
        start_child: Callable[[], Child] = Child,
        preparation: Preparation | None = None,
        packages: Packages | None = None,
        printed: SealedLines | None = None,
        ranges: type[Ranges] = Ranges,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        timings = timings or Timings()
        self.leases = leases
        self.store = store
        self._packages = packages or NoPackages()
        self._printed = printed
        self._objects = KeptObjects(store.object, most=objects_bytes(manifest.memory_gb))
        self.child = CurrentChild(
            store.functions,
            start=start_child,
            objects=self._objects,
            seed=manifest.seed,
            preparation=preparation,
        )
        self._manifest = manifest
        self._worker = worker
        self._timings = timings
        self._clock = clock
        self._stop = Stop(timings.grace_seconds, clock=clock)
        self.settling = Settling(
            manifest,
            leases,
            store,
            worker=worker,
            child=self.child,
            stop=self._stop,
            timings=timings,
            before=lambda: None if printed is None else printed.store(),
            clock=clock,
        )
        self.ranges = ranges(
            manifest,
            leases,
            store,
            worker=worker,
            child=self.child,
            settling=self.settling,
            stop=self._stop,
            timings=timings,
            packages=self._packages,
            clock=clock,
        )
        self._requeued = float("-inf")

    def run(self) -> None:
        """Work until there has been none for the session's idle time, or the session ends.

        Raises:
            SessionError: AWS failed time and again; another worker may fare better.
        """
        idle_since = self._clock.monotonic()
        try:
            while self._stop.deadline is None:
                remaining = idle_since + self._manifest.idle_seconds - self._clock.monotonic()
                if remaining <= 0:
                    log("idle", seconds=self._manifest.idle_seconds)
                    return
                if self.turn(remaining):
                    idle_since = self._clock.monotonic()
        except QueueGone:
            log("session ended")
        except Stopped:
            log("stopped")
        finally:
            self.close()

    def turn(self, seconds: float) -> bool:
        """Lease one range and settle it; whether there was one, or may be, for all that AWS told.

        Args:
            seconds: to wait for it at most.
        """
        held: Lease | Request | None = None
        sent, told = 0, True
        if self.settling.background.is_over:
            self.settling.settle()
        try:
            held = self._wait_for_work(seconds)
            if isinstance(held, Request):
                sent = self._requeue(held)
            elif held is not None:
                self.work(held)
        except TRANSIENT as error:
            told = False
            self.settling.meet(held, error)
        else:
            self.settling.note_success()
        return isinstance(held, Lease) or sent > 0 or not told

    def work(self, lease: Lease) -> None:
        """Run a leased range and begin to commit it, or leave it to others."""
        try:
            try:
                self._work(lease)
            except Overtaken:
                self.child.end()
                self.settling.settle(waiting=lease)
                if not lease.ended and not self.settling.commits.resume(lease):
                    self.settling.let_go(lease)
        except IntegrityError as error:
            self.settling.commits.leave(lease, error)

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle SIGTERM: at once between chunks, else within the grace time."""
        self._stop.ask()

    def close(self) -> None:
        """End the child, and wait for the last commit."""
        self.child.end()
        self._objects.close()
        self._packages.close()
        self.settling.close()
        if self._printed is not None:
            self._printed.close()

    def _work(self, lease: Lease) -> None:
        again = lease.deliveries > 1 or lease.message.again
        if again and self.settling.commits.resume(lease):
            return
        run = self.ranges.run(lease)
        if run is None:
            return
        node = run.node(self._worker)
        if node is None:
            self.settling.let_go(lease)
        else:
            self.settling.commit(lease, node)

    def _wait_for_work(self, seconds: float) -> Lease | Request | None:
        if self.settling.background.lease is not None:
            self.settling.keep()
            seconds = min(seconds, self._timings.commit_poll_seconds)
        with self._stop.interruptible():
            self._packages.prepare()  # takes seconds: while nothing is leased
            return self.leases.receive(wait=seconds)

    def _requeue(self, request: Request) -> int:
        """Do what the controller asks, but not more often than it may; return how much was sent."""
        now, sent = self._clock.monotonic(), 0
        if now - self._requeued >= self._timings.requeue_seconds:

            def tick() -> None:
                self.settling.keep(request)
                if self._stop.deadline is not None:
                    raise Stopped

            try:
                sent = send_again(
                    self.leases, self.store, live=request.live, tick=tick, clock=self._clock
                )
            except Stopped:
                self.leases.give_back(request)
                raise
            self._requeued = self._clock.monotonic()
            log("sent again", ranges=sent)
        self.leases.done(request)
        return sent

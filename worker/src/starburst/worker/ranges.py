"""A leased range in a worker's hands: whether to run it here, and what is done meanwhile."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import suppress

from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.chunks import Chunk
from starburst._protocol.sealed.envelope import Buffer
from starburst._protocol.sealed.failure import Failure
from starburst._protocol.sealed.result_nodes import ResultNode
from starburst._protocol.sizing import count_seconds, hands_on, stretch
from starburst.aws.calls import TROUBLE
from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.errors import IntegrityError
from starburst.worker.child.current import CurrentChild
from starburst.worker.child.range_run import RangeRun, damaged, lost
from starburst.worker.leases.commits import TRANSIENT
from starburst.worker.leases.lease import Lease, Leases
from starburst.worker.logs.integrity import Missing, report_unverified
from starburst.worker.logs.log import log
from starburst.worker.objects.store import NoSuchChunk, Store, Unseen
from starburst.worker.packages.unpacked import Packages
from starburst.worker.settings.timings import Timings

from .settling import Settling
from .stopping import Stop

__all__ = ["Overtaken", "Ranges"]


class Overtaken(Exception):
    """Another worker has committed what this one still runs."""


class Ranges:
    """Runs one leased range after another.

    Args:
        manifest: the session's terms.
        leases: its queue.
        store: its objects.
        worker: this worker's name.
        child: what runs its tasks.
        settling: what commits them.
        stop: whether this worker was told to stop.
        timings: of this worker.
        packages: what its tasks import first.
        clock: by which it decides.
    """

    def __init__(
        self,
        manifest: Manifest,
        leases: Leases,
        store: Store,
        *,
        worker: str,
        child: CurrentChild,
        settling: Settling,
        stop: Stop,
        timings: Timings,
        packages: Packages,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.manifest = manifest
        self.child = child
        self._leases = leases
        self._store = store
        self._worker = worker
        self._settling = settling
        self._stop = stop
        self._timings = timings
        self._packages = packages
        self._clock = clock
        self._means: dict[str, float] = {}
        self._reported: set[str] = set()

    def run(self, lease: Lease) -> RangeRun | None:
        """Run what is leased; None where nothing of it is for this worker to run or to commit.

        Raises:
            Overtaken: another worker has committed it meanwhile.
            QueueGone: the session has ended.
        """
        message = lease.message
        try:
            chunk, lease.message = self._store.chunk(message)
        except NoSuchChunk as error:
            self._leave_unseen(lease, error)
            return None
        except IntegrityError as error:
            report_unverified(error, chunk=message.chunk, range=[message.lo, message.hi])
            run = self.range_run(lease, None)
            run.give_up(damaged(f"the task's input cannot be used: {error}"))
            return run
        if message.hi > len(chunk.inputs):
            beyond = IntegrityError(f"it has no task {message.hi - 1}")
            report_unverified(beyond, chunk=message.chunk)
            self._leases.done(lease)
            return None
        alone = message.hi - message.lo == 1
        if lease.deliveries > 1 and not alone:
            self._settling.commits.cut(lease)
            return None
        run = self.range_run(lease, chunk)
        broken = self._broken(lease)
        try:
            if broken is not None:
                run.give_up(broken)
            elif alone and self._is_spent(lease):
                if self._is_held(lease):
                    return None
                run.give_up(
                    lost(
                        f"its worker died {self.manifest.attempts} times while it ran; the usual "
                        "cause is memory: ask for more with memory="
                    )
                )
            else:
                run.run()
                self._means[chunk.function] = run.mean
        except IntegrityError as error:
            report_unverified(error, function=chunk.function)
            run.give_up(damaged(f"the task's function cannot be used: {error}"))
        return run

    def _broken(self, lease: Lease) -> Failure | None:
        """Return why no task can run here; what was absent before may have come."""
        if self._packages.failure is not None:
            self._packages.prepare(lambda: self._settling.keep(lease))
        return self._packages.failure

    def _leave_unseen(self, lease: Lease, error: NoSuchChunk) -> None:
        """Drop a message whose chunk is not there; where S3 may refuse it for now, not at once."""
        message, promised = lease.message, self._timings.promised_seconds
        often = 2 * promised / self._timings.postponed_seconds  # where SQS does not say how long
        if isinstance(error, Unseen) and lease.age < promised and lease.deliveries <= often:
            log("not seen", chunk=message.chunk, why=str(error))
            self._leases.postpone(lease)
            return
        missing = self._store.missing(f"chunk {message.chunk}")
        refused = error.__cause__
        if isinstance(error, Unseen) and isinstance(missing, Missing) and refused is not None:
            raise refused  # S3 refuses this worker everything now: that says nothing of the pack
        report_unverified(missing, chunk=message.chunk, range=[message.lo, message.hi])
        self._leases.done(lease)

    def range_run(self, lease: Lease, chunk: Chunk | None) -> RangeRun:
        """Return the run of a leased range, not begun; of a chunk that is damaged, None."""
        function = "" if chunk is None else chunk.function
        return RangeRun(
            manifest=self.manifest,
            function=function,
            inputs=() if chunk is None else chunk.inputs,
            lo=lease.message.lo,
            hi=lease.message.hi,
            child=lambda: self.child.knowing(function),
            end_child=self.child.end,
            tick=self._watch(lease),
            stopping=lambda: self._stop.deadline,
            first=0 if chunk is None else chunk.first,
            cancelled=self._store.cancelled.tasks,
            stretch=self._stretch,
            mean=self._means.get(function, 0.0),
            hand_on=lambda node, seconds: self._hand_on(lease, node, seconds),
            budgets=self._timings.budgets,
            now=self._clock.of_tasks,
            equip=lambda inputs: self._equip(lease, function, inputs),
        )

    def _equip(self, lease: Lease, function: str, inputs: Sequence[Buffer]) -> int:
        """Hand the child what tasks share."""
        try:
            return self.child.equip(function, inputs, tick=lambda: self._settling.keep(lease))
        except IntegrityError as error:
            if str(error) not in self._reported:  # other tasks share it, too
                self._reported.add(str(error))
                report_unverified(error, chunk=lease.message.chunk)
            raise

    def _is_spent(self, lease: Lease) -> bool:
        """Whether a task has had its attempts; if not, write down the one that now begins.

        The count of deliveries alone proves nothing: to receive a message is enough to raise it.
        The first of several attempts is not written down, which nearly every task needs only.
        """
        most, attempts = self.manifest.attempts, self._store.attempts
        if lease.deliveries > most:
            others = attempts.workers(lease.task_range) - {self._worker}
            if len(others) >= max(1, most - 1):
                return True
        if lease.deliveries > 1 or most == 1:
            attempts.begin(lease.task_range, worker=self._worker)
        return False

    def _is_held(self, lease: Lease) -> bool:
        """Whether a task that seems to have killed its workers is in the hands of one of them.

        That one has a message of its own, so this copy goes. Where none answers, they are dead.
        """
        attempts, answer_seconds = self._store.attempts, self._timings.answer_seconds
        asked = attempts.ask(lease.task_range, worker=self._worker)
        until = self._clock.monotonic() + answer_seconds
        while asked is not None and self._clock.monotonic() < until:
            if self._stop.deadline is not None:
                self._settling.let_go(lease)
                return True
            self._settling.keep(lease)
            self._clock.sleep(min(0.5, answer_seconds / 4))
        if asked is not None and not attempts.is_answered(lease.task_range, after=asked):
            return False
        log("in hand", chunk=lease.message.chunk, range=[lease.message.lo, lease.message.hi])
        self._leases.done(lease)
        return True

    def _watch(self, lease: Lease) -> Callable[[], None]:
        """Return what keeps a lease, and gives its range up where others have committed it."""
        began = looked = heard = self._clock.monotonic()
        timings, attempts = self._timings, self._store.attempts

        def tick() -> None:
            nonlocal looked, heard
            self._settling.keep(lease)
            if self._clock.monotonic() - heard > timings.asked_seconds:
                heard = self._clock.monotonic()
                with suppress(*TROUBLE):  # the next look comes
                    if heard - began > timings.recorded_seconds:
                        attempts.begin(lease.task_range, worker=self._worker)
                    attempts.answer(lease.task_range, worker=self._worker)
            if self._clock.monotonic() - looked < timings.overtaken_seconds:
                return
            looked = self._clock.monotonic()
            message, stands = lease.message, False
            with suppress(*TROUBLE):  # the next look comes
                stands = self._store.stands(message.chunk, message.lo, message.hi)
            # An early commit of its own stands for all of the range until its message is narrowed.
            if stands and message is lease.message and lease.early is None:
                log("overtaken", chunk=message.chunk, range=[message.lo, message.hi])
                raise Overtaken

        return tick

    def _hand_on(self, lease: Lease, node: ResultNode, seconds: float) -> bool:
        """Commit what a range has while its last task runs, where that pays; whether it does."""
        if not (self._settling.background.is_free and self._pays(seconds)):
            return False
        lease.early = dataclasses.replace(node, worker=self._worker)
        self._settling.commit_early(lease)
        return True

    def _pays(self, seconds: float) -> bool:
        """Whether what follows a task that runs for so long should not wait for it."""
        workers = self.manifest.workers
        if not hands_on(seconds, workers=workers, backlog=0):
            return False
        try:
            backlog = self._backlog()
        except TRANSIENT:
            return False
        return hands_on(seconds, workers=workers, backlog=backlog)

    def _stretch(self) -> float:
        """Return how many budgets of work may be settled at once."""
        workers = self.manifest.workers
        if workers == 1:
            return stretch(workers, backlog=workers)
        try:
            return stretch(workers, backlog=self._backlog())
        except TRANSIENT:
            return 1.0

    def _backlog(self) -> int:
        return self._leases.backlog(fresh=count_seconds(self.manifest.workers))

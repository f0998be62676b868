"""The worker's main loop: lease, run, commit once, hand on the rest."""

from __future__ import annotations

import dataclasses
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Final

import boto3

from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.chunks import Chunk
from starburst._protocol.sealed.result_nodes import ResultNode
from starburst._protocol.sealed.session_key import SessionKey
from starburst._protocol.sizing import count_seconds, hands_on, stretch
from starburst.aws.calls import TROUBLE, client_config, is_permanent
from starburst.errors import IntegrityError, SessionError, StarburstError, VersionMismatch
from starburst.worker.child.process import Child
from starburst.worker.child.range_run import Span, damaged, lost
from starburst.worker.leases.background_commit import Behind
from starburst.worker.leases.commits import WEATHERED, Commits
from starburst.worker.leases.lease import Held, Lease, Leases, QueueGone, Request
from starburst.worker.leases.requeue import send_again
from starburst.worker.logs.integrity import refused
from starburst.worker.logs.log import log
from starburst.worker.objects.store import NoSuchChunk, Store

from .variables import Place

__all__ = ["Supervisor", "main"]

_GRACE_SECONDS: Final = 90
"""ECS kills a container 120 s after SIGTERM; what is committed by then is not lost."""

_TROUBLES: Final = 8
"""So many failures in a row end a worker; each has had botocore's own retries behind it."""

_WAIT_BEHIND_SECONDS: Final = 2.0
"""How long to wait for more work while a commit is under way that may need its lease kept."""

_LARGE_BYTES: Final = 128 << 20
"""A larger result is committed before more work is leased: memory holds one of them."""

_OVERTAKEN_SECONDS: Final = 600.0
"""How often a worker that runs for long asks whether somebody else has committed its range: one
whose lease lapsed, or whose message was queued anew before SQS's limit of twelve hours."""

_RECORDED_SECONDS: Final = 60.0
"""A range that runs for longer is written down as in hand, so that nobody sends it again."""

_ASKED_SECONDS: Final = 15.0
"""How often a worker that runs what is written down looks whether somebody asks for it."""

_ANSWER_SECONDS: Final = 60.0
"""So long a worker waits for an answer before it believes that those who ran a task are dead."""

_REQUEUE_SECONDS: Final = 60.0
"""How soon a worker looks for lost ranges once more; requests are easily forged."""

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0


class _Stopped(BaseException):
    """SIGTERM arrived while no work was in hand."""


class _Overtaken(Exception):
    """Somebody else has committed what this worker still runs."""


class Supervisor:
    """One worker.

    Args:
        manifest: the session's terms.
        leases: its queue.
        store: its objects.
        worker: this worker's name.
    """

    def __init__(self, manifest: Manifest, leases: Leases, *, store: Store, worker: str) -> None:
        self._manifest = manifest
        self._leases = leases
        self._store = store
        self._worker = worker
        self._commits = Commits(leases, store, worker=worker)
        self._child: Child | None = None
        self._behind = Behind()
        self._means: dict[str, float] = {}
        self._waiting = False
        self._last: float | None = None
        self._troubles = 0
        self._requeued = float("-inf")

    def run(self) -> None:
        """Work until there has been none for the session's idle time, or the session ends.

        Raises:
            SessionError: AWS failed time and again; another worker may fare better.
        """
        idle_since = time.monotonic()
        try:
            while self._last is None:
                remaining = idle_since + self._manifest.idle_seconds - time.monotonic()
                if remaining <= 0:
                    log("idle", seconds=self._manifest.idle_seconds)
                    return
                if self._turn(remaining):
                    idle_since = time.monotonic()
        except QueueGone:
            log("session ended")
        except _Stopped:
            log("stopped")
        finally:
            self._bury()
            self._end_commit()

    def _turn(self, seconds: float) -> bool:
        """Lease one range and settle it; whether there was one."""
        held: Lease | Request | None = None
        if self._behind.is_over:
            self._settle()
        try:
            held = self._wait_for_work(seconds)
            if isinstance(held, Request):
                self._requeue(held)
            elif held is not None:
                self._work(held)
        except WEATHERED as error:
            self._weather(held, error)
        else:
            if self._behind.lease is None:  # else nobody knows yet whether all went well
                self._troubles = 0
        return isinstance(held, Lease)

    def _requeue(self, request: Request) -> None:
        """Do what the controller asks, but not more often than it may ask."""
        now = time.monotonic()
        if now - self._requeued >= _REQUEUE_SECONDS:

            def tick() -> None:
                self._keep(request)
                if self._last is not None:
                    raise _Stopped

            try:
                sent = send_again(self._leases, self._store, live=request.live, tick=tick)
            except _Stopped:
                self._leases.give_back(request)
                raise
            self._requeued = time.monotonic()
            log("sent again", ranges=sent)
        self._leases.done(request)

    def _settle(self, following: Callable[[], None] = lambda: None) -> None:
        """Wait for the commit under way, begin what follows it, and weather what it met."""
        if self._behind.lease is None:
            following()
            return
        failed = self._behind.finish(self._keep)
        if failed is None:
            self._troubles = 0
            following()
            return
        lease, error = failed
        if not isinstance(error, WEATHERED):
            raise error
        following()
        self._weather(lease, error)

    def _let_go(self, lease: Lease) -> None:
        """Leave a range to another worker, when what is being committed of it has been."""
        failed = self._behind.finish(self._keep) if self._behind.lease is lease else None
        if failed is not None:
            raise failed[1]
        place = lease.place
        self._commits.let_go(lease)
        with suppress(*TROUBLE):  # it then counts as one that died
            self._store.attempts.end(place, worker=self._worker)

    def _end_commit(self) -> None:
        """Wait for the last commit; what went wrong with it is for another worker."""
        failed = self._behind.finish(self._keep)
        self._behind.close()
        if failed is not None:
            lease, error = failed
            log("trouble", error=type(error).__name__, why=str(error))
            with suppress(QueueGone, *WEATHERED):
                self._commits.let_go(lease)

    def _weather(self, held: Lease | Request | None, error: Exception) -> None:
        """Outlast AWS's trouble: it is neither the task's fault nor a reason to die unheard."""
        if isinstance(held, Lease) and is_permanent(error):
            self._turn_down(held, error)
            return
        self._troubles += 1
        log("trouble", error=type(error).__name__, why=str(error), in_a_row=self._troubles)
        self._bury()  # it may still be running what this worker no longer waits for
        with suppress(*WEATHERED):
            if isinstance(held, Request):
                # The controller asks again; what stands in the way of one request may last.
                self._leases.done(held)
            elif held is not None:
                self._let_go(held)
        if self._troubles >= _TROUBLES:
            raise SessionError(f"AWS failed {self._troubles} times in a row: {error}") from error
        self._waiting = True
        try:
            time.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**self._troubles))
        finally:
            self._waiting = False

    def _turn_down(self, lease: Lease, error: Exception) -> None:
        """Deal with a range over which AWS refuses a request for good: its attempts are counted.

        The last of them ends it with the reason, or drops what was never verified.
        """
        message = lease.message
        log("turned down", chunk=message.chunk, range=[message.lo, message.hi], why=str(error))
        self._bury()
        if self._behind.lease is lease:  # what it hands on early; what that met is met again
            self._behind.finish(self._keep)
        if lease.ended:
            return
        with suppress(*WEATHERED):
            if lease.deliveries < self._manifest.attempts:
                self._leases.give_back(lease)
                return
            chunk: Chunk | None = None
            with suppress(NoSuchChunk, IntegrityError):
                chunk, lease.message = self._store.chunk(message)
            if chunk is None or lease.settled or message.hi > len(chunk.inputs):
                self._leases.done(lease)
                return
            span = self._span(lease, chunk)
            span.give_up(lost(f"AWS refuses what it takes, every time: {error}"))
            node = span.node(self._worker)
            if node is not None:
                self._commits.commit(lease, node)

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle SIGTERM: at once between chunks, else within the grace time."""
        self._last = time.monotonic() + _GRACE_SECONDS
        if self._waiting:
            raise _Stopped

    def _wait_for_work(self, seconds: float) -> Lease | Request | None:
        if self._behind.lease is not None:
            self._keep()
            seconds = min(seconds, _WAIT_BEHIND_SECONDS)
        self._waiting = True
        try:
            return self._leases.receive(wait=seconds)
        finally:
            self._waiting = False

    def _work(self, lease: Lease) -> None:
        try:
            try:
                self._work_at(lease)
            except _Overtaken:
                self._bury()
                self._settle()
                if not lease.ended and not self._commits.resume(lease):
                    self._let_go(lease)
        except IntegrityError as error:
            self._commits.leave(lease, error)

    def _work_at(self, lease: Lease) -> None:
        if (lease.deliveries > 1 or lease.message.again) and self._commits.resume(lease):
            return
        span = self._run(lease)
        node = None if span is None else span.node(self._worker)
        if node is not None:
            self._commit_behind(lease, node)
        elif span is not None:
            self._let_go(lease)

    def _run(self, lease: Lease) -> Span | None:
        """Run what is leased; None where nothing of it is for this worker to run or to commit."""
        message = lease.message
        try:
            chunk, lease.message = self._store.chunk(message)
        except NoSuchChunk:
            missing = self._store.missing(f"chunk {message.chunk}")
            refused(missing, chunk=message.chunk, range=[message.lo, message.hi])
            self._leases.done(lease)
            return None
        except IntegrityError as error:
            refused(error, chunk=message.chunk, range=[message.lo, message.hi])
            span = self._span(lease, None)
            span.give_up(damaged(f"the task's input cannot be used: {error}"))
            return span
        if message.hi > len(chunk.inputs):
            refused(IntegrityError(f"it has no task {message.hi - 1}"), chunk=message.chunk)
            self._leases.done(lease)
            return None
        alone = message.hi - message.lo == 1
        if lease.deliveries > 1 and not alone:
            self._commits.cut(lease)
            return None
        span = self._span(lease, chunk)
        try:
            if alone and self._is_spent(lease):
                if self._is_held(lease):
                    return None
                span.give_up(
                    lost(
                        f"its worker died {self._manifest.attempts} times while it ran; the usual "
                        "cause is memory: ask for more with memory="
                    )
                )
            else:
                span.run()
                self._means[chunk.function] = span.mean
        except IntegrityError as error:
            refused(error, function=chunk.function)
            span.give_up(damaged(f"the task's function cannot be used: {error}"))
        return span

    def _is_spent(self, lease: Lease) -> bool:
        """Whether a task has had its attempts; if not, write down the one that now begins.

        The count of deliveries alone proves nothing: to receive a message is enough to raise it.
        The first of several attempts is not written down, which nearly every task needs only.
        """
        most, attempts = self._manifest.attempts, self._store.attempts
        if lease.deliveries > most:
            others = attempts.workers(lease.place) - {self._worker}
            if len(others) >= max(1, most - 1):
                return True
        if lease.deliveries > 1 or most == 1:
            attempts.begin(lease.place, worker=self._worker)
        return False

    def _is_held(self, lease: Lease) -> bool:
        """Whether a task that seems to have killed its workers is in the hands of one of them.

        That one has a message of its own, so this copy goes. Where nobody answers, they are dead.
        """
        attempts = self._store.attempts
        asked = attempts.ask(lease.place, worker=self._worker)
        until = time.monotonic() + _ANSWER_SECONDS
        while asked is not None and time.monotonic() < until:
            if self._last is not None:
                self._let_go(lease)
                return True
            self._keep(lease)
            time.sleep(min(0.5, _ANSWER_SECONDS / 4))
        if asked is not None and not attempts.is_answered(lease.place, after=asked):
            return False
        log("in hand", chunk=lease.message.chunk, range=[lease.message.lo, lease.message.hi])
        self._leases.done(lease)
        return True

    def _span(self, lease: Lease, chunk: Chunk | None) -> Span:
        function = "" if chunk is None else chunk.function
        return Span(
            manifest=self._manifest,
            function=function,
            inputs=() if chunk is None else chunk.inputs,
            lo=lease.message.lo,
            hi=lease.message.hi,
            child=lambda: self._child_for(function),
            bury=self._bury,
            tick=self._watch(lease),
            stopping=lambda: self._last,
            first=0 if chunk is None else chunk.first,
            cancelled=self._store.cancelled.tasks,
            stretch=self._stretch,
            mean=self._means.get(function, 0.0),
            hand_on=lambda node, seconds: self._hand_on(lease, node, seconds),
        )

    def _watch(self, lease: Lease) -> Callable[[], None]:
        """Return what keeps a lease, and gives its range up where others have committed it."""
        began = looked = heard = time.monotonic()

        def tick() -> None:
            nonlocal looked, heard
            self._keep(lease)
            if time.monotonic() - heard > _ASKED_SECONDS:
                heard = time.monotonic()
                with suppress(*TROUBLE):  # the next look comes
                    if heard - began > _RECORDED_SECONDS:
                        self._store.attempts.begin(lease.place, worker=self._worker)
                    self._store.attempts.answer(lease.place, worker=self._worker)
            if time.monotonic() - looked < _OVERTAKEN_SECONDS:
                return
            looked = time.monotonic()
            message, stands = lease.message, False
            with suppress(*TROUBLE):  # the next look comes
                stands = self._store.stands(message.chunk, message.lo, message.hi)
            # An early commit of its own stands for all of the range until its message is narrowed.
            if stands and message is lease.message and lease.early is None:
                log("overtaken", chunk=message.chunk, range=[message.lo, message.hi])
                raise _Overtaken

        return tick

    def _hand_on(self, lease: Lease, node: ResultNode, seconds: float) -> bool:
        """Commit what a range has while its last task runs, where that pays; whether it does."""
        if not (self._behind.is_free and self._pays(seconds)):
            return False
        lease.early = dataclasses.replace(node, worker=self._worker)
        self._settle(lambda: self._behind.start(lease, lambda: self._commits.commit_early(lease)))
        return True

    def _pays(self, seconds: float) -> bool:
        """Whether what follows a task that runs for so long should not wait for it."""
        workers = self._manifest.workers
        if not hands_on(seconds, workers=workers, backlog=0):
            return False
        try:
            backlog = self._backlog()
        except TROUBLE:
            return False
        return hands_on(seconds, workers=workers, backlog=backlog)

    def _keep(self, *leases: Held) -> None:
        """Keep leases, and that of the commit under way."""
        committing = self._behind.lease
        for lease in leases if committing is None else (*leases, committing):
            self._leases.keep(lease)

    def _stretch(self) -> float:
        """Return how many budgets of work may be settled at once."""
        workers = self._manifest.workers
        if workers == 1:
            return stretch(workers, backlog=workers)
        try:
            return stretch(workers, backlog=self._backlog())
        except TROUBLE:
            return 1.0

    def _backlog(self) -> int:
        return self._leases.backlog(fresh=count_seconds(self._manifest.workers))

    def _commit_behind(self, lease: Lease, node: ResultNode) -> None:
        """Commit once the commit under way has ended, while the next range is leased and run."""
        self._settle(lambda: self._behind.start(lease, lambda: self._commits.commit(lease, node)))
        if node.nbytes > _LARGE_BYTES:
            self._settle()

    def _child_for(self, function: str) -> Child:
        if self._child is None:
            self._child = Child()
        if function not in self._child.functions:
            data = self._store.function(function)
            self._child.send({"do": "function", "name": function}, [data])
            self._child.functions.add(function)
        return self._child

    def _bury(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


def main() -> int:
    """Run one worker from its variables; 0 when its work is done, 1 when it cannot start."""
    try:
        supervisor = _supervisor(Place.from_variables())
    except (StarburstError, *TROUBLE) as error:
        if isinstance(error, IntegrityError):
            refused(error, object="manifest")
        log("cannot start", why=str(error), error=type(error).__name__)
        return 1
    signal.signal(signal.SIGTERM, supervisor.stop)
    try:
        supervisor.run()
    except SessionError as error:
        log("cannot go on", why=str(error))
        return 1
    return 0


def _supervisor(place: Place) -> Supervisor:
    aws = boto3.session.Session()
    s3 = aws.client("s3", config=client_config())
    answer = s3.get_object(Bucket=place.bucket, Key=place.keys.manifest)
    try:
        manifest = Manifest.from_json(answer["Body"].read())
    except ValueError as error:
        raise IntegrityError(f"the session's manifest cannot be read: {error}") from error
    if manifest.keys != place.keys:
        raise IntegrityError("the session's manifest names another session")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    if manifest.python != python:
        raise VersionMismatch(
            f"the session was started from Python {manifest.python}; this worker image has "
            f"{python}. Use the same version, or build the image with yours"
        )
    kms = aws.client("kms", config=client_config())
    key = SessionKey.unwrap(kms, place.key_arn, manifest, signing=False)
    leases = Leases(aws.client("sqs", config=client_config()), place.queue_url)
    store = Store(
        s3,
        place.bucket,
        keys=place.keys,
        key=key.data,
        public=key.public,
    )
    log("started", session=place.keys.session, worker=place.worker, python=python)
    return Supervisor(manifest, leases, store=store, worker=place.worker)

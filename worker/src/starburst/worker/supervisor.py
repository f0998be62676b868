"""The worker's main loop: lease, run, commit once, hand on the rest."""

from __future__ import annotations

import base64
import signal
import sys
import time
from types import FrameType
from typing import Final

import boto3

from starburst.aws import client_config
from starburst.chunks import Chunk
from starburst.errors import IntegrityError, StarburstError, VersionMismatch
from starburst.manifest import Manifest
from starburst.result_nodes import ResultNode
from starburst.session_key import SessionKey

from .child import Child
from .lease import Lease, Leases, QueueGone
from .log import log
from .place import Place
from .span import Span, lost
from .store import Store

__all__ = ["Supervisor", "main"]

_GRACE_SECONDS: Final = 90
"""ECS kills a container 120 s after SIGTERM; what is committed by then is not lost."""


class _Stopped(BaseException):
    """SIGTERM arrived while no work was in hand."""


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
        self._child: Child | None = None
        self._waiting = False
        self._last: float | None = None

    def run(self) -> None:
        """Work until there has been none for the session's idle time, or the session ends."""
        idle_since = time.monotonic()
        try:
            while self._last is None:
                remaining = idle_since + self._manifest.idle_seconds - time.monotonic()
                if remaining <= 0:
                    log("idle", seconds=self._manifest.idle_seconds)
                    return
                lease = self._wait_for_work(remaining)
                if lease is not None:
                    self._work(lease)
                    idle_since = time.monotonic()
        except QueueGone:
            log("session ended")
        except _Stopped:
            log("stopped")
        finally:
            self._bury()

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle SIGTERM: at once between chunks, else within the grace time."""
        self._last = time.monotonic() + _GRACE_SECONDS
        if self._waiting:
            raise _Stopped

    def _wait_for_work(self, seconds: float) -> Lease | None:
        self._waiting = True
        try:
            return self._leases.receive(wait=seconds)
        finally:
            self._waiting = False

    def _work(self, lease: Lease) -> None:
        message = lease.message
        if lease.deliveries > 1 and self._resume(lease):
            return
        try:
            chunk = self._store.chunk(message)
            if message.hi > len(chunk.inputs):
                raise IntegrityError(f"message asks for task {message.hi - 1} of {chunk.name}")
            span = self._span(lease, chunk)
            if lease.deliveries > self._manifest.attempts:
                span.give_up(
                    lost(
                        f"its worker died {lease.deliveries - 1} times while it ran; the usual "
                        "cause is memory: ask for more with memory="
                    )
                )
            else:
                span.run()
        except IntegrityError as error:
            log("refused", chunk=message.chunk, why=str(error))
            self._refuse(lease)
            return
        node = span.node(self._worker)
        if node is None:
            self._leases.give_back(lease)
        else:
            self._commit(lease, node)

    def _span(self, lease: Lease, chunk: Chunk) -> Span:
        return Span(
            manifest=self._manifest,
            function=chunk.function,
            inputs=chunk.inputs,
            lo=lease.message.lo,
            hi=lease.message.hi,
            child=lambda: self._child_for(chunk.function),
            bury=self._bury,
            tick=lambda: self._leases.keep(lease),
            stopping=lambda: self._last,
        )

    def _resume(self, lease: Lease) -> bool:
        """Deal with a lease that somebody held before; whether that settled it.

        Either its range was committed, and only the message outlived its worker; or a range of
        several tasks took a worker down, and is halved until the guilty task stands alone.
        """
        message = lease.message
        standing = self._store.node(message.chunk, message.lo, message.hi)
        if standing is None and message.hi - message.lo > 1:
            middle = (message.lo + message.hi) // 2
            standing = ResultNode(
                lo=message.lo,
                hi=message.hi,
                covered=message.lo,
                children=((message.lo, middle), (middle, message.hi)),
                batches=(),
                failures={},
                worker=self._worker,
            )
            self._commit(lease, standing)
            return True
        if standing is None:
            return False
        self._finish(lease, standing)
        return True

    def _commit(self, lease: Lease, node: ResultNode) -> None:
        message = lease.message
        standing = self._store.commit(message.chunk, node, attempt=lease.deliveries)
        self._finish(lease, standing)
        log(
            "committed" if standing is node else "overtaken",
            chunk=message.chunk,
            range=[message.lo, message.hi],
            covered=standing.covered,
            failed=len(standing.failures),
            seconds=round(standing.seconds, 3),
        )

    def _finish(self, lease: Lease, node: ResultNode) -> None:
        self._leases.hand_on([lease.message.over(lo, hi) for lo, hi in node.children])
        self._leases.done(lease)

    def _refuse(self, lease: Lease) -> None:
        """Drop a message that nobody can run; one that may be mended comes again by itself."""
        if lease.deliveries >= self._manifest.attempts:
            self._leases.done(lease)

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
    except StarburstError as error:
        log("cannot start", why=str(error), error=type(error).__name__)
        return 1
    signal.signal(signal.SIGTERM, supervisor.stop)
    supervisor.run()
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
        public=base64.b64decode(manifest.public_key),
    )
    log("started", session=place.keys.session, worker=place.worker, python=python)
    return Supervisor(manifest, leases, store=store, worker=place.worker)

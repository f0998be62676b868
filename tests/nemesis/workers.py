"""A worker to which SIGTERM and SIGKILL may come while a range is in its hands."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.result_nodes import open_node, parse_node_key
from starburst._protocol.sealed.session_key import SessionKey
from starburst.contract import RuntimeDocument, SessionKeys
from starburst.worker.child.process import Child
from starburst.worker.child.range_run import RangeRun
from starburst.worker.leases.lease import Lease, Leases, Request
from starburst.worker.objects.store import Store
from starburst.worker.ranges import Ranges
from starburst.worker.settings.timings import Timings
from starburst.worker.supervisor import Supervisor
from tests.runtime.fleet import BUCKET

from .faulty import Fatal
from .faulty_s3 import FaultyS3
from .faulty_sqs import FaultySQS
from .order.notes import Range, What
from .sky import Sky, leased
from .watched_child import WatchedChild
from .workload import fatal

__all__ = ["USER", "Erased", "Signals", "worker"]

USER: Final = "alice"
"""Whose tasks are of the plan's kinds."""

_HANG_SECONDS: Final = 0.1
"""The time limit of a task that hangs; on a slow machine the others may take longer."""

_STRUCK_SECONDS: Final = 0.5
"""Of the task's own time, from one chance that its worker is killed to the next."""


@dataclass(kw_only=True)
class Signals:
    """How a worker learns that it is to end.

    Attributes:
        told: whether ECS was asked to stop its task.
        stop: what SIGTERM does.
    """

    told: Callable[[], bool]
    stop: Callable[[], None] = lambda: None
    heard: bool = False
    alarmed: bool = False

    def listen(self) -> None:
        """Hear SIGTERM once: ECS was asked to stop this task, or it ends itself."""
        if not self.heard and (self.alarmed or self.told()):
            self.send()

    def raise_alarm(self) -> None:
        """Have it hear SIGTERM when it listens next, by a thread that is not its own."""
        self.alarmed = True

    def send(self) -> None:
        """Send SIGTERM."""
        self.heard = True
        self.stop()


class Erased(Exception):
    """The session was erased while its worker booted."""


class _Leases(Leases):
    signals: Signals

    def receive(self, *, wait: float) -> Lease | Request | None:
        self.signals.listen()
        return super().receive(wait=wait)


class _Ranges(Ranges):
    signals: Signals
    hands: FaultySQS
    directory: Path
    at: str = ""
    first: int = 0

    def run(self, lease: Lease) -> RangeRun | None:
        if self.hands.plan.strikes("told-to-stop", leased(lease.message)):
            self.signals.send()
        return super().run(lease)

    def range_run(self, lease: Lease, chunk: Any) -> RangeRun:
        run = super().range_run(lease, chunk)
        self.at, self.first = lease.message.chunk, run.first
        self.hands.sky.runs[self.hands.who] = run
        due = 0.0
        keep, patient = run.tick, run.manifest
        impatient = replace(patient, task_timeout_seconds=_HANG_SECONDS)

        def tick() -> None:
            nonlocal due
            self.signals.listen()
            child = self.child.child
            if child is not None:
                if fatal(self.directory, child.pid).exists():
                    self.hands.notes.add(self.hands.who, What.STRUCK)
                    raise Fatal
                running = child.state.running()
                hangs = running is not None and self.hangs(running[0])
                run.manifest = impatient if hangs else patient
            if time.monotonic() >= due:
                due = time.monotonic() + _STRUCK_SECONDS
                self.hands.strike_dead("while it runs", leased(lease.message))
            keep()

        run.tick = tick
        return run

    def hangs(self, index: int) -> bool:
        """Whether a task of the chunk at hand is one whose worker must end it."""
        kinds, number = self.hands.plan.kinds, self.first + index
        mine = self.manifest.keys.user == USER and 0 <= number < len(kinds)
        return mine and kinds[number] == "hang"


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise Erased from error


def worker(
    sky: Sky,
    hands: FaultySQS,
    kms: Any,
    *,
    document: RuntimeDocument,
    keys: SessionKeys,
    url: str,
    directory: Path,
    signals: Signals,
    timings: Timings,
    start_child: Callable[[], Child],
) -> Supervisor:
    """Return a worker of a session, not begun.

    Args:
        sky: what all processes share.
        hands: its view of the queue.
        kms: the emulator's client.
        document: of the environment.
        keys: the session.
        url: of its queue.
        directory: where tasks leave marks.
        signals: how it learns that it is to end.
        timings: what it waits for.
        start_child: starts the process that runs its tasks.
    """
    with sky.lock, _translated():
        body = sky.s3.get_object(Bucket=BUCKET, Key=keys.manifest)["Body"].read()
        manifest = Manifest.from_json(body)
        key = SessionKey.unwrap(kms, document.key_arn, manifest, signing=False)

    def ranges_of(place: str, body: bytes) -> tuple[Range, ...]:
        """Return the range of a node, and those that it hands on; nothing for another object."""
        node = parse_node_key(keys, place)
        if node is None:
            return ()
        chunk, lo, hi = node
        found = open_node(body, session=keys.session, chunk=chunk, lo=lo, hi=hi, key=key.data)
        return (node, *((chunk, a, b) for a, b in found.children))

    s3: Any = FaultyS3(
        sky,
        hands.who,
        mortal=True,
        held=hands.held,
        dead=hands.dead,
        folder=keys.prefix,
        ranges=ranges_of,
    )
    sqs: Any = hands
    public = base64.b64decode(manifest.public_key)
    store = Store(s3, BUCKET, keys=keys, key=key.data, public=public, timings=timings)
    leases = _Leases(sqs, url, timings=timings)
    leases.signals = signals

    def watched() -> Any:
        mine = made.ranges
        assert isinstance(mine, _Ranges)
        return WatchedChild(
            sky,
            hands.who,
            start=start_child,
            chunk=lambda: (mine.at, keys.session),
            overdue=mine.hangs,
        )

    made = Supervisor(
        manifest,
        leases,
        store=store,
        worker=hands.task,
        timings=timings,
        start_child=watched,
        ranges=_Ranges,
    )
    ranges = made.ranges
    assert isinstance(ranges, _Ranges)
    ranges.signals, ranges.hands, ranges.directory = signals, hands, directory

    def stop() -> None:
        sky.notes.add(hands.who, What.SIGTERM, session=keys.session)
        made.stop(15, None)

    signals.stop = stop
    sky.notes.add(hands.who, What.READY, session=keys.session)
    hands.committing = lambda: made.settling.background.lease
    return made

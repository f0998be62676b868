"""What all processes of a run share: the emulator behind one lock, and messages on their way."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from starburst._protocol.sealed.chunks import ChunkMessage
from starburst.worker.child.range_run import RangeRun

from .clock import Clock, Condition
from .order.notes import Notes, Range
from .plan import Plan
from .unkind_aws import UnkindAWS

__all__ = ["HOURS", "Sky", "leased", "range_of", "session_of", "trouble"]

HOURS: Final = 11 * 3600
"""The emulator hides a message for so long, by its own clock; the run's decides when it is back."""


def leased(message: ChunkMessage) -> str:
    """Return a name for what a message leases, the same in every replay."""
    return f"{message.chunk}:{message.lo}-{message.hi}"


def range_of(message: ChunkMessage) -> Range:
    """Return what a message leases."""
    return message.chunk, message.lo, message.hi


def session_of(url: str) -> str:
    """Return whose queue has a URL, or a name."""
    return url.rpartition("-")[2]


def trouble(plan: Plan, *about: object) -> Exception:
    """Return one of the ways in which AWS fails a call after botocore's own retries."""
    kind = plan.pick(("503", "500", "reset", "timeout"), *about)
    if kind == "reset":
        return ConnectionClosedError(endpoint_url="https://nemesis.invalid")
    if kind == "timeout":
        return ReadTimeoutError(endpoint_url="https://nemesis.invalid")
    code = "SlowDown" if kind == "503" else "InternalError"
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": int(kind)}}
    return ClientError(answer, "Nemesis")


@dataclass
class Sky:
    """What all processes of a run share: the emulator behind one lock, and messages on their way.

    Attributes:
        s3, sqs: the emulator's clients.
        plan: of the run.
        clock: its time.
        late: bodies of messages that were sent and have not arrived.
        deliveries: every lease that was handed out, in order, and the queue it came from.
        sent: how many messages there ever were for each range of each queue.
        hidden: what a thief has hidden: the queue and the receipt.
        notes: what everybody did.
        in_real_time: how many workers wait for their children.
        runs: what each worker runs, or ran last.
    """

    s3: Any
    sqs: Any
    plan: Plan
    clock: Clock
    lock: threading.RLock = field(default_factory=threading.RLock)
    late: list[tuple[str, str]] = field(default_factory=list)
    deliveries: list[tuple[str, str]] = field(default_factory=list)
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    hidden: list[tuple[str, str]] = field(default_factory=list)
    notes: Notes = field(kw_only=True)
    in_real_time: int = 0
    runs: dict[str, RangeRun] = field(default_factory=dict)
    _leases: dict[str, tuple[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.changed = Condition(self.clock, self.lock)
        self.aws = UnkindAWS(self.plan, self.clock)

    @contextmanager
    def real_time(self) -> Iterator[None]:
        """Wait for a process: the run's time goes at its pace meanwhile."""
        with self.lock:
            self.in_real_time += 1
        try:
            yield
        finally:
            with self.lock:
                self.in_real_time -= 1

    def deliver_late(self) -> bool:
        """Let what is on its way arrive, in an order of the plan's choosing."""
        with self.changed:
            on_their_way, self.late = self.late, []
            on_their_way.sort(key=lambda held: self.plan.number("order", held[1]))
            for url, body in on_their_way:
                with suppress(ClientError):  # the queue of a session that has ended
                    self.sqs.send_message(QueueUrl=url, MessageBody=body)
            if on_their_way:
                self.changed.notify_all()
            return bool(on_their_way)

    def post(self, url: str, body: str, *, late: bool) -> None:
        """Put a message into the queue, now or when all else has been done."""
        with self.changed:
            self.sent[url, leased(ChunkMessage.from_body(body))] += 1
            if late:
                self.late.append((url, body))
            else:
                self.sqs.send_message(QueueUrl=url, MessageBody=body)
                self.changed.notify_all()

    def reveal(self) -> None:
        """Let the twelve hours pass for which a thief can hide a message."""
        with self.changed:
            hidden, self.hidden = self.hidden, []
            for url, receipt in hidden:
                self.expire(url, receipt)

    def lease(self, url: str, message: str, *, receipt: str, seconds: float) -> None:
        """Hide a message for so long, from now on; who asks to keep it calls this again."""
        known = message in self._leases
        self._leases[message] = (receipt, self.clock.monotonic() + seconds)
        if not known:
            self.clock.try_in(seconds, lambda: self._lapse(url, message))

    def take(self, message: str) -> None:
        """Forget a message's lease: it is deleted, or a thief hides it for as long as SQS does."""
        self._leases.pop(message, None)

    def _lapse(self, url: str, message: str) -> bool:
        """Let a lease run out that nobody has extended; whether that is seen to."""
        receipt, due = self._leases.get(message, ("", 0.0))
        rest = due - self.clock.monotonic()
        if not receipt:
            return True
        if rest > 0:
            self.clock.try_in(rest, lambda: self._lapse(url, message))
        elif self._expire_now(url, receipt):
            self._leases.pop(message, None)
        else:
            return False
        return True

    def _expire_now(self, url: str, receipt: str) -> bool:
        if not self.lock.acquire(blocking=False):
            return False
        try:
            self.expire(url, receipt)
        finally:
            self.lock.release()
        return True

    def expire(self, url: str, receipt: str) -> None:
        """Let a lease's time run out now."""
        with self.changed:
            try:
                self.sqs.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0
                )
            except ClientError:
                return  # the message or the queue is gone
            self.changed.notify_all()

"""What all processes of a run share: the emulator behind one lock, and messages on their way."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from starburst._protocol.sealed.chunks import ChunkMessage
from starburst.contract.times import HEARTBEAT_SECONDS, LEASE_SECONDS

from .clock import Clock, Condition
from .plan import Plan
from .unkind_aws import UnkindAWS

__all__ = ["Sky", "leased", "trouble"]


def leased(message: ChunkMessage) -> str:
    """Return a name for what a message leases, the same in every replay."""
    return f"{message.chunk}:{message.lo}-{message.hi}"


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
        hands: of each worker, what it has leased: the receipt and the range.
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
    hands: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.changed = Condition(self.clock, self.lock)
        self.aws = UnkindAWS(self.plan, self.clock)

    @property
    def is_idle(self) -> bool:
        """Whether no worker has anything in its hands: only time can move what is left."""
        with self.lock:
            return not any(self.hands)

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

    def lapse(self, url: str, receipt: str, *, after: float | None = None) -> None:
        """Let a lease's time run out as it does where nobody extends it any more."""
        if after is None:
            after = LEASE_SECONDS - HEARTBEAT_SECONDS * self.plan.number("lapse", receipt)
        self.clock.try_in(after, lambda: self._expire_now(url, receipt))

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

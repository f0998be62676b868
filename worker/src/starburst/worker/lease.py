"""Leases: receiving a chunk from the queue, keeping it, handing work on, giving it back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst.aws import TROUBLE, code_of
from starburst.chunks import ChunkMessage
from starburst.errors import IntegrityError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["LEASE_SECONDS", "Lease", "Leases", "QueueGone", "QueueRefused"]

LEASE_SECONDS: Final = 30
"""A worker that dies gives its chunk back after at most this long."""

_HEARTBEAT_SECONDS: Final = LEASE_SECONDS / 3
_LONGEST_SECONDS: Final = 11.5 * 3600
"""SQS keeps no message invisible for more than twelve hours after it was received."""

_SEND_TRIES: Final = 5
_POLL_SECONDS: Final = 20
_BATCH: Final = 10
_BATCH_BYTES: Final = 1_000_000
_GONE: Final = frozenset(
    {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NonExistentQueue"}
)
_LOST: Final = frozenset({"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"})


class QueueGone(Exception):
    """The session's queue is deleted: the session has ended."""


class QueueRefused(Exception):
    """SQS did not take messages, however often they were offered."""


@dataclass(slots=True)
class Lease:
    """The right to run a range of a chunk for a while.

    Attributes:
        message: what is leased.
        receipt: SQS's handle.
        deliveries: how often this message has been delivered, this time included.
        renewed: when the lease was last extended (monotonic seconds).
        received: when it began.
        settled: a result of the range stands; only messages are still to be sent and deleted.
    """

    message: ChunkMessage
    receipt: str
    deliveries: int
    renewed: float = field(default_factory=time.monotonic)
    received: float = field(default_factory=time.monotonic)
    settled: bool = False


class Leases:
    """The session's queue, seen from one worker.

    Raises:
        QueueGone: from every method, once the queue no longer exists.
    """

    def __init__(self, sqs: SQSClient, queue_url: str) -> None:
        self._sqs = sqs
        self._url = queue_url

    def receive(self, *, wait: float = _POLL_SECONDS) -> Lease | None:
        """Wait for work; None where there was none. A message that is not ours is dropped."""
        with _translated():
            response = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=max(0, min(_POLL_SECONDS, int(wait))),
                VisibilityTimeout=LEASE_SECONDS,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        for raw in response.get("Messages", []):
            receipt = raw.get("ReceiptHandle", "")
            try:
                message = ChunkMessage.from_body(raw.get("Body", ""))
            except IntegrityError:
                self._delete(receipt)
                return None
            count = int(raw.get("Attributes", {}).get("ApproximateReceiveCount", "1"))
            return Lease(message=message, receipt=receipt, deliveries=count)
        return None

    def keep(self, lease: Lease) -> None:
        """Extend the lease when a third of it has passed; a lost lease is let go quietly.

        A lost lease does no harm: whoever took the chunk over and this worker cannot both commit.
        Nor does a heartbeat that fails: the next one is ten seconds away.
        """
        now = time.monotonic()
        if now - lease.renewed < _HEARTBEAT_SECONDS:
            return
        lease.renewed = now
        with suppress(*TROUBLE, QueueRefused):
            if now - lease.received > _LONGEST_SECONDS:
                self.release(lease)
                lease.received = now
            else:
                self._extend(lease, LEASE_SECONDS)

    def give_back(self, lease: Lease) -> None:
        """Let another worker have the message at once, as one whose worker died."""
        self._extend(lease, 0)

    def release(self, lease: Lease) -> None:
        """Queue the range anew, as one that nobody has tried.

        For what is not the tasks' fault: a worker that was told to stop, AWS in trouble, SQS's
        limit of twelve hours. Should both messages live on, the second to commit changes nothing.
        """
        self.hand_on([lease.message])
        self._delete(lease.receipt)

    def _extend(self, lease: Lease, seconds: int) -> None:
        with _translated():
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=lease.receipt, VisibilityTimeout=seconds
            )

    def hand_on(self, messages: Sequence[ChunkMessage]) -> None:
        """Queue ranges that this worker does not run itself."""
        bodies = [message.to_body() for message in messages]
        start = 0
        while start < len(bodies):
            end, size = start, 0
            while end < len(bodies) and end - start < _BATCH:
                size += len(bodies[end])
                if size > _BATCH_BYTES and end > start:
                    break
                end += 1
            self._send(bodies[start:end])
            start = end

    def _send(self, bodies: Sequence[str]) -> None:
        left = list(bodies)
        for attempt in range(_SEND_TRIES):
            with _translated():
                response = self._sqs.send_message_batch(
                    QueueUrl=self._url,
                    Entries=[{"Id": str(i), "MessageBody": body} for i, body in enumerate(left)],
                )
            left = [left[int(entry["Id"])] for entry in response.get("Failed", [])]
            if not left:
                return
            time.sleep(0.2 * 2**attempt)
        raise QueueRefused(f"SQS refused {len(left)} messages {_SEND_TRIES} times over")

    def done(self, lease: Lease) -> None:
        """Delete the message: its range is committed."""
        self._delete(lease.receipt)

    def _delete(self, receipt: str) -> None:
        with _translated():
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=receipt)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise QueueGone for a queue that is no more; let a lease that is lost be lost."""
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        if code in _GONE:
            raise QueueGone from error
        if code not in _LOST:
            raise

"""Leases: receiving a chunk from the queue, keeping it, handing work on, giving it back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst.aws import code_of
from starburst.chunks import ChunkMessage
from starburst.errors import IntegrityError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["LEASE_SECONDS", "Lease", "Leases", "QueueGone"]

LEASE_SECONDS: Final = 30
"""A worker that dies gives its chunk back after at most this long."""

_HEARTBEAT_SECONDS: Final = LEASE_SECONDS / 3
_POLL_SECONDS: Final = 20
_BATCH: Final = 10
_BATCH_BYTES: Final = 1_000_000
_GONE: Final = frozenset(
    {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NonExistentQueue"}
)
_LOST: Final = frozenset({"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"})


class QueueGone(Exception):
    """The session's queue is deleted: the session has ended."""


@dataclass(slots=True)
class Lease:
    """The right to run a range of a chunk for a while.

    Attributes:
        message: what is leased.
        receipt: SQS's handle.
        deliveries: how often this message has been delivered, this time included.
        renewed: when the lease was last extended (monotonic seconds).
    """

    message: ChunkMessage
    receipt: str
    deliveries: int
    renewed: float = field(default_factory=time.monotonic)


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
        try:
            response = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=max(0, min(_POLL_SECONDS, int(wait))),
                VisibilityTimeout=LEASE_SECONDS,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        except ClientError as error:
            raise _translated(error) from error
        for raw in response.get("Messages", []):
            receipt = raw.get("ReceiptHandle", "")
            try:
                message = ChunkMessage.from_body(raw.get("Body", ""))
            except IntegrityError:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=receipt)
                return None
            count = int(raw.get("Attributes", {}).get("ApproximateReceiveCount", "1"))
            return Lease(message=message, receipt=receipt, deliveries=count)
        return None

    def keep(self, lease: Lease) -> None:
        """Extend the lease when a third of it has passed; a lost lease is let go quietly.

        A lost lease does no harm: whoever took the chunk over and this worker cannot both commit.
        """
        now = time.monotonic()
        if now - lease.renewed < _HEARTBEAT_SECONDS:
            return
        lease.renewed = now
        self._extend(lease, LEASE_SECONDS)

    def give_back(self, lease: Lease) -> None:
        """Let another worker have the chunk at once."""
        self._extend(lease, 0)

    def _extend(self, lease: Lease, seconds: int) -> None:
        try:
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=lease.receipt, VisibilityTimeout=seconds
            )
        except ClientError as error:
            if code_of(error) not in _LOST:
                raise _translated(error) from error

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
        try:
            response = self._sqs.send_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies)],
            )
        except ClientError as error:
            raise _translated(error) from error
        failed = [int(entry["Id"]) for entry in response.get("Failed", [])]
        if failed:
            time.sleep(1)
            self._send([bodies[i] for i in failed])

    def done(self, lease: Lease) -> None:
        """Delete the message: its range is committed."""
        try:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=lease.receipt)
        except ClientError as error:
            if code_of(error) not in _LOST:
                raise _translated(error) from error


def _translated(error: ClientError) -> Exception:
    code = code_of(error)
    return QueueGone() if code in _GONE else error

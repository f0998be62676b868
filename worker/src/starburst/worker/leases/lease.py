"""Leases: receiving a chunk from the queue, keeping it, handing work on, giving it back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst._protocol.requeue import RequeueMessage
from starburst._protocol.sealed.chunks import ChunkMessage, read_message
from starburst._protocol.sealed.result_nodes import ResultNode
from starburst._protocol.sealed.sending import SEND_TRIES, send_messages
from starburst.aws.calls import QUEUE_GONE, TROUBLE, code_of
from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.errors import IntegrityError
from starburst.worker.logs.integrity import report_unverified
from starburst.worker.settings.timings import Timings

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import (
        ReceiveMessageResultTypeDef,
        SendMessageBatchRequestEntryTypeDef,
        SendMessageBatchResultTypeDef,
    )

    from starburst.aws.queue_calls import LeaseCalls

__all__ = ["Held", "Lease", "Leases", "QueueGone", "QueueRefused", "QueueUnseen", "Request"]

_LOST: Final = frozenset(
    {"ReceiptHandleIsInvalid", "InvalidParameterValue"}
    | {"AWS.SimpleQueueService.MessageNotInflight", "MessageNotInflight"}
)
"""How SQS says of a message that it is no longer this worker's."""


class QueueGone(Exception):
    """The session's queue is deleted: the session has ended."""


class QueueRefused(Exception):
    """SQS did not take messages, however often they were offered."""


class QueueUnseen(QueueRefused):
    """SQS does not show the session's queue, and has not for long enough to believe it deleted."""


@dataclass(slots=True, kw_only=True)
class Held:
    """A message that this worker has received and no other sees for a while.

    Attributes:
        receipt: SQS's handle.
        deliveries: how often this message has been delivered, this time included; any
            principal that may receive from the queue can drive that up.
        renewed: when it was last extended, by its worker's clock.
        received: when it came, likewise.
        age: seconds since anybody received it first, by SQS's clock.
        ended: the message is deleted.
    """

    receipt: str
    deliveries: int
    renewed: float = field(default_factory=SYSTEM_CLOCK.monotonic)
    received: float = field(default_factory=SYSTEM_CLOCK.monotonic)
    age: float = 0.0
    ended: bool = False


@dataclass(slots=True, kw_only=True)
class Request(Held):
    """The controller's request to send again what has neither a result nor a worker.

    Attributes:
        live: ECS task ids of the workers that run.
    """

    live: frozenset[str]


@dataclass(slots=True, kw_only=True)
class Lease(Held):
    """The right to run a range of a chunk for a while.

    Attributes:
        message: what is leased.
        settled: a result of the range stands; only messages are still to be sent and deleted.
        early: what is to be committed while the last task of the range still runs; from then on
            the lease is of that task's part alone, and the queue's own message still of all.
    """

    message: ChunkMessage
    settled: bool = False
    early: ResultNode | None = None

    @property
    def task_range(self) -> tuple[str, int, int]:
        """The range: its chunk, its first task, and the end of it."""
        return self.message.chunk, self.message.lo, self.message.hi


class Leases:
    """The session's queue, seen from one worker.

    Args:
        sqs: with the worker role's credentials.
        queue_url: of the session's queue.
        timings: of the worker.
        clock: by which leases age.

    Raises:
        QueueGone: from every method, once the queue no longer exists: SQS may not show one that is
            young to every connection, so by two looks a while apart.
        QueueUnseen: from every method but ``receive`` and ``keep``, in between.
    """

    def __init__(
        self,
        sqs: LeaseCalls,
        queue_url: str,
        *,
        timings: Timings | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._sqs = sqs
        self._url = queue_url
        self._timings = timings or Timings()
        self._clock = clock
        self._backlog = 0
        self._counted = float("-inf")
        self._unseen: float | None = None

    def receive(self, *, wait: float) -> Lease | Request | None:
        """Wait for work; None where there was none. A message that is not ours is dropped.

        Args:
            wait: seconds at most; one long poll is no longer than the timings say.
        """
        try:
            with self._translated():
                response = self._sqs.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=1,
                    # Whole seconds: a part of one that is left is none to poll without a pause.
                    WaitTimeSeconds=min(self._timings.poll_seconds, math.ceil(wait)),
                    VisibilityTimeout=self._timings.lease_seconds,
                    MessageSystemAttributeNames=[
                        "ApproximateFirstReceiveTimestamp",
                        "ApproximateReceiveCount",
                        "SentTimestamp",
                    ],
                )
        except QueueUnseen:
            self._clock.sleep(min(self._timings.unseen_seconds, wait))
            return None
        now = self._clock.monotonic()
        for raw in response.get("Messages", []):
            receipt = raw.get("ReceiptHandle", "")
            try:
                message = read_message(raw.get("Body", ""))
            except IntegrityError as error:
                report_unverified(error, object="message")
                self._delete(receipt)
                return None
            said = raw.get("Attributes", {})
            count = int(said.get("ApproximateReceiveCount", "1"))
            if isinstance(message, RequeueMessage):
                if _age(response, said.get("SentTimestamp")) > self._timings.stale_seconds:
                    self._delete(receipt)
                    return None
                return Request(
                    live=message.live,
                    receipt=receipt,
                    deliveries=count,
                    renewed=now,
                    received=now,
                )
            return Lease(
                message=message,
                receipt=receipt,
                deliveries=count,
                renewed=now,
                received=now,
                age=_age(response, said.get("ApproximateFirstReceiveTimestamp")),
            )
        return None

    def backlog(self, *, fresh: float) -> int:
        """Return how many messages wait, roughly, as of ``fresh`` seconds ago at most."""
        now = self._clock.monotonic()
        if now - self._counted >= fresh:
            with self._translated():
                answer = self._sqs.get_queue_attributes(
                    QueueUrl=self._url, AttributeNames=["ApproximateNumberOfMessages"]
                )
                count = answer.get("Attributes", {}).get("ApproximateNumberOfMessages", "0")
                self._backlog, self._counted = int(count), now
        return self._backlog

    def keep(self, lease: Held) -> None:
        """Extend the lease when a third of it has passed; a lost lease is let go quietly.

        A lost lease does no harm: this worker and the one that took the range over cannot both
        commit. Nor does a heartbeat that fails: the lease outlives it until the next one.
        """
        now = self._clock.monotonic()
        if now - lease.renewed < self._timings.heartbeat_seconds:
            return
        lease.renewed = now
        with suppress(*TROUBLE, QueueRefused):
            longest = self._timings.longest_lease_seconds
            if isinstance(lease, Lease) and now - lease.received > longest:
                self.release(lease)
                lease.received = now
            else:
                self._extend(lease, self._timings.lease_seconds)

    def give_back(self, lease: Held) -> None:
        """Let another worker have the message at once, as one whose worker died."""
        self._extend(lease, 0)

    def postpone(self, lease: Held) -> None:
        """Let a worker have the message in a while: what it names cannot be read yet."""
        self._extend(lease, self._timings.postponed_seconds)

    def release(self, lease: Lease) -> None:
        """Queue the range anew, as one that was never tried.

        For what is not the tasks' fault: a worker that was told to stop, AWS in trouble, SQS's
        limit of twelve hours. Should both messages live on, the second to commit changes nothing.
        """
        self.hand_on([lease.message])
        self._delete(lease.receipt)

    def _extend(self, lease: Held, seconds: int) -> None:
        with self._translated():
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=lease.receipt, VisibilityTimeout=seconds
            )

    def hand_on(self, messages: Sequence[ChunkMessage]) -> None:
        """Queue ranges that this worker does not run itself."""
        refused = send_messages(messages, self._send_entries)
        if refused:
            raise QueueRefused(f"SQS refused {refused} messages {SEND_TRIES} times over")

    def _send_entries(
        self, entries: list[SendMessageBatchRequestEntryTypeDef]
    ) -> SendMessageBatchResultTypeDef:
        with self._translated():
            return self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)

    def done(self, lease: Held) -> None:
        """Delete the message: its range is committed, or it asks for nothing that there is."""
        self._delete(lease.receipt)
        lease.ended = True

    def _delete(self, receipt: str) -> None:
        with self._translated():
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=receipt)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise QueueGone for a queue that is no more; let a lease that is lost be lost."""
        try:
            yield
        except ClientError as error:
            code = code_of(error)
            if code in QUEUE_GONE:
                self._note_unseen(error)
            if code not in _LOST:
                raise
        self._unseen = None

    def _note_unseen(self, error: ClientError) -> None:
        now = self._clock.monotonic()
        first = now if self._unseen is None else self._unseen
        self._unseen = first
        if now - first >= self._timings.deletion_seconds:
            raise QueueGone from error
        raise QueueUnseen("SQS does not show the session's queue") from error


def _age(response: ReceiveMessageResultTypeDef, since: str | None) -> float:
    """Return the seconds since a message's time stamp, by SQS's clock at both ends."""
    date = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if not (date and since):
        return 0
    return parsedate_to_datetime(date).timestamp() - int(since) / 1000

"""Queueing anew the ranges that have neither a result nor a message.

A client that was killed between storing tasks and queueing them, and messages that outlived the
queue's retention, leave such ranges behind. A message too many does no harm: whoever comes second
for a range cannot commit. So it is enough that the queue is found empty twice in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from starburst.errors import StarburstError

from .refusals import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import QueueAttributeFilterType

    from starburst.chunks import ChunkMessage

    from .connection import Connection

__all__ = ["Requeue"]

_COUNTS: Final[tuple[QueueAttributeFilterType, ...]] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_LOOKS: Final = 2
"""SQS's counts are approximate; twice empty, fifteen seconds apart, with no result between."""


class Requeue:
    """Watches over one session's queue while nothing is heard of its tasks.

    Args:
        connection: where.
        queue_url: returns the queue's URL, or raises SessionEnded.
        send: queues messages.
    """

    def __init__(
        self,
        connection: Connection,
        queue_url: Callable[[], str],
        *,
        send: Callable[[Sequence[ChunkMessage]], None],
    ) -> None:
        self._connection = connection
        self._queue_url = queue_url
        self._send = send
        self._empty = 0

    def heard(self) -> None:
        """Begin to count anew: a result came in."""
        self._empty = 0

    def look(self, missing: Callable[[], Sequence[ChunkMessage]]) -> None:
        """Count a look at the queue; queue what ``missing`` returns once it stays empty.

        What goes wrong here ends no task: the next look is not far away.
        """
        with suppress(StarburstError):
            self._empty = self._empty + 1 if self._is_empty() else 0
            if self._empty >= _LOOKS:
                self._empty = 0
                self._send(missing())

    def _is_empty(self) -> bool:
        with aws_errors("look at the session's queue"):
            answer = self._connection.sqs.get_queue_attributes(
                QueueUrl=self._queue_url(), AttributeNames=_COUNTS
            )
        return not any(int(count) for count in answer.get("Attributes", {}).values())

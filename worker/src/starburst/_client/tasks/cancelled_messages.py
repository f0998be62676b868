"""Taking cancelled work out of the queue: workers need not be started to find that it is void."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from starburst._client.access.aws_errors import aws_errors
from starburst._protocol.sealed.chunks import ChunkMessage
from starburst.errors import IntegrityError

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

__all__ = ["delete_cancelled_messages"]

_BATCH: Final = 10


def delete_cancelled_messages(
    connection: Connection, queue_url: str, *, is_void: Callable[[ChunkMessage], bool]
) -> int:
    """Delete the messages of cancelled tasks until none is found; return how many that were.

    A message that is still wanted ends it: there are workers for it, and they see to the rest.
    """
    gone = 0
    while True:
        with aws_errors("take cancelled tasks out of the queue"):
            found = connection.sqs.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=_BATCH,
                VisibilityTimeout=connection.timings.cancelled_message_seconds,
                WaitTimeSeconds=1,  # asks all of SQS's servers, where 0 asks a few
            ).get("Messages", [])
            void = [raw for raw in found if _is_void(raw.get("Body", ""), is_void)]
            if void:
                connection.sqs.delete_message_batch(
                    QueueUrl=queue_url,
                    Entries=[
                        {"Id": str(n), "ReceiptHandle": raw.get("ReceiptHandle", "")}
                        for n, raw in enumerate(void)
                    ],
                )
        gone += len(void)
        if not found or len(void) < len(found):
            return gone


def _is_void(body: str, is_void: Callable[[ChunkMessage], bool]) -> bool:
    try:
        return is_void(ChunkMessage.from_body(body))
    except IntegrityError:
        return False

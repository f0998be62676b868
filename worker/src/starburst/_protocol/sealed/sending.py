"""Leases on their way into a session's queue: ten and at most 1 MB a call, refused ones again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from .chunks import ChunkMessage

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import (
        SendMessageBatchRequestEntryTypeDef,
        SendMessageBatchResultTypeDef,
    )

__all__ = ["SEND_TRIES", "Send", "send_messages"]

SEND_TRIES: Final = 5

_BATCH: Final = 10
_BATCH_BYTES: Final = 1_000_000

Send: TypeAlias = (
    "Callable[[list[SendMessageBatchRequestEntryTypeDef]], SendMessageBatchResultTypeDef]"
)


def send_messages(messages: Sequence[ChunkMessage], send: Send) -> int:
    """Queue messages; return how many SQS refused time and again, 0 when all are in.

    Args:
        messages: the leases.
        send: calls SendMessageBatch with these entries; what it raises passes through.
    """
    for batch in _batches([message.to_body() for message in messages]):
        left = batch
        for attempt in range(SEND_TRIES):
            answer = send([{"Id": str(i), "MessageBody": body} for i, body in enumerate(left)])
            left = [left[int(entry["Id"])] for entry in answer.get("Failed", [])]
            if not left:
                break
            time.sleep(0.2 * 2**attempt)
        if left:
            return len(left)
    return 0


def _batches(bodies: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for body in bodies:
        if batch and (len(batch) == _BATCH or sum(map(len, batch)) + len(body) > _BATCH_BYTES):
            yield batch
            batch = []
        batch.append(body)
    if batch:
        yield batch

"""Taking cancelled work out of the queue: ten messages at a time, and no other's."""

from __future__ import annotations

from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.tasks.cancelled_messages import delete_cancelled_messages
from starburst._protocol.requeue import RequeueMessage
from starburst._protocol.sealed.chunks import ChunkMessage


def lease(number: int) -> str:
    return ChunkMessage(
        chunk=f"p000001-{number:05d}",
        lo=0,
        hi=1,
        pack="p000001",
        offset=0,
        length=9,
        inline=None,
    ).to_body()


class Queue:
    """A queue that gives its messages in order, so many at a time.

    Attributes:
        gone: the places of those that were deleted.
    """

    def __init__(self, bodies: list[str], *, each: int = 10) -> None:
        self.bodies, self._given, self._each = bodies, 0, each
        self.gone: list[int] = []
        self.asked = 0

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int,
        VisibilityTimeout: int,
        WaitTimeSeconds: int,
    ) -> dict[str, Any]:
        asked = (QueueUrl, MaxNumberOfMessages, VisibilityTimeout, WaitTimeSeconds)
        assert asked == ("url", 10, 77, 1)
        self.asked += 1
        assert self.asked < 50, "it asks for ever"
        begin, self._given = self._given, min(self._given + self._each, len(self.bodies))
        if begin == self._given:
            return {}
        return {
            "Messages": [
                {"Body": self.bodies[n], "ReceiptHandle": str(n)} for n in range(begin, self._given)
            ]
        }

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> None:
        assert QueueUrl == "url"
        assert 1 <= len({entry["Id"] for entry in Entries}) == len(Entries) <= 10
        self.gone += [int(entry["ReceiptHandle"]) for entry in Entries]


def delete(queue: Queue) -> int:
    """Delete the messages of chunks of even numbers."""
    terms: dict[str, Any] = {
        **dict.fromkeys(("document", "s3", "kms", "functions")),
        "sqs": queue,
        "timings": Timings(cancelled_message_seconds=77),
    }
    connection = Connection(workspace="study", user="alice", **terms)
    return delete_cancelled_messages(
        connection, "url", is_void=lambda message: int(message.chunk[-5:]) % 2 == 0
    )


@pytest.mark.parametrize(("count", "each"), [(0, 10), (3, 10), (25, 10), (4, 1)])
def test_cancelled_messages_go_until_none_is_found(count: int, each: int) -> None:
    queue = Queue([lease(2 * n) for n in range(count)], each=each)
    assert delete(queue) == count
    assert queue.gone == list(range(count))
    assert queue.asked == -(-count // each) + 1


@pytest.mark.parametrize(
    "wanted", [lease(7), RequeueMessage(live=frozenset()).to_body(), "a stranger's"]
)
def test_a_message_that_is_wanted_ends_it_and_stays(wanted: str) -> None:
    """Workers that come for it find the rest."""
    queue = Queue([*[lease(0)] * 11, wanted, *[lease(0)] * 20])
    assert delete(queue) == 19
    assert queue.gone == [*range(11), *range(12, 20)]
    assert queue.asked == 2

"""Leases on their way into a queue: ten and 1 MB a call at most; what SQS refuses is sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from starburst._protocol.sealed import sending
from starburst._protocol.sealed.chunks import ChunkMessage
from starburst._protocol.sealed.sending import SEND_TRIES, send_messages


def message(number: int, size: int = 9) -> ChunkMessage:
    return ChunkMessage(
        chunk=f"p000001-{number:05d}",
        lo=0,
        hi=1,
        pack="p000001",
        offset=0,
        length=size,
        inline=bytes(size),
    )


class Queue:
    """SQS as it takes what it is sent, but for some of it some of the times.

    Attributes:
        refuses: by the number of the call, which of the entries SQS refuses.
        calls: the bodies of each call.
        held: the bodies that it has taken.
    """

    def __init__(self, refuses: Callable[[int, int], bool] = lambda call, entry: False) -> None:
        self.refuses = refuses
        self.calls: list[list[str]] = []
        self.held: list[str] = []

    def send(self, entries: Any) -> Any:
        call = len(self.calls)
        self.calls.append([entry["MessageBody"] for entry in entries])
        assert len({entry["Id"] for entry in entries}) == len(entries) <= 10
        assert sum(len(entry["MessageBody"]) for entry in entries) <= 1_000_000
        failed = [entry for n, entry in enumerate(entries) if self.refuses(call, n)]
        self.held += [entry["MessageBody"] for entry in entries if entry not in failed]
        return {"Failed": [{"Id": entry["Id"], "Code": "x"} for entry in failed]}


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr(sending.time, "sleep", made.append)
    return made


@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (10, 1), (11, 2), (25, 3)])
def test_ten_travel_together(count: int, calls: int, pauses: list[float]) -> None:
    queue, messages = Queue(), [message(n) for n in range(count)]
    assert send_messages(messages, queue.send) == 0
    assert queue.held == [one.to_body() for one in messages]
    assert len(queue.calls) == calls
    assert pauses == []


def test_no_call_is_larger_than_sqs_takes() -> None:
    queue, messages = Queue(), [message(n, size=150_000) for n in range(12)]
    assert send_messages(messages, queue.send) == 0
    assert queue.held == [one.to_body() for one in messages]
    assert [len(bodies) for bodies in queue.calls] == [4, 4, 4]


@pytest.mark.parametrize(("room", "calls"), [(2, [2, 1]), (1, [1, 1, 1]), (0.5, [1, 1, 1])])
def test_a_call_takes_what_just_fits_and_is_never_empty(
    monkeypatch: pytest.MonkeyPatch, room: float, calls: list[int]
) -> None:
    queue, messages = Queue(), [message(n) for n in range(3)]
    monkeypatch.setattr(sending, "_BATCH_BYTES", room * len(messages[0].to_body()))
    assert send_messages(messages, queue.send) == 0
    assert [len(bodies) for bodies in queue.calls] == calls


def test_only_what_was_refused_is_sent_again_ever_later(pauses: list[float]) -> None:
    """Of ten the even ones, of those again the even ones."""
    queue = Queue(lambda call, entry: call < SEND_TRIES - 1 and entry % 2 == 0)
    messages = [message(n) for n in range(12)]
    assert send_messages(messages, queue.send) == 0
    assert sorted(queue.held) == [one.to_body() for one in messages]
    assert [len(bodies) for bodies in queue.calls] == [10, 5, 3, 2, 1, 2]
    assert pauses == [0.2, 0.4, 0.8, 1.6]


def test_what_is_refused_each_time_is_counted(pauses: list[float]) -> None:
    queue = Queue(lambda call, entry: entry < 3)
    assert send_messages([message(n) for n in range(8)], queue.send) == 3
    assert len(queue.calls) == SEND_TRIES
    assert len(queue.held) == 5

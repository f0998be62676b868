"""What fails verification is told with what it was, ends what it must, and holds up nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from starburst._protocol.sealed.cancel_list import cancel_key
from starburst._protocol.sealed.chunks import ChunkMessage, read_message
from starburst._protocol.sealed.result_nodes import node_key
from starburst.contract import TAMPERING
from starburst.worker.settings.timings import Timings
from tests.runtime.wire import json_error, s3_error
from tests.some import some

from .virtual_aws import Message
from .virtual_session import VirtualSession

FIRST = "p000001-00000"
FORGED = b"\x80\x04evil" * 40


def without_its_copy(queued: Message) -> ChunkMessage:
    """Have a message name its chunk alone, so that its worker reads the pack."""
    message = read_message(queued.body)
    assert isinstance(message, ChunkMessage)
    queued.body = replace(message, inline=None).to_body()
    return message


def told(session: VirtualSession, event: str = TAMPERING) -> list[dict[str, Any]]:
    """What was said of it, without why."""
    apart = {"at", "event", "why", "now"}
    return [
        {name: fact for name, fact in line.items() if name not in apart}
        for line in session.logged(event)
    ]


@contextmanager
def in_place_of(session: VirtualSession, key: str, body: bytes | None) -> Iterator[None]:
    """Have another object stand there, or none."""
    objects = session.s3.objects
    good = objects.pop(key, None)
    if body is not None:
        objects[key] = body
    yield
    objects.pop(key, None)
    if good is not None:
        objects[key] = good


def damage(session: VirtualSession) -> tuple[str, bytes]:
    """Return the key of the first chunk's pack, and that with a byte of the chunk changed."""
    message = without_its_copy(session.sqs.messages[0])
    key = f"{session.keys.inputs}{message.pack}"
    body = bytearray(session.s3.objects[key])
    body[message.offset + message.length - 1] ^= 1
    return key, bytes(body)


def a_chunk(session: VirtualSession) -> tuple[str, bytes]:
    return damage(session)


def a_function(session: VirtualSession) -> tuple[str, bytes]:
    return f"{session.keys.functions}f", FORGED


def a_cancel_list(session: VirtualSession) -> tuple[str, bytes]:
    return cancel_key(session.keys), FORGED


@pytest.mark.parametrize(
    ("what", "outcomes", "facts"),
    [
        (a_chunk, ["integrity"] * 2 + [4], {"chunk": FIRST, "range": [0, 2]}),
        (a_function, ["integrity"] * 3, {"function": "f"}),
        (a_cancel_list, [0, 1, 4], {"object": "cancel list"}),
    ],
)
def test_what_no_client_signed_ends_what_needs_it_and_nothing_else(
    what: Callable[[VirtualSession], tuple[str, bytes]],
    outcomes: list[object],
    facts: dict[str, Any],
) -> None:
    session = VirtualSession([0.5, 0.5], [0.5])
    key, body = what(session)
    with in_place_of(session, key, body):
        session.run()
    assert session.outcomes() == outcomes
    assert all(each == facts for each in some(told(session)))
    assert not session.sqs.messages
    assert not session.logged("trouble")
    session.check()


@pytest.mark.parametrize(
    ("deliveries", "long"), [(1, 0.5), (2, 0.5), (1, 60.0)], ids=["commit", "resume", "hand on"]
)
def test_a_result_that_no_worker_wrote_gives_its_range_up_and_holds_up_no_other(
    deliveries: int, long: float
) -> None:
    session = VirtualSession([long, 0.5], [0.5, 0.5])
    session.sqs.messages[0].deliveries = deliveries - 1
    with in_place_of(session, node_key(session.keys, FIRST, lo=0, hi=2), FORGED):
        session.run()
    assert session.outcomes() == [None, None, 4, 9]
    assert told(session) == [{"result": FIRST, "range": [0, 2]}]
    assert not session.sqs.messages
    assert not session.logged("trouble")
    session.check()


def test_a_message_of_nobody_is_told_and_deleted() -> None:
    session = VirtualSession([0.5])
    session.sqs.messages.insert(0, Message("{'not': 'ours'}", sent=0.0, visible=0.0))
    session.run()
    assert session.outcomes() == session.squares()
    assert told(session) == [{"object": "message"}]
    assert not session.sqs.messages


def test_a_range_that_its_chunk_does_not_have_is_told_and_runs_nothing() -> None:
    session = VirtualSession([0.5])
    message = read_message(session.sqs.messages[0].body)
    assert isinstance(message, ChunkMessage)
    session.sqs.send(message.over(0, 5).to_body())
    session.run()
    assert session.started(0) == 1
    assert told(session) == [{"chunk": FIRST}]
    assert not session.sqs.messages


def test_a_pack_that_is_gone_is_told_with_the_range_that_it_held() -> None:
    session = VirtualSession([0.5, 0.5])
    message = without_its_copy(session.sqs.messages[0])
    with in_place_of(session, f"{session.keys.inputs}{message.pack}", None):
        session.run()
    assert told(session) == [{"chunk": FIRST, "range": [0, 2]}]
    assert not session.sqs.messages


def test_where_s3_never_says_404_a_pack_that_is_gone_costs_nobody_a_pause() -> None:
    """Who forges messages costs a worker neither its place nor a pause, and is told in a minute."""
    session = VirtualSession([0.5], [0.5], idle_seconds=600)
    session.s3.shy = True
    for number in range(7, 11):
        forged = ChunkMessage(
            chunk=f"p{number:06}-00000",
            lo=0,
            hi=1,
            pack=f"p{number:06}",
            offset=0,
            length=9,
            inline=None,
        )
        session.sqs.messages.insert(0, Message(forged.to_body(), sent=0.0, visible=0.0))
    session.run()
    assert session.outcomes() == session.squares()
    assert [at for _, at in session.starts] == pytest.approx([0.0, 0.5], abs=0.2)
    assert len(session.logged("not seen")) >= 4 * 4
    rings = session.logged(TAMPERING)
    assert [line["range"] for line in rings] == [[0, 1]] * 4
    assert all(60.0 <= line["now"] <= 80.0 for line in rings)
    assert not session.logged("trouble")
    assert not session.sqs.messages


def test_where_s3_never_says_404_a_function_is_missing_after_two_looks_a_minute_apart() -> None:
    session = VirtualSession([0.5])
    session.s3.shy = True
    with in_place_of(session, f"{session.keys.functions}f", None):
        session.run()
    assert session.outcomes() == ["integrity"]
    assert "missing from the session" in session.failures()[0].text
    assert session.logged("trouble")
    [line] = session.logged(TAMPERING)
    assert line["now"] >= session.timings.promised_seconds
    session.check()


def test_a_result_that_is_there_and_cannot_be_read_for_now_is_no_forgery() -> None:
    """The PUT says that the key is taken, the GET that it is not there."""
    session = VirtualSession([0.5])
    session.s3.shy = True
    [message] = session.sqs.messages
    session.run()
    session.sqs.send(message.body)
    session.meet("get_node", *[s3_error(403, "AccessDenied")] * 3)
    session.run()
    assert session.left_to_meet("get_node") == 0
    assert session.outcomes() == session.squares()
    assert told(session) == told(session, "missing") == []
    assert not session.sqs.messages


def test_who_looks_for_lost_ranges_tells_of_a_forged_result_and_sends_the_others() -> None:
    session = VirtualSession([0.5, 0.5], [0.5])
    session.sqs.messages.clear()
    session.ask_to_send_again()
    with in_place_of(session, node_key(session.keys, FIRST, lo=0, hi=2), FORGED):
        session.run()
    assert session.outcomes() == [None, None, 4]
    assert told(session) == [{"result": FIRST, "range": [0, 2]}]
    session.check()


def test_who_looks_for_lost_ranges_tells_of_a_damaged_pack() -> None:
    session = VirtualSession([0.5])
    key = f"{session.keys.inputs}p000001"
    session.sqs.messages.clear()
    session.ask_to_send_again()
    with in_place_of(session, key, FORGED * 100):
        session.run()
    assert told(session) == [{"pack": "p000001"}]


def test_a_worker_that_s3_refuses_everything_now_says_nothing_against_a_pack() -> None:
    """It is contained, or its policy is on its way: that is trouble, and passes."""
    session = VirtualSession([0.5], timings=Timings(promised_seconds=0.0))
    without_its_copy(session.sqs.messages[0])
    refused = s3_error(403, "AccessDenied")
    session.meet("get_pack", refused, refused)
    # It could read the manifest a moment ago, and can no longer.
    session.meet("get_manifest", None, refused)
    session.run()
    assert session.left_to_meet("get_manifest") == 0
    assert told(session) == []
    assert told(session, "missing") == []
    assert session.logged("trouble")
    assert session.outcomes() == session.squares()
    session.check()


@pytest.mark.parametrize(
    "error", ["ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"]
)
def test_a_lease_that_is_lost_is_let_go_without_a_word(error: str) -> None:
    session = VirtualSession([0.5], [0.5])
    session.meet("delete_message", json_error("sqs", error))
    session.run()
    assert session.outcomes() == session.squares()
    assert {e.facts["event"] for e in session.effects.of("log")} == {"committed", "idle"}
    assert not session.sqs.messages

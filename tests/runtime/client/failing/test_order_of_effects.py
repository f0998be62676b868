"""What a client does in AWS comes in the protocol's order, also where AWS refuses any one of it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools

import pytest

from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session
from starburst._client.opening import open_session
from starburst._client.session import Session
from starburst.errors import StarburstError
from tests.runtime.client.failing.alone import ALONE, left
from tests.runtime.client.failing.recording import Call, Recorder, disorder
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import ONE, square
from tests.runtime.wire import s3_error
from tests.session_internals import chunks, flush

LIFE = [
    *("put manifest", "put request to start", "ask start"),
    *("put function", "put p000001", "send"),
    *("put p000002", "send"),
    *("put cancelled", "receive_message", "take out", "receive_message"),
    *("put request to refresh", "ask refresh", "ask refresh"),
    *("put request to stop", "ask stop", "erase"),
]


def live(connection: Connection, recorder: Recorder, seen: list[Session]) -> None:
    """Lead a session's life, whatever fails in it."""
    mine = dataclasses.replace(recorder.over(connection), timings=ALONE)
    session = open_session(mine, ONE, progress=False)
    seen.append(session)
    for inputs in (range(3), range(3, 5)):
        with contextlib.suppress(StarburstError):
            session.map(square, inputs)
            flush(session)
    for step in (session.cancel, session.status, session.status):
        with contextlib.suppress(StarburstError):
            step()
    session.cleanup(force=True)


def test_a_session_does_one_thing_after_the_other(connection: Connection, fleet: Fleet) -> None:
    """The pack before its message, the list before its purge, the end before the erasure."""
    fleet.launch = False
    recorder = Recorder()
    seen: list[Session] = []
    unknown: list[str] = []

    def look(call: Call) -> None:
        if call.what == "send":  # a result that comes at once must find its tasks known
            names = [name for name in call.named if name != "put function"]
            known = {entry.name[:7] for entry in chunks(seen[0]).values()}
            unknown.extend(name for name in names if name.removeprefix("put ") not in known)

    recorder.judge = look
    live(connection, recorder, seen)
    assert recorder.done == LIFE
    assert disorder(recorder.calls) == []
    assert unknown == []
    assert left(fleet) == []


@pytest.mark.parametrize("refused", sorted({*LIFE} - {"receive_message"}))
def test_after_a_refusal_nothing_is_done_that_rests_on_it_and_a_second_end_ends_all(
    connection: Connection, fleet: Fleet, refused: str
) -> None:
    fleet.launch = False
    recorder = Recorder()
    recorder.judge = lambda call: s3_error(403, "AccessDenied") if call.what == refused else None
    seen: list[Session] = []
    end = {"put request to stop", "ask stop", "erase"}
    opening = {"put manifest", "put request to start", "ask start"}
    fails = refused in end | opening
    with pytest.raises(StarburstError) if fails else contextlib.nullcontext():
        live(connection, recorder, seen)
    assert any(call.failed for call in recorder.calls)
    assert disorder(recorder.calls) == []
    recorder.judge = lambda _: None
    assert bool(seen) == (refused not in opening)
    for session in seen:
        if fails:
            assert left(fleet), "what could not be ended is there to be found"
            again = attach_session(connection, session.id, progress=False)
            again.detach()
            session.cleanup(force=True)
        assert "ask stop" in recorder.done
    if seen:
        assert left(fleet) == []
        assert not fleet.sqs.list_queues().get("QueueUrls")


SOON = [
    ("ask start", "put manifest"),
    ("ask start", "put request to start"),
    ("send", "put p000001"),
    ("send", "put p000002"),
    ("send", "put function"),
    ("take out", "put cancelled"),
    ("ask refresh", "put request to refresh"),
    ("ask stop", "put request to stop"),
    ("erase", "ask stop"),
]


def test_the_check_of_the_order_speaks_wherever_two_effects_are_swapped(
    connection: Connection, fleet: Fleet
) -> None:
    fleet.launch = False
    recorder = Recorder()
    live(connection, recorder, [])
    calls = recorder.calls
    for effect, need in SOON:
        needed = next(call for call in calls if call.what == need)
        late = [call for call in calls if call is not needed]
        assert f"{effect} before {need}" in disorder([*late, needed])
        failed = [dataclasses.replace(c, failed=c is needed) for c in calls]
        assert f"{effect} before {need}" in disorder(failed)
    assert disorder([*calls, *itertools.islice(calls, 1)]) == ["put manifest after the end"]

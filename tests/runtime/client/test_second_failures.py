"""What fails in an operation, and again in its clean-up: said, typed, and mended by a repeat."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError

import starburst
from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.attaching import attach_session, list_sessions
from starburst._client.opening import open_session
from starburst._client.session import Session
from starburst.cli import main as command_line
from starburst.contract import SessionKeys
from starburst.errors import (
    ConfigurationError,
    KeyUnavailable,
    LimitExceeded,
    SessionError,
    SessionNotFound,
    StarburstError,
)
from tests.runtime.client.recording import Call, Recorder
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import ONE, opened, square
from tests.runtime.wire import Scripted, s3_error
from tests.runtime.worker.cancelling import listed
from tests.session_internals import core, flush

QUIET = Timings(
    trouble_seconds=0.0, status_seconds=3600, silence_seconds=3600, cancel_gather_seconds=3600
)
TROUBLE = s3_error(500, "InternalError")


def left(fleet: Fleet) -> list[str]:
    return [v["Key"] for v in fleet.s3.list_object_versions(Bucket=BUCKET).get("Versions", ())]


# Opening: what became of a session that did not begin is said as it is.


class Broken(io.BytesIO):
    """An answer that ends in its middle."""

    def read(self, *_: Any) -> Any:
        raise IncompleteReadError(actual_bytes=9, expected_bytes=99)


@dataclasses.dataclass
class Half:
    """A controller that does as it is asked, and whose answers break off or do not come at all."""

    fleet: Fleet
    ends: dict[str, BaseException | None] = dataclasses.field(default_factory=dict)

    def invoke(self, **words: Any) -> Any:
        answer = self.fleet.invoke(**words)
        action = self.fleet.requests[-1]["action"]
        if action not in self.ends:
            return answer
        error = self.ends[action]
        if error is not None:
            raise error
        return {"Payload": Broken()}


def controlled(connection: Connection, half: Half) -> Connection:
    return dataclasses.replace(connection, functions=half)  # type: ignore[arg-type]


def notes(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", ()))


@pytest.mark.parametrize("error", [None, KeyboardInterrupt(), LimitExceeded("2 at most")])
def test_a_start_that_breaks_off_is_undone_and_says_so(
    connection: Connection, fleet: Fleet, error: BaseException | None
) -> None:
    fleet.launch = False
    with pytest.raises((ConfigurationError, KeyboardInterrupt, LimitExceeded)) as caught:
        open_session(controlled(connection, Half(fleet, {"start": error})), ONE, progress=False)
    assert [request["action"] for request in fleet.requests] == ["start", "stop"]
    (summary,) = list_sessions(connection)
    assert notes(caught.value) == f"session {summary.id} was stopped before it began"
    assert not fleet.sqs.list_queues().get("QueueUrls")


@pytest.mark.parametrize("second", [None, SessionError("throttled"), KeyboardInterrupt()])
def test_a_start_that_could_not_be_undone_never_says_that_it_was(
    connection: Connection,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    second: BaseException | None,
) -> None:
    """Its workers may be on their way: its id is told, and a command that ends it."""
    fleet.launch = False
    half = Half(fleet, {"start": None, "stop": second})
    stop, fleet.stop = fleet.stop, lambda keys: {}  # type: ignore[method-assign]
    with pytest.raises((ConfigurationError, KeyboardInterrupt)) as caught:
        open_session(controlled(connection, half), ONE, progress=False)
    fleet.stop = stop  # type: ignore[method-assign]
    (summary,) = list_sessions(connection)
    assert f"`starburst stop {summary.id}" in notes(caught.value)
    assert "was stopped" not in notes(caught.value)
    monkeypatch.setattr("starburst._client.access.connection.connect", lambda *_, **__: connection)
    assert command_line(["stop", "--erase", summary.id]) == 0
    assert left(fleet) == []
    assert not fleet.sqs.list_queues().get("QueueUrls")


@pytest.mark.parametrize("words", [["stop"], ["stop", "--erase"]])
def test_what_the_controller_does_not_know_can_be_erased_from_a_terminal(
    connection: Connection,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    """As of a session whose start was never asked, or whose manifest was erased and no more."""

    def forget(keys: SessionKeys) -> Any:
        raise SessionNotFound("user alice has no session")

    session = opened(connection, fleet)
    session.detach()
    fleet.s3.delete_object(Bucket=BUCKET, Key=session.manifest.keys.manifest)
    monkeypatch.setattr(fleet, "stop", forget)
    monkeypatch.setattr("starburst._client.access.connection.connect", lambda *_, **__: connection)
    assert command_line([*words, session.id]) == 0
    said = capsys.readouterr().out
    assert f"knows no session {session.id}: nothing of it runs" in said
    assert "is stopped" not in said
    assert (left(fleet) == []) == ("--erase" in words)


@pytest.mark.parametrize(
    ("action", "operate"),
    [
        ("refresh", lambda session: session.status()),
        ("extend", lambda session: session.extend(60)),
        ("stop", lambda session: session.cleanup(force=True)),
    ],
)
def test_an_answer_that_breaks_off_is_a_typed_error_and_the_same_can_be_asked_again(
    connection: Connection, fleet: Fleet, action: str, operate: Callable[[Session], object]
) -> None:
    half = Half(fleet)
    fleet.extend = lambda keys: {}  # type: ignore[attr-defined]
    session = opened(controlled(connection, half), fleet)
    half.ends[action] = None
    with pytest.raises(ConfigurationError, match=f"{action} session {session.id}"):
        operate(session)
    assert left(fleet), "nothing is erased whose end is not known"
    half.ends.clear()
    if action == "stop":
        fleet.stop = lambda keys: {}  # type: ignore[method-assign]
    operate(session)
    session.cleanup(force=True)
    assert left(fleet) == []


# Each request of an operation, refused in its turn.


@dataclasses.dataclass
class Turns:
    """S3, SQS and KMS, which refuse one request of those that an operation makes."""

    number: int = 0
    count: int = 0
    met: str = ""

    def judge(self, model: Any, **_: Any) -> None:
        if threading.current_thread().name.startswith("starburst-"):
            return  # what collects and sends is patient
        self.count += 1
        if self.count == self.number:
            self.met = model.name
            raise TROUBLE


@pytest.fixture
def turns(fleet: Fleet) -> Iterator[Turns]:
    made = Turns()
    clients = (fleet.s3, fleet.sqs, fleet.kms)
    for client in clients:
        client.meta.events.register("before-call", made.judge)
    yield made
    for client in clients:
        client.meta.events.unregister("before-call", made.judge)


def in_turn(turns: Turns, operate: Callable[[], object]) -> list[tuple[str, bool]]:
    """Do something again and again; return each request that was refused, and whether it told."""
    found = []
    for number in itertools.count(1):
        turns.number, turns.count, turns.met = number, 0, ""
        said = ""
        try:
            operate()
        except StarburstError as error:
            said = str(error)
        turns.number = 0
        if not turns.met:
            return found
        found.append((turns.met, "InternalError" in said))
    raise AssertionError


def told(*names: str) -> list[tuple[str, bool]]:
    return [(name, True) for name in names]


def test_who_attaches_is_told_whatever_cannot_be_read_and_misses_nothing_at_the_next_try(
    connection: Connection, fleet: Fleet, turns: Turns
) -> None:
    session = opened(dataclasses.replace(connection, timings=QUIET), fleet, tasks=4)
    session.submit(square, 9)
    flush(session)
    session.cancel(session.futures[:2])
    session.detach()
    seen: list[Session] = []

    def attach() -> None:
        seen.append(attach_session(connection, session.id, progress=False))

    found = in_turn(turns, attach)
    assert found == told(
        *("GetObject", "Decrypt", "Decrypt", "ListObjectsV2"),  # the manifest, its keys, its packs
        *("GetObject", "GetObject", "GetObject"),  # two ledgers, and the cancel list
    )
    (again,) = seen
    assert [future.cancelled() for future in again.futures] == [True, True, False, False, False]
    assert core(again).tasks.outstanding == 3
    again.cleanup(force=True)


def test_a_list_of_sessions_is_whole_or_refused(
    connection: Connection, fleet: Fleet, turns: Turns
) -> None:
    first = opened(connection, fleet, tasks=0)
    second = opened(connection, fleet, tasks=0)
    seen: list[list[str]] = []

    def look() -> None:
        seen.append([summary.id for summary in list_sessions(connection)])

    assert in_turn(turns, look) == told("ListObjectsV2", *["GetObject"] * 4)
    assert seen == [[second.id, first.id]]
    for session in (first, second):
        session.cleanup()


def test_what_is_not_known_of_a_session_is_said(
    connection: Connection, fleet: Fleet, turns: Turns
) -> None:
    session = opened(dataclasses.replace(connection, timings=QUIET), fleet)
    fleet.refresh = lambda keys: {}  # type: ignore[method-assign]
    fleet.extend = lambda keys: {"deadline": 5.0}  # type: ignore[attr-defined]
    assert in_turn(turns, session.status) == told("PutObject", "GetObject")
    assert in_turn(turns, lambda: session.extend(60)) == told("GetObject", "PutObject")
    session.cleanup()


def test_a_clean_up_that_meets_trouble_is_repeated_and_erases_all(
    connection: Connection, fleet: Fleet, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it cost is only told, and of a deletion S3 is asked again; all else is said."""
    monkeypatch.setattr("starburst.aws.erasing._FIRST_PAUSE", 0.0)
    quiet = dataclasses.replace(connection, timings=QUIET)

    def live() -> None:
        number, turns.number = turns.number, 0
        session = opened(quiet, fleet)
        turns.number, turns.count = number, 0
        try:
            session.cleanup(force=True)
        except StarburstError:
            turns.number = 0
            session.cleanup(force=True)
            raise
        finally:
            turns.number = 0
            assert left(fleet) == []
            assert not fleet.sqs.list_queues().get("QueueUrls")

    found = in_turn(turns, live)
    assert found == [
        *told("PutObject", "GetQueueUrl", "DeleteQueue"),  # the last two are the controller's
        ("GetObject", False),  # what it cost
        *told("GetObject", "ListObjectVersions"),  # whether workers left
        ("DeleteObjects", False),
        *told("ListObjectVersions"),
    ]


# Pages, functions, cancels, and the analyst's own code.


def test_a_page_of_results_that_fails_loses_and_repeats_nothing(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second page of each look fails at first; a look is whole, or it is none."""
    monkeypatch.setattr("starburst._client.tasks.result_reader._PAGE", 2)
    s3: Any = Scripted(fleet.s3, "list_objects_v2")
    mine = dataclasses.replace(connection, s3=s3)
    fleet.launch = False
    session = open_session(mine, ONE, progress=False)
    core(session).collector.close()
    names = [f"{session.manifest.keys.results}p000001-{n:05d}/000000-000001" for n in range(5)]
    for name in names:
        fleet.s3.put_object(Bucket=BUCKET, Key=name, Body=b"x")
    reader = core(session).collector._results

    def look() -> list[str]:
        return [key for _, key in reader.list_nodes(first_open=None)]

    s3.errors.extend([None, TROUBLE])
    with pytest.raises(SessionError, match="list results"):
        look()
    assert s3.asked == 2
    assert look() == names
    assert s3.asked == 5
    session.cleanup()


def test_a_function_that_could_not_be_stored_is_stored_by_the_next_call(
    connection: Connection, fleet: Fleet
) -> None:
    recorder = Recorder()
    mine = dataclasses.replace(recorder.over(connection), timings=QUIET)
    fleet.launch = False
    session = open_session(mine, ONE, progress=False)
    recorder.judge = lambda call: TROUBLE if call.what == "put function" else None
    for _ in range(2):
        with pytest.raises(SessionError, match="store the function"):
            session.submit(square, 3)
    assert session.futures == ()
    recorder.judge = lambda _: None
    session.submit(square, 3)
    session.submit(square, 4)
    flush(session)
    assert recorder.done.count("put function") == 1
    assert recorder.done.index("put function") < recorder.done.index("send")
    session.cleanup()


def test_a_generator_that_fails_before_a_map_costs_nothing(
    connection: Connection, fleet: Fleet
) -> None:
    def inputs() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError("in the analyst's own code")

    recorder = Recorder()
    mine = recorder.over(connection)
    with pytest.raises(ZeroDivisionError):
        starburst.map(square, inputs(), environment=mine, workers=1, progress=False)
    assert recorder.calls == []
    fleet.launch = False
    session = open_session(mine, ONE, progress=False)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            session.map(square, inputs())
    flush(session)
    assert len(session.futures) == core(session).tasks.outstanding == 2
    session.cleanup()


CONFLICT, OUTRUN = s3_error(409, "ConditionalRequestConflict"), s3_error(412, "PreconditionFailed")
GONE, DISABLED = s3_error(404, "NoSuchKey"), s3_error(400, "KMS.DisabledException")


@pytest.mark.parametrize("lost", [CONFLICT, OUTRUN, GONE], ids=["409", "412", "404"])
def test_a_cancel_that_comes_second_is_written_with_what_came_first(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, lost: Exception
) -> None:
    monkeypatch.setattr("starburst._client.tasks.cancels._FIRST_PAUSE", 0.0)
    s3: Any = Scripted(fleet.s3, "put_object", key="cancelled")
    mine = dataclasses.replace(connection, s3=s3, timings=QUIET)
    session = opened(mine, fleet, tasks=5)
    other = attach_session(mine, session.id, progress=False)
    assert session.cancel(session.futures[:1]) == 1
    assert other.cancel(other.futures[1:2]) == 1
    s3.errors.extend([lost] * 3)
    assert session.cancel(session.futures[2:3]) == 1
    assert not s3.errors
    other.detach()
    again = attach_session(connection, session.id, progress=False)
    assert [future.cancelled() for future in again.futures] == [True] * 3 + [False] * 2
    again.detach()
    s3.errors.extend([lost] * 8)
    with pytest.raises(SessionError, match="changed 8 times"):
        session.cancel(session.futures[3:4])
    assert not s3.errors
    assert session.futures[3].cancelled()
    assert session.cancel([]) == 0  # what was not recorded then is recorded now
    again = attach_session(connection, session.id, progress=False)
    assert [future.cancelled() for future in again.futures] == [True] * 4 + [False]
    again.cleanup(force=True)
    session.detach()


def test_cancels_that_a_disabled_key_refused_are_recorded_with_the_next_one(
    connection: Connection, fleet: Fleet
) -> None:
    recorder, heard = Recorder(), threading.Event()
    mine = dataclasses.replace(recorder.over(connection), timings=Timings(cancel_gather_seconds=0))
    session = opened(mine, fleet)

    def judge(call: Call) -> Exception | None:
        if call.what != "put cancelled":
            return None
        heard.set()
        return DISABLED if refuses else None

    refuses, recorder.judge = True, judge
    assert session.futures[0].cancel()
    assert heard.wait(30)
    with pytest.raises(KeyUnavailable):
        core(session).cancels.flush()
    refuses = False
    assert session.futures[1].cancel()
    for _ in range(1500):
        if listed(fleet, session):
            break
        threading.Event().wait(0.02)
    session.detach()
    again = attach_session(connection, session.id, progress=False)
    assert [future.cancelled() for future in again.futures] == [True, True, False, False]
    again.cleanup(force=True)


def test_a_queue_that_refuses_keeps_no_cancel_from_being_recorded(
    connection: Connection, fleet: Fleet
) -> None:
    recorder = Recorder()
    mine = dataclasses.replace(recorder.over(connection), timings=QUIET)
    session = opened(mine, fleet)
    recorder.judge = lambda call: TROUBLE if call.name == "receive_message" else None
    assert session.cancel() == 4
    assert listed(fleet, session)
    assert SimpleNamespace(**vars(recorder.calls[-1])).failed
    with contextlib.suppress(StarburstError):
        session.cleanup(force=True)
    assert left(fleet) == []

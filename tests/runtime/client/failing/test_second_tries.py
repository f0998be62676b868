"""Pages, functions, and the own code of analysts that fail: a second try finds nothing spoilt."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session
from starburst._client.executor import StarburstExecutor
from starburst._client.opening import open_session
from starburst._client.tasks import cancels, dispatch
from starburst.errors import (
    SessionError,
)
from tests.runtime.client.failing.alone import ALONE, TROUBLE, left_beside_records
from tests.runtime.client.failing.recording import Recorder
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import ONE, opened, square
from tests.runtime.wire import Scripted, s3_error
from tests.session_internals import core, flush


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
    mine = dataclasses.replace(recorder.over(connection), timings=ALONE)
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


@pytest.mark.parametrize("again", [False, True])
def test_an_executor_whose_first_call_could_not_be_sent_ends_the_session_that_it_opened(
    connection: Connection, fleet: Fleet, again: bool
) -> None:
    fleet.launch = False
    recorder = Recorder()
    mine = dataclasses.replace(recorder.over(connection), timings=ALONE)
    pool = StarburstExecutor(mine, workers=1, progress=False)
    recorder.judge = lambda call: TROUBLE if call.what == "put function" else None
    with pytest.raises(SessionError, match="store the function"):
        pool.submit(square, 3)
    recorder.judge = lambda _: None
    if again:
        assert pool.submit(square, 4).cancel()
    pool.shutdown()
    assert recorder.done.count("ask start") == recorder.done.count("ask stop") == 1
    assert left_beside_records(fleet) == []


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


def test_a_pack_whose_answer_was_lost_for_good_is_taken_for_no_other_clients(
    connection: Connection, fleet: Fleet
) -> None:
    """Its tasks are told as failed here, and are there for who attaches; the next ones are sent."""
    s3: Any = LostAnswers(fleet.s3)
    mine = dataclasses.replace(connection, s3=s3, timings=ALONE)
    session = opened(mine, fleet, tasks=2)
    s3.lost = "p000002"
    with pytest.raises(SessionError, match="store tasks"):
        session.submit(square, 5).result(30)
    later = session.submit(square, 6)
    flush(session)
    assert not later.done()
    assert core(session).tasks.outstanding == 3
    session.detach()
    again = attach_session(connection, session.id, progress=False)
    assert core(again).tasks.outstanding == 4
    again.cleanup()


class LostAnswers:
    """S3 that does as it is asked, and whose answers about one key do not arrive."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self.lost = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def put_object(self, **words: Any) -> Any:
        answer = self._s3.put_object(**words)
        if self.lost and words["Key"].endswith(self.lost):
            raise TROUBLE
        return answer


class AtExit:
    """What Python runs when a script ends."""

    def __init__(self) -> None:
        self.held: list[Callable[[], None]] = []

    def register(self, end: Callable[[], None]) -> None:
        self.held.append(end)

    def unregister(self, end: Callable[[], None]) -> None:
        self.held = [each for each in self.held if each != end]


@pytest.fixture
def at_exit(monkeypatch: pytest.MonkeyPatch) -> AtExit:
    made = AtExit()
    for module in (dispatch, cancels):
        monkeypatch.setattr(module, "atexit", made)
    return made


def test_a_script_that_ends_has_sent_its_tasks_and_recorded_its_cancels(
    connection: Connection, fleet: Fleet, at_exit: AtExit
) -> None:
    hour = dataclasses.replace(
        ALONE, gather_seconds=3600, gather_idle_seconds=3600, gather_busy_seconds=3600
    )
    session = opened(dataclasses.replace(connection, timings=hour), fleet, tasks=2)
    session.submit(square, 5)
    session.submit(square, 6)
    assert session.futures[0].cancel()
    assert len(at_exit.held) == 2
    for end in at_exit.held:
        end()
    assert at_exit.held == []
    again = attach_session(connection, session.id, progress=False)
    assert [future.cancelled() for future in again.futures] == [True, False, False, False]
    session.detach()
    again.cleanup()


def test_a_script_that_ends_says_that_its_cancels_could_not_be_recorded(
    connection: Connection, fleet: Fleet, at_exit: AtExit
) -> None:
    recorder = Recorder()
    session = opened(dataclasses.replace(recorder.over(connection), timings=ALONE), fleet)
    recorder.judge = lambda call: TROUBLE if call.what == "put cancelled" else None
    assert session.futures[0].cancel()
    send, record = at_exit.held
    send()
    with pytest.raises(SessionError, match="cancelled tasks may still run: cannot record"):
        record()
    with pytest.raises(SessionError, match="record cancelled tasks"):
        session.detach()
    assert at_exit.held == []
    recorder.judge = lambda _: None
    session.cleanup()


@pytest.mark.parametrize("what", ["put function", "put p000001"])
def test_what_cannot_be_stored_for_a_while_is_stored_and_the_bar_says_what_it_waits_for(
    connection: Connection, fleet: Fleet, what: str
) -> None:
    """Twice, so that what is told of the first outage is taken back, and told again."""
    fleet.launch = False
    recorder, refused = Recorder(), itertools.chain([True, False, True], itertools.repeat(False))
    session = open_session(recorder.over(connection), ONE, progress=False)
    told: list[str] = []
    bar: Any = core(session).display._bar
    bar.update = lambda _, __, *, waits_for: told.append(waits_for)
    recorder.judge = lambda call: (
        s3_error(403, "AccessDenied") if call.what == what and next(refused) else None
    )
    session.submit(square, 3)
    flush(session)
    recorder.judge = lambda call: (
        s3_error(503, "SlowDown") if call.what.startswith(what[:6]) and next(refused) else None
    )
    session.submit(len, "another function")
    flush(session)
    words = [word for word, _ in itertools.groupby(told)]
    assert [word for word in words if word] == ["AWS refuses access", "AWS is busy"]
    assert words[-1] == ""
    assert words.index("", words.index("AWS refuses access")) < words.index("AWS is busy")
    assert core(session).tasks.outstanding == 2
    session.cleanup()

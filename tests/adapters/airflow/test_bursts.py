"""A burst in steps of different processes: sent once a try, found again, taken, ended."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import factorial
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session, list_sessions
from starburst._client.opening import SessionTaken, open_core
from starburst._client.options import SessionOptions
from starburst.airflow import bursts
from starburst.airflow.bursts import Burst
from starburst.airflow.naming import Try
from starburst.contract import SessionKeys
from starburst.errors import SessionEnded, SessionNotFound, UnpicklableInput
from tests.runtime.fleet import BUCKET, Fleet
from tests.session_internals import flush
from tests.statuses import a_status

pytestmark = pytest.mark.usefixtures("forked")

ONE = SessionOptions(workers=1, idle_timeout=20)
ONCE = Try(dag="nightly", run="manual__1", task="burst")


def ids() -> Iterator[str]:
    return ONCE.ids("test")


@pytest.fixture
def quiet(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A fleet whose controller says what it has started, and starts nothing anew that ended."""
    start, stop, ended = fleet.start, fleet.stop, set[str]()

    def started(keys: SessionKeys) -> dict[str, Any]:
        if keys.session in ended:
            return {"ok": False, "error": {"type": "SessionEnded", "message": "it has ended"}}
        answer = start(keys)
        status = a_status(session=keys.session, state="running")
        fleet.s3.put_object(Bucket=BUCKET, Key=keys.status, Body=status.to_json())
        return answer

    def stopped(keys: SessionKeys) -> dict[str, Any]:
        if keys.session in ended:
            return {}
        try:
            stop(keys)
        except fleet.sqs.exceptions.QueueDoesNotExist:
            return {"ok": False, "error": {"type": "SessionNotFound", "message": "there is none"}}
        ended.add(keys.session)
        return {}

    monkeypatch.setattr(fleet, "start", started)
    monkeypatch.setattr(fleet, "stop", stopped)
    return fleet


def sent(connection: Connection, inputs: Any = range(5), function: Any = factorial) -> Burst:
    return bursts.send(connection, function, inputs, options=ONE, ids=ids())


def starts(fleet: Fleet) -> int:
    return sum(request["action"] == "start" for request in fleet.requests)


@pytest.mark.usefixtures("quiet")
def test_what_one_process_sends_another_takes(connection: Connection) -> None:
    burst = sent(connection)
    there = Burst.of({**burst.to_dict(), "trouble": ""})
    assert bursts.take(connection, there) == [1, 1, 2, 6, 24]
    bursts.end(connection, there, erase=True)
    assert list_sessions(connection) == []


def test_a_try_that_begins_anew_finds_what_it_sent(connection: Connection, quiet: Fleet) -> None:
    assert sent(connection) == sent(connection) == sent(connection)
    assert starts(quiet) == 1
    assert len(list_sessions(connection)) == 1


def test_a_try_that_begins_anew_after_its_results_were_there_finds_them(
    connection: Connection, quiet: Fleet
) -> None:
    burst = sent(connection)
    assert bursts.take(connection, burst) == bursts.take(connection, sent(connection))
    assert starts(quiet) == 1


@pytest.mark.usefixtures("quiet")
def test_what_was_half_sent_is_ended_and_sent_anew(connection: Connection) -> None:
    first, second = islice(ids(), 2)
    core = open_core(connection, ONE, progress=False, session=first)
    core.detach(SessionEnded("its process was killed"))
    burst = sent(connection)
    assert burst.session == second
    assert [each.id for each in list_sessions(connection)] == [second]
    assert bursts.take(connection, burst) == [1, 1, 2, 6, 24]


def test_what_was_written_and_never_started_is_sent_anew(
    connection: Connection, quiet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("starburst._client.opening.Control.start", killed)
        patch.setattr("starburst._client.opening._undo", lambda *_, **__: "not even this")
        with pytest.raises(KeyboardInterrupt):
            sent(connection)
    assert bursts.take(connection, sent(connection)) == [1, 1, 2, 6, 24]
    assert [each.id for each in list_sessions(connection)] == [next(ids())]
    assert starts(quiet) == 1


def test_a_try_whose_session_was_erased_goes_on_with_another(
    connection: Connection, quiet: Fleet
) -> None:
    bursts.end(connection, sent(connection), erase=True)
    burst = sent(connection)
    assert burst.session == [*islice(ids(), 2)][1]
    assert [each.id for each in list_sessions(connection)] == [burst.session]
    assert bursts.take(connection, burst) == [1, 1, 2, 6, 24]
    assert sent(connection) == burst
    assert starts(quiet) == 4  # two of which the controller refused


def test_of_two_that_begin_at_once_one_is_refused(connection: Connection, quiet: Fleet) -> None:
    first = next(ids())
    open_core(connection, ONE, progress=False, session=first).detach(SessionEnded("goes on"))
    with pytest.raises(SessionTaken, match=f"there is a session {first} already"):
        open_core(connection, ONE, progress=False, session=first)
    assert starts(quiet) == 1
    assert len(list_sessions(connection)) == 1


@pytest.mark.usefixtures("quiet")
def test_a_failure_says_how_many_failed_and_which_was_first(connection: Connection) -> None:
    burst = sent(connection, [1, -1, 2, -3], factorial)
    with pytest.raises(ValueError, match=r"negative|math domain") as caught:
        bursts.take(connection, burst)
    assert "raised for input 1, counted from 0; 2 of 4 calls failed" in caught.value.__notes__
    assert len(list_sessions(connection)) == 1


def test_what_cannot_travel_leaves_no_worker(connection: Connection, quiet: Fleet) -> None:
    with pytest.raises(UnpicklableInput):
        sent(connection, [1, (x for x in "ab")])
    assert [request["action"] for request in quiet.requests][-1] == "stop"


def test_bursts_share_a_session_one_after_the_other(connection: Connection, quiet: Fleet) -> None:
    session = bursts.begin(connection, ONE, ids())
    session.detach()
    assert bursts.begin(connection, ONE, ids()).id == session.id
    one = bursts.send_to(connection, session.id, factorial, [2, 3])
    assert bursts.take(connection, one) == [2, 6]
    two = bursts.send_to(connection, session.id, abs, [-7])
    assert (two.first, two.own) == (2, False)
    assert bursts.take(connection, two) == [7]
    bursts.end(connection, two, erase=True)
    assert attach_session(connection, session.id, progress=False).tally.total == 3
    assert starts(quiet) == 1


@pytest.mark.usefixtures("quiet")
def test_ending_a_burst_of_a_shared_session_leaves_the_others(
    connection: Connection, fleet: Fleet
) -> None:
    fleet.launch = False
    session = bursts.begin(connection, ONE, ids())
    session.map(factorial, range(3))
    flush(session)
    burst = bursts.send_to(connection, session.id, factorial, range(4))
    bursts.end(connection, burst, erase=True)
    tally = attach_session(connection, session.id, progress=False).tally
    assert (tally.total, tally.cancelled) == (7, 4)


@pytest.mark.usefixtures("quiet")
def test_ending_what_is_erased_is_nothing(connection: Connection) -> None:
    burst = sent(connection)
    bursts.take(connection, burst)
    bursts.end(connection, burst, erase=True)
    bursts.end(connection, burst, erase=True)
    with pytest.raises(SessionNotFound):
        bursts.take(connection, burst)

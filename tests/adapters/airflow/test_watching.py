"""Waiting in the triggerer: it ends when the calls have, starts nothing, and can begin anew."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.attaching import list_sessions
from starburst._client.options import SessionOptions
from starburst.airflow import bursts
from starburst.airflow.bursts import Burst
from starburst.airflow.naming import Try
from starburst.airflow.place import Place
from starburst.airflow.watching import stop, watch
from starburst.errors import ConfigurationError, SessionError
from tests.runtime.fleet import Fleet

pytestmark = pytest.mark.usefixtures("forked")

ONE = SessionOptions(workers=1, idle_timeout=20)
MOMENT = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class There(Place):
    """A place whose connection is there already."""

    there: Connection

    def connect(self) -> Connection:
        return self.there


def ids() -> Iterator[str]:
    return Try(dag="nightly", run="manual__1", task="square").ids("test")


def sent(connection: Connection, function: Any = abs) -> Burst:
    return bursts.send(connection, function, [0, 1, -2, 3], options=ONE, ids=ids())


def watched(connection: Connection, burst: Burst) -> str:
    return asyncio.run(watch(There(there=connection), burst, seconds=MOMENT))


def test_a_watch_ends_when_the_calls_have(connection: Connection) -> None:
    burst = sent(connection)
    assert watched(connection, burst) == ""
    assert bursts.take(connection, burst) == [0, 1, 2, 3]


def test_calls_that_fail_have_ended_too(connection: Connection) -> None:
    assert watched(connection, sent(connection, factorial)) == ""


def test_a_triggerer_that_begins_anew_starts_no_second_session(
    connection: Connection, fleet: Fleet
) -> None:
    fleet.launch = False
    burst = sent(connection)

    async def triggerers() -> str:
        place = There(there=connection)
        for _ in range(3):  # each is ended in the midst of it, as a triggerer is that restarts
            watching = asyncio.create_task(watch(place, burst, seconds=MOMENT))
            for _ in range(3):
                await asyncio.sleep(MOMENT)
            watching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await watching
        fleet.add_worker(
            connection.keys(burst.session), fleet.queue(connection.keys(burst.session))
        )
        return await watch(place, burst, seconds=MOMENT)

    assert asyncio.run(triggerers()) == ""
    assert [each.id for each in list_sessions(connection)] == [burst.session]
    assert sum(request["action"] == "start" for request in fleet.requests) == 1
    assert bursts.take(connection, burst) == [0, 1, 2, 3]


def test_a_session_that_is_gone_is_told_and_not_waited_for(connection: Connection) -> None:
    burst = sent(connection)
    bursts.end(connection, burst, erase=True)
    assert "has no session" in watched(connection, burst)


def test_a_place_that_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STARBURST_LOCAL_STATE", raising=False)
    place = Place(environment="local")
    with pytest.raises(ConfigurationError, match="starburst local -- airflow standalone"):
        place.connect()
    burst = Burst(session="a" * 20, first=0, count=1, own=True)
    assert "starburst local" in asyncio.run(watch(place, burst, seconds=MOMENT))


def test_what_passes_is_waited_for(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    burst, troubles = sent(connection), [SessionError("AWS is busy")] * 3
    attach = bursts.attach_session

    def attached(*args: Any, **terms: Any) -> Any:
        if troubles:
            raise troubles.pop()
        return attach(*args, **terms)

    monkeypatch.setattr("starburst.airflow.watching.attach_session", attached)
    monkeypatch.setattr("starburst.airflow.watching.is_passing", lambda *_: True)
    assert watched(connection, burst) == ""
    assert not troubles


def test_a_burst_that_is_stopped_has_no_workers_and_keeps_its_results(
    connection: Connection, fleet: Fleet
) -> None:
    burst = sent(connection)
    watched(connection, burst)
    asyncio.run(stop(There(there=connection), burst))
    assert fleet.requests[-1]["action"] == "stop"
    assert bursts.take(connection, burst) == [0, 1, 2, 3]

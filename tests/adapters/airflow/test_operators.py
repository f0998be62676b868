"""The operators as Airflow calls them: deferred, taken up again, ended, and what they leave."""

from __future__ import annotations

import asyncio
import importlib
import json
import math
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session, list_sessions
from starburst.errors import ConfigurationError
from tests.adapters.airflow.small_airflow import CONNECTIONS, Conf, Deferred, NotFound, TaskInstance
from tests.runtime.fleet import BUCKET, Fleet
from tests.statuses import a_status

pytestmark = pytest.mark.usefixtures("forked", "there")

ONE = {"workers": 1, "idle_timeout": 20}


@pytest.fixture
def there(
    airflow: ModuleType,
    connection: Connection,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every place is the fleet's, whose controller says that what was started is there."""
    start = fleet.start

    def started(keys: Any) -> dict[str, str]:
        answer = start(keys)
        status = a_status(session=keys.session, state="running")
        fleet.s3.put_object(Bucket=BUCKET, Key=keys.status, Body=status.to_json())
        return answer

    monkeypatch.setattr(fleet, "start", started)
    place = importlib.import_module("starburst.airflow.place")  # made anew
    monkeypatch.setattr(place.Place, "connect", lambda self: connection)


@pytest.fixture
def burst() -> Callable[..., Any]:
    from starburst.airflow import BurstOperator  # noqa: PLC0415 - made of the small Airflow

    def make(**terms: Any) -> Any:
        given = {"function": abs, "inputs": [-1, 4, -9], "options": ONE, "poll_seconds": 0.02}
        return BurstOperator(task_id="burst", **{**given, **terms})

    return make


def deferred(operator: Any, instance: TaskInstance) -> Deferred:
    with pytest.raises(Deferred) as caught:
        operator.execute({"ti": instance})
    return caught.value


def fired(trigger: Any) -> dict[str, Any]:
    """Have another triggerer take it up, from what Airflow stores of it."""
    path, terms = trigger.serialize()
    assert path == f"{type(trigger).__module__}.{type(trigger).__name__}"
    again = type(trigger)(**json.loads(json.dumps(terms)))

    async def first() -> Any:
        async for event in again.run():
            return event.payload
        return None

    return asyncio.run(first())


def starts(fleet: Fleet) -> int:
    return sum(request["action"] == "start" for request in fleet.requests)


def test_it_leaves_and_another_process_takes_its_results(
    burst: Callable[..., Any], connection: Connection
) -> None:
    instance = TaskInstance()
    left = deferred(burst(deferrable=True), instance)
    event = fired(left.trigger)
    assert event["trouble"] == ""
    assert getattr(burst(deferrable=True), left.method)({"ti": instance}, event) == [1, 4, 9]
    assert instance.left["return_value"] == [1, 4, 9]
    assert list_sessions(connection) == []


def test_each_process_of_a_try_finds_the_one_session(
    burst: Callable[..., Any], connection: Connection, fleet: Fleet
) -> None:
    triggers = [deferred(burst(deferrable=True), TaskInstance()).trigger for _ in range(3)]
    events = [fired(each) for each in (*triggers, *triggers)]
    assert starts(fleet) == 1
    assert [each.id for each in list_sessions(connection)] == [events[0]["session"]]
    assert all(event == events[0] for event in events)


def test_another_try_has_another_session(
    burst: Callable[..., Any], connection: Connection, fleet: Fleet
) -> None:
    deferred(burst(deferrable=True), TaskInstance(1))
    deferred(burst(deferrable=True), TaskInstance(2))
    assert len(list_sessions(connection)) == starts(fleet) == 2


SALT = "hush" * 2


def test_a_trigger_holds_names_alone(burst: Callable[..., Any]) -> None:
    CONNECTIONS["starburst_default"] = SimpleNamespace(
        **{"conn_id": "x", "host": "test", "schema": None, "login": None, "extra_dejson": {}},
        password=SALT,
    )
    _, terms = deferred(burst(deferrable=True), TaskInstance()).trigger.serialize()
    assert set(terms) == {"burst", "starburst_conn_id", "poll_seconds"}
    assert "hush" not in json.dumps(terms)


def test_what_airflow_cannot_keep_is_not_erased(
    burst: Callable[..., Any], connection: Connection
) -> None:
    instance = TaskInstance()
    instance.refuses = True
    with pytest.raises(TypeError, match="an XCom cannot hold this") as caught:
        burst().execute({"ti": instance})
    (kept,) = list_sessions(connection)
    assert any(f"starburst.attach('{kept.id}')" in note for note in caught.value.__notes__)
    assert attach_session(connection, kept.id, progress=False).collect() == [1, 4, 9]


def test_a_failure_ends_the_session_and_keeps_its_results(
    burst: Callable[..., Any], connection: Connection, fleet: Fleet
) -> None:
    with pytest.raises(ValueError, match=r"negative|math domain"):
        burst(function=math.sqrt).execute({"ti": TaskInstance()})
    assert fleet.requests[-1]["action"] == "stop"
    assert len(list_sessions(connection)) == 1


def test_inputs_may_be_made_as_the_task_begins(burst: Callable[..., Any]) -> None:
    operator = burst(inputs=lambda: range(4), then=sum)
    assert not callable(operator.inputs)  # Airflow would call it, with terms of its own
    assert operator.execute({"ti": TaskInstance()}) == 6


@pytest.mark.parametrize("where", ["triggerer", "worker"])
def test_a_task_that_is_killed_ends_its_burst(
    burst: Callable[..., Any], fleet: Fleet, connection: Connection, where: str
) -> None:
    operator = burst(deferrable=True)
    trigger = deferred(operator, TaskInstance()).trigger
    if where == "triggerer":
        asyncio.run(trigger.on_kill())
    else:
        operator.on_kill()
    assert fleet.requests[-1]["action"] == "stop"
    assert len(list_sessions(connection)) == 1


def test_its_time_is_its_sessions_too(burst: Callable[..., Any], connection: Connection) -> None:
    left = deferred(burst(deferrable=True, execution_timeout=timedelta(minutes=7)), TaskInstance())
    assert left.timeout == timedelta(minutes=7)
    (found,) = list_sessions(connection)
    assert found.manifest.timeout_seconds == 420


def test_airflows_own_setting_says_whether_it_defers(
    burst: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not burst().deferrable
    monkeypatch.setattr(Conf, "deferrable", True)
    assert burst().deferrable
    assert not burst(deferrable=False).deferrable


def test_a_wrong_option_is_refused_as_the_dag_is_read(burst: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="there is no option 'worker'"):
        burst(options={"worker": 3})
    with pytest.raises(ConfigurationError, match="options= beside session="):
        burst(session="a" * 20)


def test_setup_and_teardown_own_a_session(
    burst: Callable[..., Any], connection: Connection, fleet: Fleet
) -> None:
    from starburst.airflow import (  # noqa: PLC0415 - made of the small Airflow
        EndSessionOperator,
        StartSessionOperator,
    )

    start, instance = StartSessionOperator(task_id="start", options=ONE), TaskInstance()
    session = start.execute({"ti": instance})
    assert start.execute({"ti": instance}) == session
    for _ in range(2):
        operator = burst(session=session, options=None)
        assert operator.execute({"ti": TaskInstance()}) == [1, 4, 9]
    with pytest.raises(ValueError, match=r"negative|math domain") as caught:
        burst(session=session, options=None, function=math.sqrt).execute({"ti": instance})
    assert any("goes on until its teardown" in note for note in caught.value.__notes__)
    assert [each.id for each in list_sessions(connection)] == [session]
    EndSessionOperator(task_id="end", session=session).execute({"ti": instance})
    assert list_sessions(connection) == []
    assert starts(fleet) == 1


def test_a_connection_that_is_named_must_be_there() -> None:
    from starburst.airflow import StarburstHook  # noqa: PLC0415 - made of the small Airflow

    assert StarburstHook().place() == asyncio.run(StarburstHook().aplace())
    assert StarburstHook().place().environment is None
    with pytest.raises(NotFound):
        StarburstHook("mine").place()
    with pytest.raises(NotFound):
        asyncio.run(StarburstHook("mine").aplace())


def test_a_link_leads_to_the_report_that_was_written(
    burst: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from starburst.airflow import SessionLink  # noqa: PLC0415 - made of the small Airflow

    module = importlib.import_module("starburst.airflow.operator")
    written: list[str] = []
    monkeypatch.setattr(module, "write_report", lambda *words: written.append(words[-1]))
    instance, operator = TaskInstance(), burst(report="s3://reports/1.html")
    assert SessionLink().get_link(operator, ti_key=instance) is None
    operator.execute({"ti": instance})
    assert written == ["s3://reports/1.html"]
    wanted = "https://console.aws.amazon.com/s3/object/reports?prefix=1.html"
    assert SessionLink().get_link(operator, ti_key=instance) == wanted
    # Airflow 2's web server has no such operator, but the task's XCom.
    assert SessionLink().get_link(object(), ti_key=instance) == wanted

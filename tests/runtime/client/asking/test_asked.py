"""What is asked for arrives: each option in the manifest, each argument where it is meant."""

from __future__ import annotations

import inspect
import threading
from dataclasses import asdict, fields, replace
from typing import Any
from unittest import mock

import pytest

import starburst
from starburst._client import api, mapping
from starburst._client.access.connection import Connection
from starburst._client.access.controller import Control
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._protocol.manifest import Manifest
from starburst.contract import Limits
from starburst.errors import ConfigurationError, UnpicklableInput
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import opened
from tests.session_internals import core

OPTIONS: dict[str, Any] = {
    "workers": 3,
    "cpu": 2,
    "memory": "8GB",
    "timeout": 7.5,
    "retries": 2,
    "retry_on": (ValueError,),
    "results": "pickle",
    "capacity": "spot",
    "architecture": "arm64",
    "scratch_gb": 30,
    "session_timeout": 600,
    "max_usd": 1.5,
    "wait": 60,
    "idle_timeout": 33,
    "attempts": 5,
    "labels": {"study": "seven"},
    "seed": 7,
}


def test_each_option_stands_in_the_manifest(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = asdict(SessionOptions())
    for name in ("include", "packages", "env", "initializer", "initargs"):  # stand in none
        del usual[name]
    assert OPTIONS.keys() == usual.keys()
    assert not [name for name, value in OPTIONS.items() if usual[name] == value]
    document = replace(connection.document, other_architectures=("ARM64",))
    monkeypatch.setattr(Control, "start", lambda _: "https://queue")
    offered = replace(connection, document=document)
    session = open_session(offered, SessionOptions(**OPTIONS), progress=False)
    stored = connection.read(session.manifest.keys.manifest, purpose="look")
    assert stored is not None
    manifest = Manifest.from_json(stored)
    told = {each.name: getattr(manifest, each.name) for each in fields(manifest)}
    asked = {
        "workers": 3,
        "cpu": 2,
        "memory_gb": 8,
        "task_timeout_seconds": 7.5,
        "retries": 2,
        "retry_on": ["ValueError"],
        "results": "pickle",
        "capacity": "spot",
        "architecture": "ARM64",
        "scratch_gb": 30,
        "timeout_seconds": 600,
        "max_usd": 1.5,
        "wait_seconds": 60,
        "idle_seconds": 33,
        "attempts": 5,
        "labels": {"study": "seven"},
        "seed": 7,
    }
    assert len(asked) == len(OPTIONS)
    assert {name: told[name] for name in asked} == asked
    session.detach()


def test_a_map_asks_for_what_it_was_given(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []

    def open_core(
        where: object, options: object, *, tasks: int, progress: bool, work: object
    ) -> None:
        asked.append((where, options, tasks, progress))
        raise ConfigurationError("that is all")

    monkeypatch.setattr(mapping, "open_core", open_core)
    taken = inspect.signature(starburst.map).parameters
    given = {name: value for name, value in OPTIONS.items() if name in taken}
    with pytest.raises(ConfigurationError, match="that is all"):
        starburst.map(abs, [1, 2], environment=connection, progress=True, **given)
    assert asked == [(connection, SessionOptions(**given), 2, True)]


@pytest.mark.parametrize("progress", [True, False, None])
def test_who_attaches_or_opens_says_whether_a_bar_is_drawn(
    progress: bool | None, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []

    def record(*_: object, progress: bool | None) -> mock.Mock:
        told.append(progress)
        return mock.Mock(id="s")

    monkeypatch.setattr(api, "attach_core", record)
    monkeypatch.setattr(api, "open_core", record)
    monkeypatch.setattr(api, "say_that_it_is_left", lambda *_: None)
    starburst.attach("a" * 20, connection, progress=progress)
    starburst.session(connection, progress=progress)
    assert told == [progress, progress]


def test_the_bar_rests_after_a_collection_and_ends_with_the_session(
    connection: Connection, fleet: Fleet
) -> None:
    done: list[str] = []

    class Bar:
        def update(self, *_: object, **__: object) -> None:
            """Draw nothing."""

        def rest(self, *_: object, **__: object) -> None:
            done.append("rest")

        def finish(self) -> None:
            done.append("finish")

    for end, said in (("detach", ["rest", "finish"]), ("cleanup", ["rest", "finish"])):
        session = opened(connection, fleet)
        bar: Any = Bar()
        core(session).display._bar = bar
        assert session.collect(wait=False) == []
        getattr(session, end)()
        assert done == said
        done.clear()


def test_an_executor_whose_first_function_cannot_travel_creates_nothing(
    connection: Connection, fleet: Fleet
) -> None:
    with starburst.Executor(connection) as pool:
        with pytest.raises(UnpicklableInput):
            pool.submit(threading.Lock().acquire)
        assert pool.session is None
        assert not fleet.s3.list_object_versions(Bucket=BUCKET).get("Versions")


def test_an_executor_that_is_shut_down_takes_no_more(connection: Connection) -> None:
    pool = starburst.Executor(connection)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(abs, -1)
    assert pool.session is None


@pytest.mark.parametrize(
    ("limits", "size", "workers"),
    [
        ({}, {}, 10),
        ({"workers": 4}, {}, 4),
        ({"vcpu": 7}, {"cpu": 2}, 3),
        ({"memory_gb": 30}, {"memory": 6}, 5),
        ({"memory_gb": 30, "vcpu": 2}, {"memory": 6}, 2),
        ({"memory_gb": 3}, {}, 1),
    ],
)
def test_as_many_workers_are_asked_for_as_the_limits_have_room_for(
    limits: dict[str, Any], size: dict[str, Any], workers: int
) -> None:
    options, most = SessionOptions(**size), Limits(**limits)
    assert options.worker_count(most, tasks=None, local=False) == workers
    assert options.worker_count(most, tasks=1, local=False) == 1

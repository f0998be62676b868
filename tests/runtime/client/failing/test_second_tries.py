"""Pages, functions, and the own code of analysts that fail: a second try finds nothing spoilt."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst.errors import (
    SessionError,
)
from tests.runtime.client.failing.alone import ALONE, TROUBLE
from tests.runtime.client.failing.recording import Recorder
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import ONE, square
from tests.runtime.wire import Scripted
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

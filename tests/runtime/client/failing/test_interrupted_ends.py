"""Ctrl-C while a burst ends: no result is lost, nothing waited for in vain, the rest is named."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session
from starburst._client.executor import StarburstExecutor
from starburst._client.tasks.dispatch import Dispatcher
from tests.runtime.client.failing.alone import ALONE, left_beside_records
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import opened, square

pytestmark = pytest.mark.usefixtures("forked", "repeatable")


def fails(_: int) -> int:
    raise ValueError("of its own")


def test_results_in_hand_outlive_an_interrupt_of_the_clean_up(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("starburst._client.ending.erase.erase", interrupted)
    said = r"interrupted.*`starburst stop \w+ --erase`"
    with pytest.warns(RuntimeWarning, match=said) as warned:
        found = starburst.map(square, range(3), environment=connection, workers=1, progress=False)
    assert warned[0].filename == __file__
    assert found == [0, 1, 4]
    assert not fleet.sqs.list_queues().get("QueueUrls")


@pytest.mark.parametrize("door", ["map", "block", "block that fails"])
def test_a_second_interrupt_says_which_session_goes_on(
    connection: Connection, fleet: Fleet, door: str
) -> None:
    """The first one ends the wait, and the second one the clean-up."""

    def interrupted(keys: Any) -> Any:
        raise KeyboardInterrupt

    def enter() -> None:
        if door == "map":
            starburst.map(fails, [2], environment=connection, workers=1, progress=False)
        with starburst.session(connection, workers=1, progress=False):
            if door == "block that fails":
                raise KeyError("mine")

    fleet.stop, stop = interrupted, fleet.stop  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt) as caught:
        enter()
    fleet.stop = stop  # type: ignore[method-assign]
    (summary,) = starburst.sessions(connection)
    assert f"`starburst stop {summary.id}` ends it" in caught.value.__notes__[0]
    starburst.attach(summary.id, connection).cleanup(force=True)


def test_a_map_that_is_interrupted_ends_its_session_and_does_not_say_that_it_goes_on(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(Dispatcher, "flush", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        starburst.map(square, range(3), environment=connection, workers=1, progress=False)
    assert len(caught.value.__notes__) == 1
    assert "goes on" not in caught.value.__notes__[0]
    assert not fleet.sqs.list_queues().get("QueueUrls")


def test_a_block_that_is_interrupted_waits_for_no_call_whose_result_nobody_reads(
    connection: Connection, fleet: Fleet
) -> None:
    fleet.launch = False
    pool = StarburstExecutor(connection, workers=1, progress=False)
    futures = [pool.submit(square, x) for x in range(3)]
    with pytest.raises(KeyboardInterrupt), pool:
        raise KeyboardInterrupt
    assert all(future.cancelled() for future in futures)
    assert left_beside_records(fleet) == []
    assert not fleet.sqs.list_queues().get("QueueUrls")


def test_an_interrupt_of_a_blocks_end_cancels_what_it_waited_for(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.launch = False
    pool = StarburstExecutor(connection, workers=1, progress=False)
    future = pool.submit(square, 3)
    shutdown, asked = pool.shutdown, list[dict[str, Any]]()

    def interrupted(**words: Any) -> None:
        asked.append(words)
        if len(asked) == 1:
            raise KeyboardInterrupt
        shutdown(**words)

    monkeypatch.setattr(pool, "shutdown", interrupted)
    with pytest.raises(KeyboardInterrupt), pool:
        pass
    assert [words["cancel_futures"] for words in asked] == [False, True]
    assert future.cancelled()
    assert left_beside_records(fleet) == []


@pytest.mark.parametrize("end", ["cleanup", "detach"])
def test_what_was_cancelled_a_moment_before_the_end_is_recorded(
    connection: Connection, fleet: Fleet, end: str
) -> None:
    session = opened(dataclasses.replace(connection, timings=ALONE), fleet, tasks=3)
    assert session.futures[1].cancel()
    getattr(session, end)()
    again = attach_session(connection, session.id, progress=False)
    assert [future.cancelled() for future in again.futures] == [False, True, False]
    with contextlib.suppress(fleet.sqs.exceptions.QueueDoesNotExist):
        again.cleanup(force=True)

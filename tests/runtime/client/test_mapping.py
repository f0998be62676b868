"""What map takes, and what becomes of failures: raised, returned, counted, or the end of all."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.attaching import list_sessions
from starburst._client.mapping import map_over, starmap_over
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst.errors import ConfigurationError, WrongArguments
from tests.runtime.client.failing.alone import left, left_beside_records
from tests.runtime.fleet import Fleet

pytestmark = pytest.mark.usefixtures("forked")

ONE = SessionOptions(workers=1, idle_timeout=20)


def added(x: int, y: int, *, times: int = 1) -> int:
    return (x + y) * times


def needs_a_name(x: int, *, y: int) -> int:
    return x - y


added_anyhow: Any = added
"""As a checker does not see it: it would refuse what is refused here."""


def picky(x: int) -> int:
    if x % 3 == 0:
        raise ValueError(f"{x} is bad")
    if x == 7:
        raise LookupError("seven")
    return x


def test_map_takes_one_of_each_iterable_for_each_call(connection: Connection) -> None:
    found = map_over(
        added, [1, 2, 3], itertools.repeat(10), kwargs={"times": 2}, environment=connection
    )
    assert found == [22, 24, 26]


def test_starmap_takes_a_tuple_of_arguments_for_each_call(connection: Connection) -> None:
    pairs = iter([(1, 2), [3, 4]])
    assert starmap_over(added, pairs, environment=connection, workers=1) == [3, 7]


def test_a_session_maps_as_map_does(connection: Connection) -> None:
    with open_session(connection, ONE, progress=False) as session:
        session.map(added, range(3), [10, 20, 30])
        session.map(needs_a_name, [1, 2], kwargs={"y": 1})
        session.starmap(added, [(5, 6)], kwargs={"times": 3})
        session.map(added, iter([1]), itertools.count())
        assert session.collect(timeout=60) == [10, 21, 32, 0, 1, 33, 1]


def short() -> Iterator[int]:
    yield from range(2)


wrong: Any = 5
none: Any = ()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda where: map_over(added_anyhow, [1, 2], [3], environment=where),
            "have 2, 1 elements",
        ),
        (
            lambda where: map_over(added_anyhow, [1, 2], itertools.repeat(0, 3), environment=where),
            "have 2, 3 elements",
        ),
        (
            lambda where: map_over(added_anyhow, [1, 2, 3], short(), environment=where),
            "ended after 2 elements, and another has 3",
        ),
        (lambda where: map_over(added_anyhow, *none, environment=where), "nothing to map over"),
        (
            lambda where: map_over(added_anyhow, [1], environment=where),
            "missing a required argument",
        ),
        (
            lambda where: map_over(added_anyhow, [1], wrong, environment=where),
            "type int, which has no elem",
        ),
        (
            lambda where: map_over(added_anyhow, [1], [2], kwargs={"z": 3}, environment=where),
            "does not take kwargs=: got an unexpected keyword argument 'z'",
        ),
        (
            lambda where: map_over(added_anyhow, [1], kwargs=wrong, environment=where),
            "is no dictionary",
        ),
        (
            lambda where: starmap_over(added_anyhow, [(1, 2, 3)], environment=where),
            "too many positional",
        ),
        (
            lambda where: starmap_over(added_anyhow, [(1, 2), wrong], environment=where),
            "input 1 of starmap is of type int",
        ),
        (lambda where: starmap_over(wrong, [(1, 2)], environment=where), "cannot be called"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_created(
    connection: Connection, fleet: Fleet, call: Callable[[Connection], object], said: str
) -> None:
    with pytest.raises(WrongArguments, match=said):
        call(connection)
    assert not left(fleet)


def test_a_session_refuses_unequal_lengths_and_goes_on(connection: Connection) -> None:
    with open_session(connection, ONE, progress=False) as session:
        with pytest.raises(WrongArguments, match="equally many"):
            session.map(added, [1, 2], [1])
        session.map(abs, [-3])
        assert session.collect(timeout=60) == [3]


def test_who_asks_one_argument_too_few_is_told_of_both_ways(connection: Connection) -> None:
    with pytest.raises(WrongArguments, match=r"an iterable for each argument, or use starmap"):
        map_over(added_anyhow, [(1, 2)], environment=connection)


def test_exceptions_are_returned_in_their_places_and_nothing_is_left(
    connection: Connection, fleet: Fleet
) -> None:
    found = map_over(picky, range(9), return_exceptions=True, environment=connection)
    kinds = [each if isinstance(each, int) else type(each).__name__ for each in found]
    bad = "ValueError"
    assert kinds == [bad, 1, 2, bad, 4, 5, bad, "LookupError", 8]
    assert str(found[3]) == "3 is bad"
    assert left_beside_records(fleet) == []


def test_the_first_failure_is_raised_and_counts_the_others_by_kind(
    connection: Connection,
) -> None:
    with pytest.raises(ValueError, match="0 is bad") as caught:
        map_over(picky, range(9), environment=connection)
    notes = "\n".join(caught.value.__notes__)
    assert "4 of 9 tasks failed: 3 ValueError, 1 LookupError; the first of each:\n" in notes
    assert "  task 0: ValueError: 0 is bad\n  task 7: LookupError: " in notes


def test_who_collects_again_is_told_of_the_kinds_once(connection: Connection) -> None:
    with open_session(connection, ONE, progress=False) as session:
        session.map(picky, range(9))
        with pytest.raises(ValueError, match="0 is bad"):
            session.collect(timeout=60)
        with pytest.raises(ValueError, match="0 is bad") as caught:
            session.collect(timeout=60)
    assert sum("tasks failed" in note for note in caught.value.__notes__) == 1


def test_one_failure_alone_is_not_counted(connection: Connection) -> None:
    with pytest.raises(ValueError, match="3 is bad") as caught:
        map_over(picky, [1, 3], environment=connection)
    assert not any("tasks failed" in note for note in caught.value.__notes__)


def fails_then_waits(task: tuple[int, str]) -> int:
    """The first fails; the others note that they ran, and take a while."""
    number, folder = task
    if number == 0:
        raise ValueError("the first")
    Path(folder, str(number)).touch()
    time.sleep(0.05)
    return number


TASKS = 400


@pytest.mark.parametrize("returned", [False, True])
def test_an_error_stops_what_is_left(
    connection: Connection, tmp_path: Path, returned: bool
) -> None:
    """The others would take twenty seconds of one worker."""

    def burst() -> list[Any]:
        return map_over(
            fails_then_waits,
            [(number, str(tmp_path)) for number in range(TASKS)],
            stop_on_error=True,
            return_exceptions=returned,
            environment=connection,
            workers=1,
        )

    if returned:
        found = burst()
        assert len(found) == TASKS
        assert isinstance(found[0], ValueError)
        assert isinstance(found[-1], CancelledError)
    else:
        with pytest.raises(ValueError, match="the first"):
            burst()
    assert len(os.listdir(tmp_path)) < TASKS - 1


def test_a_failure_that_was_collected_stops_nothing(connection: Connection) -> None:
    with open_session(connection, ONE, progress=False) as session:
        session.map(picky, [3])
        (failed,) = session.collect(timeout=60, return_exceptions=True)
        session.map(picky, [4, 5])
        assert isinstance(failed, ValueError)
        with pytest.raises(ConfigurationError, match="wait=60 must be True or False"):
            session.collect(60)  # pyright: ignore[reportArgumentType]
        assert session.collect(timeout=60, stop_on_error=True) == [4, 5]


def test_all_calls_run_where_one_fails_and_the_results_stay(connection: Connection) -> None:
    with pytest.raises(ValueError, match="0 is bad"):
        map_over(picky, range(9), environment=connection)
    (summary,) = list_sessions(connection)
    again = starburst.attach(summary.id, connection, progress=False)
    found = again.collect(wait=False, return_exceptions=True)
    assert [each for each in found if isinstance(each, int)] == [1, 2, 4, 5, 8]
    again.detach()

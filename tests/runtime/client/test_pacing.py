"""Looks for results: rare in a long wait, close where its end is due, and never many."""

from __future__ import annotations

import pytest

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.tasks.pacing import Pace
from starburst.errors import UnpicklableInput
from tests.runtime.fleet import Fleet


def looks(ends: list[float], *, longest: float = 1e6) -> list[float]:
    """When a client looks that waits for results which come at these times."""
    pace, now, seen, times = Pace(0.0), 0.0, 0, []
    while seen < len(ends) and now < longest:
        times.append(now)
        done = sum(end <= now for end in ends)
        now += pace.next(now, found=done > seen, done=done, left=len(ends) - done)
        seen = done
    return times


def test_the_last_of_even_results_is_found_at_once() -> None:
    ends = [20.0 + 0.125 * i for i in range(1, 201)]  # after a start that says nothing of them
    times = looks(ends)
    assert times[-1] - ends[-1] < 0.1
    assert len(times) < 120


def test_an_end_that_seems_due_again_and_again_costs_few_looks_more() -> None:
    even = looks([600.0], longest=601)
    ends = [5.0 + i for i in range(595)]
    pace, now, seen, count = Pace(0.0), 0.0, 0, 0
    while now < 600:  # each result is followed by one more task: always one is left
        count += 1
        done = sum(end <= now for end in ends)
        now += pace.next(now, found=done > seen, done=done, left=1)
        seen = done
    assert count < len(even) + 100


def test_inputs_before_one_that_cannot_travel_are_sent(
    connection: Connection, fleet: Fleet
) -> None:
    with open_session(connection, SessionOptions(workers=1), progress=False) as session:
        with pytest.raises(UnpicklableInput):
            session.map(abs, [-1, -2, (x for x in ())])
        assert [future.result(timeout=60) for future in session.futures] == [1, 2]
        assert session.map(abs, []) == []

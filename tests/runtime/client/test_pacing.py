"""Looks for results: rare in a long wait, close where its end is due, and never many."""

from __future__ import annotations

import math

import pytest

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.tasks.pacing import Pace, pause_after
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


@pytest.mark.parametrize(
    ("pause", "found", "waited", "due", "next_pause"),
    [
        (0.03, True, 0.0, math.inf, 0.03),
        (0.2, True, 10.0, math.inf, 0.2),  # a fiftieth
        (0.5, True, 600.0, math.inf, 1.0),
        (0.03, False, 1.0, math.inf, 0.042),  # ever longer, where nothing comes
        (0.5, False, 45.0, math.inf, 0.9),
        (0.9, False, 5.0, math.inf, 1.0),
        (0.5, True, 25.0, 0.3, 0.15),  # half of the way to an end that is due
        (0.5, False, 25.0, 0.3, 0.15),
        (0.5, True, 25.0, 0.02, 0.03),
        (0.5, True, 25.0, 3.0, 0.5),
        (0.5, False, 25.0, 0.5, 0.25),
        (0.5, True, 25.0, 0.0, 0.03),
        (0.5, False, 25.0, 0.0, 0.7),  # overdue
        (0.9, False, 25.0, -9.0, 1.0),
    ],
)
def test_a_pause_is_a_share_of_the_wait_or_half_of_what_is_left(
    pause: float, found: bool, waited: float, due: float, next_pause: float
) -> None:
    given = pause_after(pause, found=found, waited=waited, due=due)
    assert given == pytest.approx(next_pause)


def close_looks(pace: Pace, now: float, *, done: int, left: int, pause: float) -> int:
    """How many looks in a row pause so briefly, because the end is due."""
    count = 0
    while pace.next(now, found=False, done=done, left=left) == pytest.approx(pause):
        count += 1
        assert count < 1000
    return count


def test_what_the_first_results_tell_is_when_the_last_is_due() -> None:
    """One a second: from the second that was found on, six are due in six seconds."""
    pace = Pace(100.0)
    seen = [
        (101.0, False, 0, 10, 0.042),
        (102.0, True, 2, 8, 0.04),
        (102.5, True, 2, 8, 0.05),  # an object that ended no task
        (104.0, True, 4, 6, 0.08),
        (105.0, False, 5, 6, 0.112),  # one was cancelled, which tells nothing of the others
        (109.0, False, 5, 6, 0.18),
    ]
    for now, found, done, left, pause in seen:
        given = pace.next(now, found=found, done=done, left=left)
        assert given == pytest.approx(pause), now
    assert close_looks(pace, 109.8, done=5, left=6, pause=0.1) == 24
    pace.begin(200.0)
    pauses = [
        pace.next(now, found=True, done=done, left=2) for now, done in ((201.0, 12), (203.0, 14))
    ]
    assert pauses == pytest.approx([0.03, 0.06])
    assert close_looks(pace, 204.9, done=14, left=2, pause=0.05) == 24
    pace.begin(300.0)
    pauses = [pace.next(300.0 + n, found=True, done=15 + n, left=n % 25) for n in (1, 3, 25)]
    assert pauses == pytest.approx([0.03, 0.06, 0.5])


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

"""What is remembered of how a session went: bounded, and what cannot be is left out."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from starburst._client.history import course as course_module
from starburst._client.history.course import Course
from starburst._client.reporting.facts import quantile
from starburst._protocol.sealed.result_nodes import open_node
from starburst._protocol.sealed.spans import Span, read_spans
from starburst.errors import IntegrityError
from tests.runtime.client.reporting.invented import BEGAN, facts, failure, node

KEY = bytes(32)


def span(first: int = 0, count: int = 1, *, began: float = BEGAN, seconds: float = 1.0) -> Span:
    return Span(first=first, count=count, began=began, seconds=seconds, peak=80)


def test_a_million_short_tasks_take_no_more_room_than_a_bounded_number_of_bars() -> None:
    course, clock = Course(), BEGAN
    for first in range(0, 1_000_000, 10):
        spans = [span(0, 10, began=clock, seconds=0.05)]
        failures = {3: failure()} if first % 1000 == 0 else {}
        course.take(first, node(spans, worker=f"w{first % 7}", failures=failures))
        clock += 0.05
    story = course.story()
    assert len(story.bars) <= course_module._MOST_BARS
    assert sum(bar.count for bar in story.bars) == story.tasks == story.timed == 1_000_000
    assert sum(bar.failed for bar in story.bars) == story.kinds["ValueError"].count == 1_000
    assert {bar.count for bar in story.bars if bar.failed} == {10}  # no other is drawn as failed
    assert story.durations.total() == 1_000_000
    assert quantile(story.durations, 0.5) == pytest.approx(0.005, rel=0.1)


def test_workers_and_kinds_beyond_the_most_are_told_together() -> None:
    course = Course()
    for number in range(1_200):
        kind = failure(f"Kind{number}", "x" * 100)
        course.take(number, node([span()], worker=f"w{number}", failures={0: kind}))
    story = course.story()
    assert len(story.workers) == 1_001
    assert story.workers[-1].tasks == 200
    assert len(story.kinds) == 21
    assert sum(kind.count for kind in story.kinds.values()) == 1_200


def test_the_first_of_a_kind_is_told_whichever_came_first() -> None:
    course = Course()
    for first in (40, 10, 30):
        said = failure(text=f"of {first}")
        course.take(first, node([span()], failures={0: said}))
    kind = course.story().kinds["ValueError"]
    assert (kind.count, kind.number, kind.text) == (3, 10, "of 10")


def test_it_is_told_the_same_in_whichever_order_it_came() -> None:
    nodes = [
        (first, node([span(began=BEGAN + first, seconds=1 + first)], worker=f"w{first % 3}"))
        for first in (4, 3, 7, 9, 5)
    ]
    told = []
    for order in (nodes, nodes[::-1]):
        course = Course()
        for first, each in order:
            course.take(first, each)
        told.append(course.story())
    assert told[0] == told[1]
    assert [worker.name for worker in told[0].workers] == ["w0", "w1", "w2"]
    assert {told[0].workers[bar.worker].name for bar in told[0].bars if bar.first == 5} == {"w2"}
    assert [(slow.number, slow.worker) for slow in told[0].slowest[:2]] == [(9, 0), (7, 1)]


def test_the_slowest_are_found_among_all() -> None:
    found = facts(tasks=400, late={377: 90.0, 5: 60.0}, mean=1.0).slowest
    assert [(slow.number, slow.seconds) for slow in found[:2]] == [(377, 90.0), (5, 60.0)]
    assert len(found) == 25
    assert found == sorted(found, reverse=True)


def test_what_is_told_of_other_tasks_than_the_nodes_own_is_left_out() -> None:
    course = Course()
    course.take(100, node([span(0, 1), span(1, 50), span(7, 1)], tasks=2))
    assert [(bar.first, bar.count) for bar in course.story().bars] == [(100, 1)]


def test_times_that_cannot_be_are_not_drawn() -> None:
    """A worker's clock, or who forged one, must not stretch the page over fifty years."""
    good = facts(tasks=20)
    for began in (0.0, BEGAN - 1_000, BEGAN + 9e9):
        course = Course()
        course.take(0, node([span(began=BEGAN + 5), span(1, began=began)], worker="w"))
        wrong = replace(good, story=course.story())
        assert wrong.elapsed == pytest.approx(6.0)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {},
        [1],
        [[0, 1, 1.0, 1.0, 1, 0]],
        [[0, 0, 1.0, 1.0, 1, 0, ""]],
        [[-1, 1, 1.0, 1.0, 1, 0, ""]],
        [[0, 1, math.nan, 1.0, 1, 0, ""]],
        [[0, 1, math.inf, 1.0, 1, 0, ""]],
        [[0, 1, 1.0, -1.0, 1, 0, ""]],
        [[0, 1, 1.0, 1.0, 1.5, 0, ""]],
        [[0, 1, 1.0, 1.0, True, 0, ""]],
        [[0, 1, 1.0, 1.0, 1, 0, b""]],
    ],
    ids=str,
)
def test_malformed_spans_are_refused(wrong: object) -> None:
    with pytest.raises(IntegrityError, match="malformed"):
        read_spans(wrong)


def test_spans_travel_in_their_node_and_a_node_without_any_is_as_before() -> None:
    for spans in ([span(0, 3), span(3, 1)], []):
        made = node(spans, tasks=0)
        sealed = made.seal(session="s", chunk="p000001-00000", key=KEY, attempt=1)
        found = open_node(sealed, session="s", chunk="p000001-00000", lo=0, hi=0, key=KEY)
        assert list(found.spans) == spans

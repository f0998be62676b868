"""Each sweep says once that it was, and whether it got to everything: alarms count on it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from starburst.contract.sweep_line import (
    FINISHED,
    FIRST_DAY_PATTERN,
    SWEEP,
    SWEEP_PATTERN,
    UNFINISHED,
    sweep_line,
)
from starburst.controller.sweep import SweepFailed
from starburst_assurance.alarms.filter_patterns import matches_line
from tests.controller.world import World, refused
from tests.manifests import a_manifest


@pytest.fixture
def told(world: World) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    world.environment.tell = lambda line: lines.append(json.loads(line))
    return lines


def results(told: list[dict[str, Any]]) -> list[str]:
    assert all(each["event"] == SWEEP for each in told)
    return [each["result"] for each in told]


def test_a_sweep_says_so_once_whatever_it_found(world: World, told: list[dict[str, Any]]) -> None:
    world.sweep()
    world.start()
    world.ecs.add("c" * 20)
    world.sweep()
    assert results(told) == [FINISHED, FINISHED]
    assert [each["tended"] for each in told] == [0, 1]
    assert all(each["at"] == world.environment.clock() for each in told)


def test_requests_events_and_sweeps_that_are_skipped_say_nothing(
    world: World, told: list[dict[str, Any]]
) -> None:
    world.start()
    world.tell({"starburst": "sweep"})
    assert "skipped" in world.tell({"starburst": "sweep"})
    assert results(told) == [FINISHED]


def test_a_sweep_whose_time_is_up_says_so_once(world: World, told: list[dict[str, Any]]) -> None:
    world.start()
    world.start(a_manifest(session="b" * 20, user="bobby"))
    world.sweep(seconds=5)
    assert results(told) == [UNFINISHED]
    assert (told[0]["sessions"], told[0]["tended"]) == (2, 0)


def test_orphans_for_whom_there_is_no_time_are_unfinished_work(
    world: World, told: list[dict[str, Any]]
) -> None:
    world.ecs.add("c" * 20)
    world.sweep(seconds=5)
    assert results(told) == [UNFINISHED]
    world.sweep()
    assert results(told) == [UNFINISHED, FINISHED]


def test_one_that_fails_in_the_end_was_a_sweep_all_the_same(
    world: World, told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(**_: object) -> None:
        raise refused("AccessDenied")

    monkeypatch.setattr(world.environment.clients.ecs, "list_tasks", deny)
    with pytest.raises(SweepFailed):
        world.sweep()
    assert results(told) == [FINISHED]


@pytest.mark.parametrize(
    ("moment", "first"),
    [
        ("2026-11-30T23:59:59Z", False),
        ("2026-12-01T00:00:00Z", True),
        ("2026-12-01T23:59:59Z", True),
        ("2026-12-02T00:00:00Z", False),
        ("2026-12-11T12:00:00Z", False),
        ("2026-12-31T12:00:00Z", False),
    ],
)
def test_sweeps_of_a_months_first_day_are_counted_apart(moment: str, first: bool) -> None:
    at = datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
    line = sweep_line(at=at, sessions=0, tended=0, finished=True)
    assert matches_line(FIRST_DAY_PATTERN, line) is first
    assert matches_line(SWEEP_PATTERN, line)

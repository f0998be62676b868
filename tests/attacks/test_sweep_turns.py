"""Whose turn it is to sweep, under callers that ask all at once or lie about the time."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from starburst.controller.state.sweep_turns import Turns
from starburst.controller.totals.book import BOOK
from tests.controller.conftest import sdk, world
from tests.controller.world import TURN, World
from tests.manifests import a_manifest

__all__ = ["sdk", "world"]

MINE = a_manifest()


OTHER = a_manifest(session="b" * 20, user="bobby")


KEYS = MINE.keys


def test_of_ten_sweeps_at_one_instant_one_begins(world: World) -> None:
    world.start(MINE)
    answers = [world.tell({"starburst": "sweep"}) for _ in range(10)]
    assert [answer.get("sessions") for answer in answers] == [1, *[None] * 9]
    assert all(answer["ok"] and answer["skipped"] for answer in answers[1:])
    world.later(29)
    assert "skipped" in world.tell({"starburst": "sweep"})
    world.later(2)
    assert world.tell({"starburst": "sweep"})["sessions"] == 1


def test_of_ten_containers_one_gets_the_turn(world: World) -> None:
    """Each has read the last turn before any of them writes its own."""
    s3: Any = world.environment.clients.s3
    put, one_at_a_time = s3.put_object, threading.Lock()

    def put_as_s3_does(**words: Any) -> Any:
        with one_at_a_time:  # moto looks and then writes; in S3 that is one step
            return put(**words)

    s3.put_object = put_as_s3_does
    containers = [Turns(world.environment) for _ in range(10)]
    ready = threading.Barrier(len(containers))
    won: list[float | None] = []

    def take(turns: Turns) -> None:
        reading = turns._read

        def read(kind: str) -> Any:
            found = reading(kind)
            if turns not in met:
                met.add(turns)
                ready.wait(30)
            return found

        turns._read = read  # type: ignore[method-assign]
        won.append(turns.take("sweep", fresh=30))

    for _ in range(3):
        met: set[Turns] = set()
        threads = [threading.Thread(target=take, args=(turns,)) for turns in containers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won.count(None) == 1
        world.later(60)
        won.clear()
        containers = [Turns(world.environment) for _ in range(10)]


def test_a_sweep_that_dies_keeps_the_next_from_nothing(world: World) -> None:
    world.start(MINE)
    listing = world.ecs.list_tasks

    def die(**_: object) -> dict[str, object]:
        raise KeyboardInterrupt

    world.ecs.list_tasks = die  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        world.tell({"starburst": "sweep"})
    world.ecs.list_tasks = listing  # type: ignore[method-assign]
    assert "skipped" in world.tell({"starburst": "sweep"})
    world.later(60)
    assert world.tell({"starburst": "sweep"})["sessions"] == 1


def test_a_turn_whose_answer_was_lost_is_taken_all_the_same(world: World) -> None:
    """The SDK writes again, and is refused because of its own first write."""
    s3 = world.environment.clients.s3
    put = s3.put_object

    def twice(**arguments: Any) -> Any:
        if arguments["Key"] == TURN:
            put(**arguments)
        return put(**arguments)

    s3.put_object = twice  # type: ignore[method-assign]
    world.start(MINE)
    assert world.tell({"starburst": "sweep"})["sessions"] == 1


def test_a_clock_that_was_ahead_blocks_no_sweep(world: World) -> None:
    world.later(86_400)
    world.tell({"starburst": "sweep"})
    world.later(-86_400)
    assert "sessions" in world.tell({"starburst": "sweep"})


def test_endpoints_that_moved_are_no_fresh_sweeps_business(world: World) -> None:
    """A session that waits for them is swept at once; of ten events at one instant one is told."""
    world.start(MINE)
    assert "sessions" in world.tell({"starburst": "sweep"})
    moved = {"source": "aws.cloudformation", "detail": {"stack-id": "x"}}
    answers = [world.tell(moved) for _ in range(10)]
    assert ["sessions" in answer for answer in answers] == [True, *[False] * 9]
    world.later(6)
    assert "sessions" in world.tell(moved)


def test_a_sweep_in_a_warm_container_costs_one_request_more(world: World) -> None:
    world.tell({"starburst": "sweep"})
    calls: list[str] = []
    s3 = world.environment.clients.s3
    for name in ("get_object", "put_object"):
        real = getattr(s3, name)

        def count(_real: Any = real, _name: str = name, **arguments: Any) -> Any:
            calls.append(f"{_name} {arguments['Key']}")
            return _real(**arguments)

        setattr(s3, name, count)
    world.later(60)
    world.tell({"starburst": "sweep"})
    world.later(1)
    world.tell({"starburst": "sweep"})
    assert calls == [f"put_object {TURN}", f"get_object {BOOK}"]  # of which the book is no turn's

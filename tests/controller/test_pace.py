"""Launches keep their distance, measured in the controller's own clock, however often it looks."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.controller.world import World, refused
from tests.manifests import a_manifest

KEYS = a_manifest().keys


def asked_at(world: World) -> list[float]:
    """The moments at which ECS was asked for workers, from the first one on."""
    moments = [effect.at for effect in world.history.effects if effect.call == "ecs.run_task"]
    return sorted({round(moment - moments[0]) for moment in moments})


def gaps(world: World) -> list[float]:
    return [later - earlier for earlier, later in pairwise(asked_at(world))]


def pauses(world: World, *, since: int) -> list[int]:
    """The pauses between what was asked after so many askings: each is doubled, none is shorter.

    Within one invocation ECS is asked again after 2, 4 and 8 s, where capacity lacks.
    """
    long = [later - earlier for earlier, later in pairwise(asked_at(world)[since:])]
    return [int(gap // 30 * 30) for gap in long if gap > 8]


def interrupt(world: World) -> None:
    """Spot takes every worker away, which no budget bounds."""
    for task in world.ecs.live():
        world.ecs.end(task, exit_code=None, stop_code="SpotInterruption")


def play(world: World, *, every: float, seconds: float, meanwhile: Callable[[World], None]) -> None:
    for _ in range(int(seconds / every)):
        world.later(every)
        meanwhile(world)
        world.sweep()


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        # The first loss is replaced at once, the second too; what follows waits twice as long.
        (5, [5, 5, 30, 60, 120, 240, 480, 600, 600]),
        # However little the looks agree with the pauses.
        (7, [7, 7, 35, 63, 126, 245, 483, 602, 602]),
        (61, [61, 61, 61, 61, 122, 244, 488, 610, 610]),
    ],
)
def test_replacements_of_workers_that_are_lost_at_once_wait_ever_longer(
    world: World, every: float, expected: list[float]
) -> None:
    url = world.start(a_manifest(capacity="spot", timeout_seconds=86_400))["queue_url"]
    world.send(url, 50)
    play(world, every=every, seconds=sum(expected) + every, meanwhile=interrupt)
    assert gaps(world) == expected


def test_workers_that_outlast_the_pause_are_replaced_at_once_again(world: World) -> None:
    url = world.start(a_manifest(capacity="spot", timeout_seconds=86_400))["queue_url"]
    world.send(url, 50)
    play(world, every=5, seconds=105, meanwhile=interrupt)
    play(world, every=5, seconds=600, meanwhile=lambda _: None)
    assert world.record(KEYS).setbacks == 0
    before = len(asked_at(world))
    world.later(5)
    interrupt(world)
    world.sweep()
    assert len(asked_at(world)) == before + 1


def test_events_of_losses_launch_no_sooner_than_sweeps(world: World) -> None:
    url = world.start(a_manifest(capacity="spot", timeout_seconds=86_400))["queue_url"]
    world.send(url, 50)

    def tell(world: World) -> None:
        for task in world.ecs.live():
            detail = world.ecs.end(task, exit_code=None, stop_code="SpotInterruption")
            body = json.dumps(detail)
            world.tell({"Records": [{"messageId": "m", "body": body}]})

    play(world, every=10, seconds=480, meanwhile=tell)
    assert all(later >= earlier for earlier, later in pairwise(gaps(world)))
    assert gaps(world)[-1] >= 120


WORDS = {
    "capacity": "Capacity is unavailable at this time. Please try again later",
    "quota": "You've reached the limit on the number of vCPUs you can run concurrently",
}


@pytest.mark.parametrize("lack", WORDS)
def test_what_lacks_is_asked_for_ever_later(world: World, lack: str) -> None:
    world.ecs.excuse, world.ecs.room = WORDS[lack], {"FARGATE": 1}
    url = world.start(a_manifest(timeout_seconds=86_400))["queue_url"]
    world.send(url, 50)
    play(world, every=10, seconds=1300, meanwhile=lambda _: None)
    # Within one invocation ECS is asked again after 2, 4 and 8 s, where capacity lacks.
    long = [gap for gap in gaps(world) if gap > 8]
    expected = [30, 60, 120, 240, 300, 300]
    assert [min(expected, key=lambda one: abs(one - gap)) for gap in long] == expected
    assert all(0 <= gap - one <= 24 for gap, one in zip(long, expected, strict=True))


@pytest.mark.parametrize("lack", WORDS)
def test_a_wait_after_one_that_ended_begins_with_the_shortest_pause(
    world: World, lack: str
) -> None:
    world.ecs.excuse, world.ecs.room = WORDS[lack], {"FARGATE": 1}
    url = world.start(a_manifest(timeout_seconds=86_400))["queue_url"]
    world.send(url, 50)
    play(world, every=10, seconds=700, meanwhile=lambda _: None)
    world.ecs.room = {}
    play(world, every=10, seconds=400, meanwhile=lambda _: None)
    assert world.record(KEYS).waiting_since is None, "all run"
    world.ecs.room = {"FARGATE": 0}
    before = len(asked_at(world))
    for task in world.ecs.live():
        world.ecs.end(task)
    play(world, every=10, seconds=200, meanwhile=lambda _: None)
    assert pauses(world, since=before)[:2] == [30, 60]


def test_what_a_worker_leaves_of_a_quota_is_asked_for_at_once_and_soon_again(world: World) -> None:
    world.ecs.excuse, world.ecs.room = WORDS["quota"], {"FARGATE": 1}
    url = world.start(a_manifest(timeout_seconds=86_400))["queue_url"]
    world.send(url, 50)
    play(world, every=10, seconds=700, meanwhile=lambda _: None)
    before = len(asked_at(world))
    world.ecs.end(world.ecs.live()[0])
    play(world, every=10, seconds=200, meanwhile=lambda _: None)
    assert pauses(world, since=before)[:2] == [30, 60]


def test_accepted_workers_that_find_no_room_wait_alike(world: World) -> None:
    world.ecs.first_status = "PROVISIONING"
    url = world.start(a_manifest(capacity="spot", timeout_seconds=86_400))["queue_url"]
    world.send(url, 50)

    def lack(world: World) -> None:
        for task in world.ecs.live():
            words: dict[str, Any] = {"exit_code": None, "stop_code": "TaskFailedToStart"}
            world.ecs.end(task, reason=WORDS["capacity"], **words)

    play(world, every=10, seconds=1300, meanwhile=lack)
    assert gaps(world) == [40, 70, 130, 250, 310, 310]


def test_a_permission_that_lacks_beside_workers_is_asked_for_after_ten_minutes(
    world: World,
) -> None:
    url = world.start(a_manifest(timeout_seconds=86_400))["queue_url"]
    world.send(url, 50)
    world.later(60)
    world.sweep()
    world.ecs.end(world.ecs.live()[0], exit_code=1)
    world.ecs.answers = [refused("InvalidParameterException", "No Fargate configuration")] * 9
    play(world, every=10, seconds=1300, meanwhile=lambda _: None)
    assert gaps(world)[1:] == [600, 600]


def test_subnets_without_room_keep_a_mixed_session_from_asking_and_not_from_spot(
    world: World,
) -> None:
    world.ecs.first_status = "PROVISIONING"
    url = world.start(a_manifest(capacity="mixed", timeout_seconds=86_400))["queue_url"]
    world.send(url, 50)
    for task in world.ecs.live():
        world.ecs.end(
            task,
            exit_code=None,
            stop_code="TaskFailedToStart",
            reason="Unexpected EC2 error: InsufficientFreeAddressesInSubnet",
        )
    world.sweep()
    record = world.record(KEYS)
    assert (record.shortages, record.spot_lacked_at) == (1, None)
    assert not world.ecs.live()

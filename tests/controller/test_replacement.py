"""Workers that are lost are replaced, at a pace and within a budget; some fleets cannot start."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from starburst.contract import Limits
from starburst.controller.state.sessions import Records
from starburst.pricing.prices import fleet_usd, load
from tests.controller.world import World, refused
from tests.manifests import a_manifest

KEYS = a_manifest().keys


CANNOT_PULL = "CannotPullContainerError: image not found"


def fail_to_start(world: World, reason: str = CANNOT_PULL) -> None:
    for task in world.ecs.live(KEYS.session):
        world.ecs.end(task, exit_code=None, stop_code="TaskFailedToStart", reason=reason)


def test_a_lost_worker_is_replaced_at_once_by_its_event(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 10)
    world.later(60)
    event = world.ecs.end(world.ecs.live()[0], exit_code=137, reason="OutOfMemoryError")

    assert world.tell(event) == {"ok": True}

    assert len(world.ecs.live()) == 3
    status = world.status(KEYS)
    assert status.workers_lost == 1
    assert "OutOfMemoryError" in status.reason
    assert "exit code 137" in status.reason


def test_an_event_that_arrives_twice_replaces_once(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 10)
    world.later(60)
    event = world.ecs.end(world.ecs.live()[0], exit_code=1)
    for _ in range(3):
        world.tell(event)
        world.later(30)

    assert len(world.ecs.live()) == 3
    assert world.status(KEYS).workers_lost == 1


def test_no_worker_is_replaced_without_backlog(world: World) -> None:
    world.start()
    world.later(60)
    world.ecs.end(world.ecs.live()[0], exit_code=1)
    world.sweep()

    assert len(world.ecs.live()) == 2


def test_replacements_end_with_the_budget(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 50)
    for _ in range(60):
        world.later(60)
        for task in world.ecs.live():
            world.ecs.end(task, exit_code=1, reason="crashed at once")
        world.sweep()
        if not world.keys_under("_control/active/"):
            break

    status = world.status(KEYS)
    assert status.state == "failed"
    assert "crashed at once" in status.reason
    assert len(world.ecs.tasks) <= 12, "three, and at most nine replacements"
    assert not world.queues()


def lose(world: World, *, exit_code: int, reason: str) -> None:
    """Let one worker end with an error, and the sweep find out."""
    world.later(700)
    world.request(KEYS, "extend", deadline=world.now + 3000)
    world.ecs.end(world.ecs.live()[0], exit_code=exit_code, reason=reason)
    world.sweep()


def have_lost(world: World, **counts: int) -> None:
    """Let the session's record say how many workers were lost before."""
    Records(world.environment).update(KEYS.session, lambda record: replace(record, **counts))


def test_tasks_that_kill_their_workers_end_a_small_session_only_after_twenty(world: World) -> None:
    url = world.start(a_manifest(workers=1))["queue_url"]
    world.send(url, 50)
    have_lost(world, killed=19)

    lose(world, exit_code=137, reason="OutOfMemoryError")
    assert len(world.ecs.live()) == 1
    lose(world, exit_code=139, reason="Essential container in task exited")

    status = world.status(KEYS)
    assert status.state == "failed"
    assert status.reason.startswith("21 workers were killed at their work (is memory= too small?)")
    assert "exit code 139" in status.reason


def test_killed_workers_leave_those_that_fail_by_themselves_their_own_budget(world: World) -> None:
    url = world.start(a_manifest(workers=1))["queue_url"]
    world.send(url, 50)
    have_lost(world, killed=10, faults=4)

    lose(world, exit_code=1, reason="cannot go on")
    assert len(world.ecs.live()) == 1
    lose(world, exit_code=1, reason="cannot go on")

    status = world.status(KEYS)
    assert status.state == "failed"
    assert status.reason.startswith("6 workers failed, more than are replaced; cannot go on")


def test_a_status_says_why_killed_workers_are_not_replaced(world: World) -> None:
    url = world.start(a_manifest(workers=2))["queue_url"]
    world.send(url, 50)
    have_lost(world, killed=20)

    lose(world, exit_code=137, reason="OutOfMemoryError")

    status = world.status(KEYS)
    assert status.state == "running"
    assert "1 of 2 workers running" in status.reason
    assert "1 not replaced, because 21 workers were killed at their work" in status.reason


def test_spot_interruptions_are_replaced_and_are_no_fault(world: World) -> None:
    url = world.start(a_manifest(capacity="spot"))["queue_url"]
    world.send(url, 50)
    for _ in range(20):
        world.later(700)
        world.request(KEYS, "extend", deadline=world.now + 3000)
        world.ecs.end(world.ecs.live()[0], exit_code=0, stop_code="SpotInterruption")
        world.sweep()

    assert len(world.ecs.live()) == 3
    assert world.status(KEYS).workers_lost == 20


def test_a_fleet_that_cannot_start_fails_with_ecs_reason(world: World) -> None:
    world.ecs.first_status = "PENDING"
    world.start()
    assert "3 starting since" in world.status(KEYS).reason
    world.later(60)
    fail_to_start(world)
    world.sweep()

    status = world.status(KEYS)
    assert status.state == "failed"
    assert CANNOT_PULL in status.reason
    assert status.usd == 0
    assert world.request(KEYS, "start")["error"]["type"] == "SessionEnded"
    assert not world.queues()


def test_one_worker_that_cannot_start_is_tried_three_times(world: World) -> None:
    world.ecs.first_status = "PENDING"
    url = world.start(a_manifest(workers=1))["queue_url"]
    world.send(url)
    for attempt in range(1, 4):
        assert len(world.ecs.tasks) == attempt
        world.later(120)
        fail_to_start(world)
        world.sweep()

    assert world.status(KEYS).state == "failed"
    assert len(world.ecs.tasks) == 3


def test_no_capacity_is_no_failure_to_start(world: World) -> None:
    world.ecs.first_status = "PENDING"
    url = world.start()["queue_url"]
    world.send(url, 9)
    for _ in range(5):
        world.later(120)
        fail_to_start(world, "Capacity is unavailable at this time. Please try again later")
        world.sweep()

    assert world.status(KEYS).state == "starting"


def test_a_deleted_queue_fails_the_session_once_two_looks_missed_it(world: World) -> None:
    url = world.start()["queue_url"]
    world.later(600)
    world.all_of_sqs.delete_queue(QueueUrl=url)
    world.sweep()
    world.later(59)
    world.sweep()
    assert world.status(KEYS).state == "running"
    world.later(1)
    world.sweep()

    assert world.status(KEYS).state == "failed"
    assert not world.ecs.live()


def test_a_queue_that_sqs_does_not_show_yet_is_not_deleted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS asks to wait a second after CreateQueue; others have waited for many."""
    sqs, shown = world.all_of_sqs, world.all_of_sqs.get_queue_attributes

    def unshown(**_: object) -> None:
        raise refused("AWS.SimpleQueueService.NonExistentQueue")

    monkeypatch.setattr(sqs, "get_queue_attributes", unshown)
    world.ecs.first_status = "PENDING"
    url = world.start()["queue_url"]
    assert len(world.ecs.live()) == 3, "what is to be launched is, whatever SQS shows"
    for _ in range(11):
        world.later(5)
        world.sweep()
        assert world.status(KEYS).state == "starting"

    monkeypatch.setattr(sqs, "get_queue_attributes", shown)
    world.send(url, 7)
    world.later(5)
    world.sweep()
    assert world.status(KEYS).backlog == 7
    monkeypatch.setattr(sqs, "get_queue_attributes", unshown)
    world.later(50)
    world.sweep()
    world.later(50)
    world.sweep()
    assert world.record(KEYS).state == "starting", "it was seen between the two looks"


@pytest.mark.parametrize(
    "ending",
    [
        {"exit_code": None, "stop_code": "InfrastructureHealth", "reason": "host failed"},
        {"exit_code": 137, "stop_code": "InfrastructureHealth", "reason": "host failed"},
    ],
)
def test_a_machine_that_failed_is_neither_the_workers_fault_nor_its_tasks(
    world: World, ending: dict[str, Any]
) -> None:
    url = world.start()["queue_url"]
    world.send(url, 50)
    for _ in range(25):
        world.later(700)
        world.request(KEYS, "extend", deadline=world.now + 3000)
        world.ecs.end(world.ecs.live()[0], **ending)
        world.sweep()

    record = world.record(KEYS)
    assert len(world.ecs.live()) == 3
    assert (record.lost, record.killed, record.faults) == (25, 0, 0)


def test_lowered_limits_stop_the_youngest_workers(world: World) -> None:
    world.start()
    eldest = world.ecs.live()
    world.later(60)
    world.ecs.add(KEYS.session)
    one_worker = fleet_usd(workers=1, cpu=1, memory_gb=4, hours=1, prices=load("eu-west-1"))
    world.deploy(Limits(usd_per_hour=one_worker * 1.5))
    world.sweep()

    (left,) = world.ecs.live()
    assert left in eldest


def test_more_workers_than_were_asked_for_are_stopped(world: World) -> None:
    world.start()
    world.later(60)
    world.ecs.add(KEYS.session)
    world.ecs.add(KEYS.session)
    world.sweep()

    assert len(world.ecs.live()) == 3


def test_a_session_is_not_idle_by_a_look_that_misses_its_queue(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = world.start(a_manifest(timeout_seconds=86_400))["queue_url"]
    world.later(60)
    world.sweep()
    for task in world.ecs.live():
        world.ecs.end(task)
    world.sweep()
    world.later(3600)
    world.send(url)

    def unseen(**_: Any) -> Any:
        raise refused("AWS.SimpleQueueService.NonExistentQueue")

    with monkeypatch.context() as patched:
        patched.setattr(world.all_of_sqs, "get_queue_attributes", unseen)
        world.sweep()
    assert world.record(KEYS).state == "running"
    world.later(30)
    world.sweep()
    assert len(world.ecs.live()) == 1

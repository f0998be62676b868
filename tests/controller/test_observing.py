"""ECS is asked about workers that a record knows; where it lags or throttles, little is lost."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from starburst.contract import Limits
from starburst.controller.sweep import SweepFailed
from tests.controller.world import World, refused
from tests.manifests import a_manifest

KEYS = a_manifest().keys
OTHER = a_manifest(session="b" * 20, user="bobby")
WIDE = Limits(workers=500, vcpu=1e6, memory_gb=1e6, usd_per_hour=1e6)


def test_a_look_costs_nothing_for_workers_that_stopped(world: World) -> None:
    world.deploy(WIDE)
    world.ecs.page = 100
    url = world.start(a_manifest(workers=150))["queue_url"]
    for _ in range(2000):
        world.ecs.end(world.ecs.add("c" * 20))
    world.send(url, 300)
    world.later(60)
    for task in world.ecs.live()[:50]:
        world.ecs.end(task, exit_code=1)
    world.ecs.reads.clear()
    world.sweep()

    counted = Counter(world.ecs.reads)
    assert len(world.ecs.live()) == 150
    assert counted["ListTasks"] == 1, "the cluster's, a hundred workers a page"
    assert counted["DescribeTasks"] == 4, "two before the replacement, two after it"
    world.ecs.reads.clear()
    world.later(60)
    world.sweep()
    assert Counter(world.ecs.reads) == {"ListTasks": 2, "DescribeTasks": 2}


def test_workers_that_ecs_does_not_show_yet_are_not_launched_again(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 30)
    world.ecs.unshown = set(world.ecs.tasks)
    for _ in range(4):
        world.later(60)
        world.sweep()
    assert len(world.ecs.tasks) == 3
    assert world.status(KEYS).workers_starting == 3

    world.ecs.unshown.clear()
    world.later(30)
    world.sweep()
    assert world.status(KEYS).workers_running == 3


def test_workers_that_ecs_has_forgotten_are_replaced_and_nobodys_fault(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 30)
    world.later(60)
    world.sweep()
    lost = world.ecs.live()[0]
    world.ecs.unshown = {lost["taskArn"]}
    lost["lastStatus"] = lost["desiredStatus"] = "STOPPED"
    world.later(300)
    world.sweep()

    record = world.record(KEYS)
    assert len(world.ecs.live()) == 3
    assert (record.lost, record.faults, record.killed) == (1, 0, 0)
    assert "ECS no longer knows this task" in world.status(KEYS).reason
    assert record.seconds == pytest.approx(60), "until it was seen last"


def test_a_throttled_look_is_tried_again(world: World) -> None:
    world.start()
    world.later(60)
    world.ecs.busy = 3
    assert world.sweep() == {"ok": True, "sessions": 1, "orphan_tasks": 0, "orphan_queues": 0}
    assert world.pauses == [0.5, 1.0, 2.0]


def test_one_throttled_session_is_left_out_and_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start(a_manifest(timeout_seconds=86_400))
    world.start(OTHER)
    world.later(3601)
    world.sweep()
    hers = {task["taskArn"].rpartition("/")[2] for task in world.ecs.live(KEYS.session)}
    describe = world.ecs.describe_tasks

    def describe_tasks(**words: Any) -> Any:
        if hers & set(words["tasks"]):
            raise refused("ThrottlingException", "Rate exceeded")
        return describe(**words)

    monkeypatch.setattr(world.ecs, "describe_tasks", describe_tasks)
    assert world.status(OTHER.keys).state == "ended"
    swept = world.sweep()
    assert (swept["sessions"], swept["unseen"]) == (1, 1)


def test_a_sweep_without_ecs_does_all_the_rest(world: World) -> None:
    world.start()
    url = world.all_of_sqs.create_queue(QueueName=f"starburst-prod-genomics-{'c' * 20}")["QueueUrl"]
    world.ecs.busy = 10_000
    swept = world.sweep()
    counts = {"sessions": 1, "orphan_tasks": 0, "orphan_queues": 1, "unseen": 1, "unlisted": 1}
    assert swept == {"ok": True, **counts}
    assert url not in world.queues()


def test_a_session_that_nobody_sees_for_long_is_an_alarm(world: World) -> None:
    world.start()
    world.ecs.busy = 10_000
    for _ in range(5):
        world.later(60)
        world.sweep()
    world.later(600)
    with pytest.raises(SweepFailed, match=KEYS.session):
        world.sweep()


def test_a_record_of_an_earlier_release_knows_its_workers_after_one_look(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 30)
    world.later(60)
    world.ecs.end(world.ecs.live()[0], exit_code=1)
    world.ecs.end(world.ecs.add("b" * 20), exit_code=1)  # another session's, of the same family
    fields = json.loads(world.read(KEYS.control_record))
    for name in ("known", "listed", "queue_missed", "booting", "denied_since"):
        del fields[name]
    world.put(KEYS.control_record, json.dumps(fields).encode())
    world.sweep()

    record = world.record(KEYS)
    assert len(world.ecs.live()) == 3
    assert (record.lost, len(record.known)) == (1, 3)
    world.ecs.reads.clear()
    world.later(60)
    world.sweep()
    assert Counter(world.ecs.reads) == {"ListTasks": 1, "DescribeTasks": 1}


def test_workers_whose_launch_nobody_wrote_down_are_the_sessions_own(world: World) -> None:
    world.start()
    world.later(60)
    world.ecs.end(world.ecs.live()[0])
    ours = world.ecs.add(KEYS.session)
    assert world.sweep()["orphan_tasks"] == 0

    assert len(world.ecs.live()) == 3
    assert ours["taskArn"].rpartition("/")[2] in world.record(KEYS).known


def test_who_asks_while_ecs_is_busy_is_answered_with_what_was_known(world: World) -> None:
    world.start()
    world.later(60)
    world.ecs.busy = 10_000
    assert world.request(KEYS, "refresh") == {"ok": True}
    assert world.status(KEYS).workers_running == 3

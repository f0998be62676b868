"""A session heals, waits, is stopped, extended, ended or failed; and is accounted for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from starburst._protocol.status import StatusDocument
from starburst.contract import Limits
from starburst.controller.sweep import SweepFailed
from starburst.controller.workers.stalls import EMPTY_LOOKS
from starburst.pricing.prices import fleet_usd, load
from tests.controller.world import World, refused
from tests.manifests import a_manifest
from tests.runtime.wire import s3_error

KEYS = a_manifest().keys
OTHER = a_manifest(session="b" * 20)


def error_of(answer: dict[str, Any]) -> str:
    assert answer["ok"] is False
    return answer["error"]["type"]


def test_stop_removes_everything_and_files_the_session(world: World) -> None:
    world.start()
    world.later(30)

    assert world.request(KEYS, "stop") == {"ok": True}

    assert not world.ecs.live()
    assert not world.queues()
    assert world.keys_under("_control/") == [KEYS.ended_record]
    status = world.status(KEYS)
    assert (status.state, status.reason) == ("ended", "stopped by its user")
    assert (status.workers_wanted, status.workers_running) == (0, 0)
    assert {t["stoppedReason"] for t in world.ecs.tasks.values()} == {
        "starburst: stopped by its user"
    }


def test_the_status_counts_workers_until_they_have_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start()
    world.later(30)
    tasks = world.ecs.live()
    told = {"desiredStatus": "STOPPED", "lastStatus": "DEACTIVATING"}
    monkeypatch.setattr(
        world.ecs, "stop_task", lambda *, task, **_: world.ecs.tasks[task].update(told)
    )
    world.request(KEYS, "stop")
    status = world.status(KEYS)
    assert (status.state, status.workers_wanted, status.workers_running) == ("ended", 0, len(tasks))

    for task in tasks:
        world.ecs.end(task)
    world.request(KEYS, "refresh")
    assert world.status(KEYS).workers_running == 0
    assert world.keys_under("_control/") == [KEYS.ended_record]


def test_stop_again_and_start_after_it(world: World) -> None:
    world.start()
    world.request(KEYS, "stop")

    assert world.request(KEYS, "stop") == {"ok": True}
    assert error_of(world.request(KEYS, "start")) == "SessionEnded"
    assert error_of(world.request(KEYS, "extend", deadline=world.now + 10)) == "SessionEnded"
    assert world.request(KEYS, "refresh") == {"ok": True}
    assert world.keys_under("_control/") == [KEYS.ended_record]
    assert not world.ecs.live()


def test_a_request_is_believed_only_where_the_user_wrote_it(world: World) -> None:
    world.start()
    stop = json.dumps({"protocol": 1, "action": "stop"}).encode()
    for key in (KEYS.results + "0.json", KEYS.prefix + "stop.json", KEYS.request("../x")):
        world.put(key, stop)
        assert error_of(world.ask("stop", key)) == "AccessDenied"
    for body in (b"{}", json.dumps({"protocol": 1, "action": "extend"}).encode()):
        assert error_of(world.ask("stop", world.put(KEYS.request("1f"), body))) == "AccessDenied"
    assert error_of(world.ask("stop", KEYS.manifest)) == "AccessDenied"
    for body in (b"{", b"[]"):
        asked = world.ask("stop", world.put(KEYS.request("2f"), body))
        assert error_of(asked) == "ConfigurationError"
    big = world.put(KEYS.request("3f"), stop + b" " * 5000)
    assert error_of(world.ask("stop", big)) == "LimitExceeded"
    assert error_of(world.ask("stop", KEYS.request("absent"))) == "SessionNotFound"
    assert len(world.ecs.live()) == 3


def test_a_session_over_its_cap_is_ended_within_two_sweeps(world: World) -> None:
    world.start(a_manifest(max_usd=0.05))
    world.send(world.record(KEYS).queue_url, 3)
    world.sweep()
    assert world.record(KEYS).state != "ended"

    while world.status(KEYS).usd < 0.05:
        world.later(60)
        world.sweep()
    world.sweep()

    status = world.status(KEYS)
    assert (status.state, world.ecs.live(), world.queues()) == ("ended", [], [])
    assert status.reason == (
        f"stopped: it has cost ${status.usd:.4f}, and its cap is max_usd=0.05; results so far are "
        "kept"
    )
    a_minute = fleet_usd(workers=3, cpu=1, memory_gb=4, hours=1 / 60, prices=load("eu-west-1"))
    assert status.usd < 0.05 + 2 * a_minute


def test_workers_that_stopped_count_towards_the_cap(world: World) -> None:
    world.start(a_manifest(max_usd=0.05))
    world.later(3000)
    for task in world.ecs.live(KEYS.session):
        world.ecs.end(task, exit_code=0, stop_code="EssentialContainerExited", reason="")
    world.send(world.record(KEYS).queue_url, 3)

    world.sweep()

    assert world.status(KEYS).state == "ended"
    assert not world.ecs.live()


def test_extend_is_bounded_by_the_workspace_measured_from_the_start(world: World) -> None:
    world.deploy(Limits(timeout_seconds=7200))
    deadline = world.start()["deadline"]
    begun = deadline - 3600
    world.later(3000)

    answer = world.request(KEYS, "extend", deadline=begun + 7201)
    assert error_of(answer) == "LimitExceeded"
    assert "7200 s" in answer["error"]["message"]

    assert world.request(KEYS, "extend", deadline=begun + 7200)["deadline"] == begun + 7200
    assert world.status(KEYS).deadline == begun + 7200
    world.later(600)
    world.sweep()
    assert len(world.ecs.live()) == 3
    world.later(3600)
    world.sweep()
    assert not world.ecs.live()


def test_extend_is_bounded_by_the_environments_days_where_its_workspace_allows_more(
    world: World,
) -> None:
    world.deploy(Limits(timeout_seconds=30 * 86_400))
    begun, week = world.start()["deadline"] - 3600, 7 * 86_400
    assert world.environment.settings.session_days == 7
    answer = world.request(KEYS, "extend", deadline=begun + week + 1)
    assert error_of(answer) == "LimitExceeded"
    assert world.request(KEYS, "extend", deadline=begun + week)["deadline"] == begun + week


def test_an_older_extension_that_is_repeated_shortens_nothing(world: World) -> None:
    deadline = world.start()["deadline"]

    assert world.request(KEYS, "extend", deadline=deadline + 100)["deadline"] == deadline + 100
    assert world.request(KEYS, "extend", deadline=deadline - 100)["deadline"] == deadline + 100


@pytest.mark.parametrize("deadline", [None, "soon", True, float("nan"), float("inf")])
def test_extend_takes_a_moment_only(world: World, deadline: object) -> None:
    world.start()
    assert error_of(world.request(KEYS, "extend", deadline=deadline)) == "ConfigurationError"


def test_the_deadline_ends_a_session_that_nobody_watches(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 100)
    world.later(3601)
    world.sweep()

    assert not world.ecs.live()
    assert not world.queues()
    status = world.status(KEYS)
    assert status.state == "ended"
    assert "deadline" in status.reason


def test_no_session_outlives_the_environments_days(world: World) -> None:
    world.deploy(Limits(timeout_seconds=30 * 86_400))
    answer = world.start(a_manifest(timeout_seconds=30 * 86_400))
    assert answer["deadline"] == world.now + 7 * 86_400

    world.later(7 * 86_400)
    world.sweep()
    assert not world.ecs.live()


def test_a_session_without_workers_and_work_ends_after_an_hour(world: World) -> None:
    world.deploy(Limits(timeout_seconds=86_400))
    world.start(a_manifest(timeout_seconds=86_400))
    for task in world.ecs.live():
        world.ecs.end(task)
    world.later(60)
    world.sweep()
    assert world.status(KEYS).reason == "no worker is running, none is needed until there is work"
    before = len(world.ecs.tasks)
    minutes = 0
    while world.queues():
        assert (minutes := minutes + 1) < 120
        world.later(60)
        world.sweep()
        world.answer_requests()

    assert "without work" in world.status(KEYS).reason
    assert minutes >= 60
    assert len(world.ecs.tasks) == before + EMPTY_LOOKS, "each looked whether anything was lost"


def test_work_that_arrives_after_the_workers_left_brings_them_back(world: World) -> None:
    url = world.start()["queue_url"]
    for task in world.ecs.live():
        world.ecs.end(task)
    world.later(120)
    world.send(url, 2)
    world.sweep()

    assert len(world.ecs.live()) == 2, "two chunks need no third worker"


def test_an_idle_hour_is_counted_anew_from_the_end_of_the_work(world: World) -> None:
    """Two idle half hours with work between are no idle hour."""
    world.deploy(Limits(timeout_seconds=86_400))
    url = world.start(a_manifest(timeout_seconds=86_400))["queue_url"]
    for _ in range(2):
        for task in world.ecs.live():
            world.ecs.end(task)
        world.all_of_sqs.purge_queue(QueueUrl=url)
        world.sweep()
        world.later(0.8 * world.environment.timings.idle_seconds)
        world.sweep()
        world.answer_requests()
        world.send(url, 2)
        world.sweep()
        assert len(world.ecs.live()) == 2, "the session takes work still"


def test_seconds_and_usd_are_what_fargate_bills(world: World) -> None:
    world.start()
    first, second, third = world.ecs.live()
    world.later(30)
    world.ecs.end(first)
    world.later(3570)
    world.ecs.end(second)
    world.sweep()
    world.sweep()

    status: StatusDocument = world.status(KEYS)
    assert third["lastStatus"] == "STOPPED"
    assert status.worker_seconds == pytest.approx(60 + 3600 + 3600)
    usd = fleet_usd(workers=1, cpu=1, memory_gb=4, hours=7260 / 3600, prices=load("eu-west-1"))
    assert status.usd == pytest.approx(usd, abs=1e-6)


def test_a_worker_is_billed_from_the_pull_of_its_image_to_its_stop(world: World) -> None:
    world.ecs.first_status = "PENDING"
    world.start(a_manifest(workers=1))
    [task] = world.ecs.live()
    for name in ("pullStartedAt", "startedAt"):
        world.later(100)
        task[name] = datetime.fromtimestamp(world.now, UTC)
    task["lastStatus"] = "RUNNING"
    world.later(400)
    world.request(KEYS, "refresh")
    assert world.status(KEYS).worker_seconds == pytest.approx(500)
    world.ecs.end(task)
    world.later(400)
    world.request(KEYS, "refresh")
    assert world.status(KEYS).worker_seconds == pytest.approx(500)


def test_paid_scratch_is_billed(world: World) -> None:
    world.start(a_manifest(workers=1))
    world.ecs.live()[0]["ephemeralStorage"] = {"sizeInGiB": 120}
    world.later(1800)
    world.sweep()

    usd = fleet_usd(
        workers=1, cpu=1, memory_gb=4, hours=0.5, scratch_gb=120, prices=load("eu-west-1")
    )
    assert world.status(KEYS).usd == pytest.approx(usd, abs=1e-6)


def test_refresh_shows_the_session_as_it_is_now(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 7)
    world.later(10)

    assert world.request(KEYS, "refresh") == {"ok": True}
    status = world.status(KEYS)
    assert (status.backlog, status.workers_running, status.state) == (7, 3, "running")
    assert status.updated == world.now


def test_erased_objects_are_not_written_again(world: World) -> None:
    world.start()
    world.ecs.on_run = None
    stop_task, world.ecs.stop_task = world.ecs.stop_task, lambda **_: {}  # type: ignore[method-assign, assignment]
    world.request(KEYS, "stop")
    for key in world.keys_under(KEYS.prefix):
        world.environment.clients.s3.delete_object(
            Bucket=world.environment.settings.bucket, Key=key
        )
    world.ecs.stop_task = stop_task  # type: ignore[method-assign]
    world.later(60)
    world.sweep()

    assert not world.ecs.live()
    assert world.keys_under("") == [KEYS.ended_record]


def test_a_session_that_is_erased_just_now_gets_no_status_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start()
    s3, bucket = world.environment.clients.s3, world.environment.settings.bucket
    head_object = s3.head_object

    def erased_behind_it(**words: Any) -> Any:
        answer = head_object(**words)
        for key in world.keys_under(KEYS.prefix):
            s3.delete_object(Bucket=bucket, Key=key)
        return answer

    monkeypatch.setattr(s3, "head_object", erased_behind_it)
    world.request(KEYS, "stop")
    world.later(60)
    world.sweep()

    assert world.keys_under("") == [KEYS.ended_record]


def test_a_refused_status_is_told_of_the_end_later_and_an_erased_one_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start()
    s3: Any = world.environment.clients.s3

    def refusing(**_: Any) -> Any:
        raise s3_error(403, "", head=True)

    with monkeypatch.context() as patched:
        patched.setattr(s3, "head_object", refusing)
        world.request(KEYS, "stop")
        world.sweep()
    world.later(30)
    world.sweep()
    assert world.status(KEYS).state == "ended"
    assert world.keys_under("_control/") == [KEYS.ended_record]

    world.start(OTHER)
    monkeypatch.setattr(s3, "head_object", refusing)
    world.request(OTHER.keys, "stop")
    for _ in range(2):
        world.sweep()
        world.later(60)
    world.sweep()
    assert world.keys_under("_control/") == [KEYS.ended_record, OTHER.keys.ended_record]


def test_a_queue_that_cannot_be_deleted_keeps_no_worker_running(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start()
    world.later(8 * 86_400)

    def failing(**_: Any) -> Any:
        raise refused("AccessDenied")

    with monkeypatch.context() as patched:
        patched.setattr(world.all_of_sqs, "delete_queue", failing)
        with pytest.raises(SweepFailed, match=KEYS.session):
            world.sweep()
    assert world.ecs.live() == []
    assert len(world.queues()) == 1
    world.sweep()
    assert world.queues() == []
    assert world.keys_under("_control/") == [KEYS.ended_record]

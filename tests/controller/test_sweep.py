"""Each minute, what belongs to nobody is removed, and one session's trouble is its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from starburst.contract import Limits, queue_name
from starburst.controller.state.sessions import Records
from starburst.controller.sweep import SweepFailed, _rotated
from tests.controller.world import BUCKET, World, refused
from tests.manifests import a_manifest

KEYS = a_manifest().keys
OTHER = a_manifest(session="b" * 20, user="bobby")


def test_tasks_of_unknown_and_ended_sessions_are_stopped(world: World) -> None:
    world.start()
    world.start(OTHER)
    world.request(OTHER.keys, "stop")
    for session in ("c" * 20, OTHER.session, "somebody", "../x", ""):
        world.ecs.add(session)

    assert world.sweep()["orphan_tasks"] == 5
    asked = [effect.key for effect in world.history.effects]
    assert not any("somebody" in key or ".." in key for key in asked), "those name no record"
    assert {task["startedBy"] for task in world.ecs.live()} == {KEYS.session}
    assert world.sweep()["orphan_tasks"] == 0


def test_queues_of_unknown_sessions_are_deleted_and_no_others(world: World) -> None:
    mine = world.start()["queue_url"]
    sqs = world.all_of_sqs
    sqs.create_queue(QueueName=queue_name("prod", "genomics", "c" * 20))
    kept = [
        sqs.create_queue(QueueName=name)["QueueUrl"]
        for name in (
            "starburst-prod-genomics-orders",
            "starburst-prod-genomics-extra-" + "c" * 20,
            "starburst-production-genomics-" + "c" * 20,
            "unrelated",
        )
    ]

    assert world.sweep()["orphan_queues"] == 1
    assert sorted(world.queues()) == sorted([mine, *kept])


def test_orphans_are_found_on_every_page(world: World) -> None:
    sqs = world.all_of_sqs
    for letter in "cdefg":
        sqs.create_queue(QueueName=queue_name("prod", "genomics", letter * 20))
        for _ in range(4):
            world.ecs.add(letter * 20)
    swept = world.sweep()
    assert (swept["orphan_queues"], swept["orphan_tasks"]) == (5, 20)
    assert (world.queues(), world.ecs.live()) == ([], [])


def test_a_role_that_may_not_list_queues_sweeps_all_the_same(world: World) -> None:
    world.start()
    world.later(3601)

    def deny(**_: object) -> None:
        raise refused("AccessDenied")

    world.all_of_sqs.list_queues = deny  # type: ignore[method-assign, assignment]
    assert world.sweep()["orphan_queues"] == 0
    assert not world.ecs.live()


def test_a_session_that_started_during_the_sweep_is_no_orphan(world: World) -> None:
    listing = world.ecs.list_tasks

    def list_tasks(**arguments: object) -> dict[str, object]:
        answer = listing(**arguments)
        if not world.keys_under("_control/active/"):
            world.ecs.list_tasks = listing  # type: ignore[method-assign]
            world.start()
            return listing(**arguments)
        return answer

    world.ecs.list_tasks = list_tasks  # type: ignore[method-assign]
    world.sweep()

    assert len(world.ecs.live()) == 3
    assert len(world.queues()) == 1


def test_workers_of_a_spoilt_record_that_no_listing_shows_are_no_orphans(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start()
    world.put(KEYS.control_record, b"not JSON")
    monkeypatch.setattr(Records, "sessions", lambda _: iter(()))

    with pytest.raises(SweepFailed, match=KEYS.session):
        world.sweep()
    assert len(world.ecs.live()) == 3


def test_one_spoilt_record_keeps_no_other_session_alive(world: World) -> None:
    world.start()
    world.start(OTHER)
    world.put(KEYS.control_record, b"not JSON")
    world.later(3601)

    with pytest.raises(SweepFailed, match=KEYS.session):
        world.sweep()
    assert world.status(OTHER.keys).state == "ended"
    assert not world.ecs.live(OTHER.session)


def test_a_session_that_fails_twice_in_a_sweep_is_named_once(world: World) -> None:
    world.start()
    world.put(KEYS.control_record, b"not JSON")
    with pytest.raises(SweepFailed, match=f"tended: {KEYS.session}$"):
        world.sweep()


def test_a_sweep_without_time_left_begins_nothing(world: World) -> None:
    world.start()
    world.later(3601)

    assert world.sweep(seconds=5)["sessions"] == 0
    assert world.sweep(seconds=60)["sessions"] == 1
    assert not world.ecs.live()


def test_an_ended_session_waits_for_its_last_worker_before_it_is_filed(world: World) -> None:
    world.start()
    tasks = world.ecs.live()

    def leave(**arguments: str) -> dict[str, object]:
        world.ecs.tasks[arguments["task"]].update(
            desiredStatus="STOPPED", lastStatus="DEPROVISIONING"
        )
        return {}

    world.ecs.stop_task = leave  # type: ignore[method-assign, assignment]
    world.later(600)
    world.request(KEYS, "stop")
    assert world.status(KEYS).state == "ended"
    assert world.keys_under("_control/") == [KEYS.control_record]

    for task in tasks:
        world.ecs.end(task, exit_code=137, stop_code="UserInitiated")
    world.sweep()
    assert world.keys_under("_control/") == [KEYS.ended_record]
    assert world.status(KEYS).worker_seconds == pytest.approx(1800)


def test_many_sessions_are_all_tended(world: World) -> None:
    sessions = [a_manifest(session=f"{n:020d}", workers=1) for n in range(5)]
    for manifest in sessions:
        world.start(manifest)
    world.later(3601)

    assert world.sweep()["sessions"] == 5
    assert not world.ecs.live()
    assert not world.queues()


@pytest.mark.parametrize("seconds", [3601, 3661])  # a sweep begins with the one or the other
@pytest.mark.parametrize("throttled", [500, 0])
def test_a_slow_or_throttled_session_does_not_keep_another_from_its_deadline(
    world: World, throttled: int, seconds: float
) -> None:
    world.deploy(Limits(workers=500, vcpu=1e6, memory_gb=1e6, usd_per_hour=1e6))
    world.start(OTHER)
    world.ecs.answers = [refused("ThrottlingException")] * throttled
    world.ecs.on_run = lambda: world.later(2)
    world.start(a_manifest(timeout_seconds=86_400, workers=500))
    world.later(seconds)
    world.sweep()

    assert world.status(OTHER.keys).state == "ended"
    assert not world.ecs.live(OTHER.session)


@pytest.mark.parametrize(
    "event",
    [
        {"source": "aws.ecs"},
        {"source": "aws.ecs", "detail": None},
        {"source": "aws.ecs", "detail": {"taskArn": "x", "startedBy": "a" * 20}},
        {"source": "aws.ecs", "detail": {"taskArn": "x", "startedBy": 7, "tags": 3}},
        {
            "source": "aws.ecs",
            "detail": {"taskArn": "x", "lastStatus": "STOPPED", "stoppedAt": "?"},
        },
    ],
)
def test_an_event_that_somebody_made_up_changes_nothing(
    world: World, event: dict[str, object]
) -> None:
    world.start()
    before = world.record(KEYS)

    assert world.tell(event) == {"ok": True}
    assert world.record(KEYS) == before


def test_a_made_up_loss_replaces_no_worker(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 50)
    world.later(60)
    detail = {"taskArn": "x", "startedBy": KEYS.session, "lastStatus": "STOPPED"}
    for _ in range(3):
        world.tell({"source": "aws.ecs", "detail": detail})
        world.later(30)

    assert len(world.ecs.tasks) == 3
    assert world.status(KEYS).workers_lost == 0


def test_events_of_others_change_nothing(world: World) -> None:
    world.start()
    for session in ("c" * 20, "ecs-svc/123", ""):
        event = world.ecs.end(world.ecs.add(session), exit_code=1)
        assert world.tell(event) == {"ok": True}
    assert len(world.ecs.tasks) == 6
    assert world.environment.settings.bucket == BUCKET


@pytest.mark.parametrize(
    ("sessions", "reached", "most"), [(7, 1, 12), (100, 10, 12), (1000, 100, 12), (100, 5, 33)]
)
def test_no_session_is_left_out_for_long_where_a_sweep_gets_to_a_few_of_them(
    sessions: int, reached: int, most: int
) -> None:
    """No other step leaves gaps as small as these, wherever a sweep begins."""
    names = [str(number) for number in range(sessions)]
    seen = dict.fromkeys(names, 0)
    for minute in range(200):
        for name in _rotated(names, now=60.0 * minute)[:reached]:
            seen[name] = minute
        assert minute - min(seen.values()) <= most
    assert sorted(_rotated(names, now=1e9)) == sorted(names)
    assert _rotated([], now=1e9) == []


@pytest.mark.parametrize(("service", "call"), [("ecs", "list_tasks"), ("sqs", "list_queues")])
def test_where_nothing_can_be_listed_sessions_reach_their_deadlines(
    world: World, monkeypatch: pytest.MonkeyPatch, service: str, call: str
) -> None:
    world.start()
    world.later(8 * 86_400)

    def failing(**_: Any) -> Any:
        raise refused("ServerException", "Service Unavailable")

    monkeypatch.setattr(getattr(world.environment.clients, service), call, failing)
    with pytest.raises(SweepFailed, match="orphans could not be looked for: ServerException"):
        world.sweep()
    assert world.ecs.live() == []
    assert world.status(KEYS).state == "ended"


def test_an_orphan_that_cannot_be_removed_keeps_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqs: Any = world.all_of_sqs
    for letter in "cd":
        sqs.create_queue(QueueName=f"starburst-prod-genomics-{letter * 20}")
    world.ecs.add("e" * 20)
    delete = sqs.delete_queue

    def one_stays(*, QueueUrl: str) -> Any:
        if QueueUrl.endswith("c" * 20):
            raise refused("AccessDenied")
        return delete(QueueUrl=QueueUrl)

    def stop_task(**_: Any) -> Any:
        raise refused("AccessDeniedException")

    monkeypatch.setattr(sqs, "delete_queue", one_stays)
    monkeypatch.setattr(world.ecs, "stop_task", stop_task)
    with pytest.raises(SweepFailed, match=r"AccessDeniedException.*AccessDenied"):
        world.sweep()
    assert [url[-20:] for url in world.queues()] == ["c" * 20]


def test_a_session_whose_workspace_was_removed_ends_and_keeps_no_other_from_its_care(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The controller's right to look into its queue went with the workspace."""
    world.deploy()
    url = world.start()["queue_url"]
    looking = world.all_of_sqs.get_queue_attributes

    def denied(**words: Any) -> Any:
        if words["QueueUrl"] == url:
            raise refused("AccessDenied")
        return looking(**words)

    world.all_of_sqs.get_queue_attributes = denied  # type: ignore[method-assign]
    with pytest.raises(SweepFailed, match=KEYS.session):  # while the workspace is there
        world.sweep()
    theirs = a_manifest(session="b" * 20, workspace="markets", user="bobby")
    before = world.environment.document()
    markets = before.workspaces["genomics"]
    world.deploy(workspaces={"markets": markets})
    world.start(theirs)

    caplog.clear()
    for _ in range(3):
        assert world.sweep()["sessions"] >= 1
    status = world.status(KEYS)
    assert (status.state, status.workers_running) == ("failed", 0)
    assert status.reason.startswith("workspace genomics was removed from this environment")
    assert not world.ecs.live(KEYS.session)
    assert url not in world.queues()
    assert world.keys_under("_control/active/") == [theirs.keys.control_record]
    assert len(world.ecs.live(theirs.session)) == 3
    assert sum("workspace genomics was removed" in line for line in caplog.messages) == 1


def test_a_drained_workspace_takes_no_session_and_what_runs_goes_on(world: World) -> None:
    world.deploy()
    world.start()
    workspace = world.environment.document().workspaces["genomics"]
    world.deploy(workspaces={"genomics": replace(workspace, draining=True)})

    answer = world.start(OTHER)
    assert answer["error"]["type"] == "SessionsFrozen"
    told = answer["error"]["message"]
    assert told.startswith("workspace genomics is being retired and takes no new session; ")
    assert world.keys_under("_control/active/") == [KEYS.control_record]
    assert world.request(KEYS, "start")["ok"], "it has started, and is asked for again"
    world.sweep()
    assert world.status(KEYS).state == "running"
    assert len(world.ecs.live(KEYS.session)) == 3
    world.deploy()
    assert world.start(OTHER)["ok"]

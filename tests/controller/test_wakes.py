"""Who asks is answered at once; what takes long is done by who is woken, or by the next sweep."""

from __future__ import annotations

import json
from typing import Any

import pytest

from starburst.contract import TAMPERING, ControllerDoor, Limits
from tests.controller.totals.people import book_of
from tests.controller.world import World, refused
from tests.manifests import a_manifest

KEYS = a_manifest().keys
OTHER = a_manifest(session="b" * 20, user="bobby")
WIDE = Limits(workers=500, vcpu=1e6, memory_gb=1e6, usd_per_hour=1e6)


def ask_for(world: World, workers: int) -> dict[str, Any]:
    world.deploy(WIDE)
    manifest = a_manifest(workers=workers)
    world.put(manifest.keys.manifest, manifest.to_json())
    return world.request_only(manifest.keys, "start")


def deny(*_: object, **__: object) -> None:
    raise refused("InternalError")


def test_a_start_of_hundreds_asks_ecs_for_nothing(world: World) -> None:
    answer = ask_for(world, 500)

    assert answer["ok"] is True
    assert (world.ecs.calls, world.ecs.reads, world.pauses) == ([], [], [])
    status = world.status(KEYS)
    assert (status.state, status.workers_wanted) == ("starting", 500)
    assert status.reason == "0 of 500 workers running; 500 being launched"
    world.deliver()
    assert len(world.ecs.live()) == 500
    assert world.status(KEYS).reason == "500 of 500 workers running"


def test_a_long_launch_is_told_while_it_goes_on(world: World) -> None:
    seen: list[tuple[int, str]] = []

    def look() -> None:
        status = world.status(KEYS)
        seen.append((status.workers_started, status.reason))
        world.later(0.5)

    ask_for(world, 500)
    world.ecs.first_status, world.ecs.on_run = "PENDING", look
    world.deliver()
    started = sorted({count for count, _ in seen})
    assert started == [0, 100, 200, 300, 400]
    words = [reason for count, reason in seen if count == 100]
    assert "100 starting since" in words[0]
    assert "400 being launched" in words[0]


def test_what_one_invocation_has_no_time_for_the_next_goes_on_with(world: World) -> None:
    ask_for(world, 300)
    world.ecs.on_run = lambda: world.later(4)
    world.deliver()
    assert 0 < len(world.ecs.live()) < 300
    world.deliver(rounds=5)
    assert len(world.ecs.live()) == 300
    assert max(c["count"] for c in world.ecs.calls) == 10
    assert len({c["clientToken"] for c in world.ecs.calls}) == 30


def test_who_asks_how_it_stands_waits_for_no_launch_of_hundreds(world: World) -> None:
    ask_for(world, 300)
    world.ecs.on_run = lambda: world.later(1)
    began = world.now
    assert world.request_only(KEYS, "refresh") == {"ok": True}
    assert 0 < len(world.ecs.live()) < 100
    assert world.now - began <= 8
    world.deliver(rounds=9)
    assert len(world.ecs.live()) == 300


@pytest.mark.parametrize("loss", ["lost", "never sent"])
def test_without_a_wake_the_sweep_launches(
    world: World, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqs = world.all_of_sqs
    with monkeypatch.context() as patch:
        if loss == "never sent":
            patch.setattr(sqs, "send_message", deny)
        assert ask_for(world, 3)["ok"] is True
    sqs.purge_queue(QueueUrl=world.environment.settings.wakes)
    world.later(60)
    world.sweep()
    assert len(world.ecs.live()) == 3


def test_a_status_that_cannot_be_written_undoes_no_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = world.environment.clients.s3
    put = s3.put_object

    def put_object(**words: Any) -> Any:
        return deny() if words["Key"] == KEYS.status else put(**words)

    with monkeypatch.context() as patch:
        patch.setattr(s3, "put_object", put_object)
        assert ask_for(world, 3)["ok"] is True
    world.deliver()
    assert world.status(KEYS).workers_running == 3


def test_neither_does_a_busy_ecs_fail_an_extension(world: World) -> None:
    deadline = world.start()["deadline"]
    world.ecs.busy = 1000
    answer = world.request_only(KEYS, "extend", deadline=deadline + 60)
    assert answer == {"ok": True, "deadline": deadline + 60}
    assert world.status(KEYS).deadline == deadline + 60
    assert sum(world.pauses) <= 2, "who asks does not wait for ECS"


def test_a_stop_tells_who_is_left_and_stops_nobody_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start()
    stop_task = world.ecs.stop_task
    monkeypatch.setattr(world.ecs, "stop_task", deny)
    assert world.request_only(KEYS, "stop") == {"ok": True}

    status = world.status(KEYS)
    assert (status.state, status.workers_running) == ("ended", 3)
    assert status.reason == "stopped by its user; 3 workers are leaving"
    assert not world.queues(), "workers find no more work from now on"
    monkeypatch.setattr(world.ecs, "stop_task", stop_task)
    world.deliver()
    assert not world.ecs.live()
    assert world.status(KEYS).reason == "stopped by its user"
    assert world.keys_under("_control/") == [KEYS.ended_record]


@pytest.mark.parametrize("busy", [False, True], ids=["ECS is slow", "ECS throttles"])
def test_stopping_hundreds_goes_on_from_invocation_to_invocation(
    world: World, monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    ask_for(world, 120)
    world.deliver()
    stop_task = world.ecs.stop_task

    def act(**words: Any) -> Any:
        world.later(1)
        if busy and len(world.ecs.live()) < 100:
            raise refused("ThrottlingException", "Rate exceeded")
        return stop_task(**words)

    monkeypatch.setattr(world.ecs, "stop_task", act)
    world.request(KEYS, "stop")
    assert 0 < len(world.ecs.live()) < 120
    busy = False
    world.deliver(rounds=5)
    assert not world.ecs.live()
    assert world.keys_under("_control/") == [KEYS.ended_record]


def test_hundreds_of_lost_workers_are_one_look(world: World) -> None:
    """The rule sends one message for each; Lambda hands over a hundred at once."""
    url = ask_for(world, 300)["queue_url"]
    world.deliver()
    world.send(url, 400)
    world.later(60)
    events = [world.ecs.end(task, exit_code=137) for task in world.ecs.live()[:100]]
    world.ecs.reads.clear()
    bodies = [json.dumps(event) for event in events]
    records = [{"messageId": f"{n}", "body": body} for n, body in enumerate(bodies)]

    assert world.tell({"Records": records}) == {"batchItemFailures": []}
    assert len(world.ecs.live()) == 300
    assert world.ecs.reads == ["DescribeTasks"] * 6, "once before the launch and once after it"


def test_only_what_failed_comes_again(world: World) -> None:
    world.start()
    world.start(OTHER)
    world.put(KEYS.control_record, b"not JSON")
    bodies = [
        json.dumps({"starburst": "tend", "session": session})
        for session in (KEYS.session, OTHER.session, KEYS.session, "c" * 20)
    ]
    records = [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]
    answer = world.tell({"Records": records})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m2"}]}


def test_a_busy_ecs_brings_no_message_back(world: World) -> None:
    world.start()
    world.ecs.busy = 1000
    body = json.dumps({"starburst": "tend", "session": KEYS.session})
    records = [{"messageId": "m", "body": body}]
    assert world.tell({"Records": records}) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    "record",
    [
        None,
        {},
        {"body": None},
        {"body": "{"},
        {"body": '{"starburst": "tend", "session": "../x"}'},
        {"body": '{"starburst": "sweep"}'},
        {"body": '{"source": "aws.ecs", "detail": {"taskArn": 7}}'},
    ],
)
def test_a_message_that_nobody_of_ours_sent_is_dropped_and_noted(
    world: World, record: object, caplog: pytest.LogCaptureFixture
) -> None:
    world.start()
    before = world.record(KEYS)
    assert world.tell({"Records": [record]}) == {"batchItemFailures": []}
    assert world.record(KEYS) == before
    assert TAMPERING in caplog.text or not isinstance(record, dict)


def test_analysts_wake_nobody(world: World) -> None:
    body = json.dumps({"starburst": "tend", "session": KEYS.session})
    event = {"Records": [{"messageId": "m", "body": body}]}
    answer = world.controller.handle(event, door=ControllerDoor.ANALYSTS, seconds=60)
    assert answer["error"]["type"] == "AccessDenied"


def test_one_sessions_trouble_keeps_no_other_message_of_the_batch_waiting(world: World) -> None:
    world.start()
    world.start(OTHER)
    world.put(KEYS.control_record, b"not JSON")
    world.later(3600)
    bodies = [
        json.dumps({"starburst": "tend", "session": session})
        for session in (KEYS.session, OTHER.session)
    ]
    world.tell({"Records": [{"messageId": body, "body": body} for body in bodies]})
    assert world.status(OTHER.keys).state == "ended"


def test_a_throttled_stop_is_asked_for_again_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start()
    stop_task, times = world.ecs.stop_task, iter(range(2))

    def throttled(**words: Any) -> Any:
        if next(times, None) is not None:
            raise refused("ThrottlingException", "Rate exceeded")
        return stop_task(**words)

    monkeypatch.setattr(world.ecs, "stop_task", throttled)
    world.request(KEYS, "stop")
    assert world.ecs.live() == []
    assert world.pauses == [0.5, 1.0]


def test_who_stops_a_session_that_failed_changes_no_word_of_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start()
    monkeypatch.setattr(world.ecs, "stop_task", lambda **_: {})
    world.later(3600)
    world.sweep()
    assert world.status(KEYS).reason.startswith("stopped at its deadline")
    world.request(KEYS, "stop")
    assert world.status(KEYS).reason.startswith("stopped at its deadline")


def test_what_leaving_workers_held_is_given_back_without_a_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqs, waits = world.all_of_sqs, list[int]()
    send = sqs.send_message

    def send_at_once(*, DelaySeconds: int, **message: Any) -> object:
        waits.append(DelaySeconds)
        return send(**message)

    def begin_to_leave(**arguments: Any) -> dict[str, Any]:
        for task in world.ecs.live():
            if task["taskArn"].endswith(arguments["task"].rpartition("/")[2]):
                task.update(desiredStatus="STOPPED", lastStatus="DEACTIVATING")
        return {}

    world.start()
    leaving = world.ecs.live()
    assert leaving
    monkeypatch.setattr(sqs, "send_message", send_at_once)
    monkeypatch.setattr(world.ecs, "stop_task", begin_to_leave)
    world.request_only(KEYS, "stop")
    world.deliver()
    assert KEYS.session in book_of(world).grants, "its workers still use what it holds"
    for task in leaving:
        world.ecs.end(task)
    world.deliver()
    assert KEYS.session not in book_of(world).grants
    assert waits == [0, 5], "nobody is woken again and again"

"""What makes no progress is sent again, by one rule: neither never nor too early."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starburst._protocol.requeue import RequeueMessage
from starburst.controller.state.sessions import Record
from starburst.controller.state.timings import Timings
from starburst.controller.sweep import SweepFailed
from starburst.controller.workers.queue import Depth
from starburst.controller.workers.stalls import (
    EMPTY_LOOKS,
    watch,
)
from tests.controller.world import World, refused
from tests.manifests import a_manifest

KEYS = a_manifest().keys


def take(world: World, url: str) -> None:
    """Be a thief who receives every message and hides it for as long as SQS allows."""
    while world.all_of_sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=43_199, WaitTimeSeconds=0
    ).get("Messages"):
        pass


def requests(world: World, url: str) -> list[RequeueMessage]:
    """Return what the controller has asked of workers and none has received."""
    received = world.all_of_sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=0
    )
    bodies = [json.loads(message["Body"]) for message in received.get("Messages", [])]
    return [RequeueMessage.from_fields(body) for body in bodies if isinstance(body, dict)]


def pass_minutes(world: World, count: int) -> None:
    for _ in range(count):
        world.later(60)
        world.sweep()


def test_messages_that_somebody_hides_are_missed_within_minutes(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 3)
    pass_minutes(world, 1)
    take(world, url)
    pass_minutes(world, 4)
    [asked] = requests(world, url)
    assert asked.live == {task["taskArn"].rpartition("/")[2] for task in world.ecs.live()}


def test_where_no_worker_is_left_one_is_started_to_look(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 3)
    pass_minutes(world, 1)
    take(world, url)
    for task in world.ecs.live():
        world.ecs.end(task)
    for _ in range(4):
        pass_minutes(world, 1)
        assert bool(world.ecs.live()) is bool(requests(world, url)), "no later sweep is waited for"
    assert world.ecs.live()


def test_messages_that_are_gone_are_missed_too(world: World) -> None:
    """Deleted, expired, or never sent because the client died between storing and sending."""
    url = world.start()["queue_url"]
    world.send(url, 3)
    pass_minutes(world, 1)
    world.all_of_sqs.purge_queue(QueueUrl=url)
    pass_minutes(world, 4)
    assert requests(world, url)


def test_one_leased_message_in_silence_is_work_however_often_it_was_asked_about(
    world: World,
) -> None:
    """An empty queue is looked at a few times, and its session ends after an hour; not this one."""
    url = world.start(a_manifest(timeout_seconds=86_400))["queue_url"]
    world.send(url)
    take(world, url)
    for _ in range(50):
        pass_minutes(world, 3)  # so that the count with the request in it is seen as well
        world.answer_requests()
    assert world.record(KEYS).requeues > EMPTY_LOOKS
    status = world.status(KEYS)
    assert (status.state, status.backlog, status.in_flight) == ("running", 0, 1)


def test_a_client_that_asks_is_heard_by_the_same_rule(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 3)
    take(world, url)
    for _ in range(20):
        world.later(15)
        world.request(KEYS, "refresh")
    assert len(requests(world, url)) == 1


def test_counts_that_say_there_is_work_are_not_believed_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = world.start()["queue_url"]
    counts = {"": "4", "Delayed": "1", "NotVisible": "2"}
    said = {f"ApproximateNumberOfMessages{name}": count for name, count in counts.items()}
    sqs = world.all_of_sqs
    monkeypatch.setattr(
        sqs, "get_queue_attributes", lambda **_: {"Attributes": said}, raising=False
    )
    pass_minutes(world, 9)
    assert (world.status(KEYS).backlog, world.status(KEYS).in_flight) == (5, 2)
    assert requests(world, url) == []
    pass_minutes(world, 3)
    assert len(requests(world, url)) == 1


def test_work_that_goes_on_is_left_alone(world: World) -> None:
    url = world.start()["queue_url"]
    for _ in range(30):
        world.send(url, 1)
        pass_minutes(world, 1)
    assert requests(world, url) == []


def test_what_the_queue_of_an_earlier_release_refuses_ends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url = world.start()["queue_url"]
    world.send(url, 3)
    take(world, url)

    def deny(**_: Any) -> None:
        raise refused("AccessDenied")

    monkeypatch.setattr(world.all_of_sqs, "send_message", deny)
    pass_minutes(world, 5)
    assert "takes no request to send again" in caplog.text
    assert world.status(KEYS).state == "running"


def test_a_request_that_sqs_did_not_take_is_none_of_the_few(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = world.start()["queue_url"]
    world.send(url, 3)
    pass_minutes(world, 1)
    world.all_of_sqs.purge_queue(QueueUrl=url)
    tries: list[str] = []

    def fail(**_: Any) -> None:
        tries.append("")
        raise refused("ServiceUnavailable")

    with monkeypatch.context() as patched:
        patched.setattr(world.all_of_sqs, "send_message", fail)
        for _ in range(5 * (EMPTY_LOOKS + 1)):
            world.later(60)
            before = len(tries)
            with contextlib.suppress(SweepFailed):
                world.sweep()
                assert len(tries) == before, "the function's alarm hears of each"
    assert len(tries) > EMPTY_LOOKS
    pass_minutes(world, 4)
    assert requests(world, url)


def test_nobody_is_asked_before_any_worker_ran(world: World) -> None:
    world.ecs.first_status = "PROVISIONING"
    url = world.start()["queue_url"]
    pass_minutes(world, 10)
    assert requests(world, url) == []


def test_while_workers_boot_an_empty_looking_queue_is_not_sent_again(world: World) -> None:
    """Fargate takes a minute or more, in which nothing moves; SQS may show nothing meanwhile."""
    url = world.start()["queue_url"]
    world.send(url, 3)
    pass_minutes(world, 1)
    world.ecs.first_status = "PENDING"
    for task in world.ecs.live():
        world.ecs.end(task, stop_code="SpotInterruption", exit_code=None)
    pass_minutes(world, 1)
    booting = world.ecs.live()
    assert len(booting) == 3
    take(world, url)
    pass_minutes(world, 5)
    assert requests(world, url) == []

    for task in booting:
        task.update(lastStatus="RUNNING", startedAt=task["createdAt"])
    pass_minutes(world, 1)
    assert requests(world, url) == [], "they import Python still"
    pass_minutes(world, 2)
    assert len(requests(world, url)) == 1


def test_workers_that_boot_for_ever_hide_no_loss(world: World) -> None:
    url = world.start()["queue_url"]
    world.send(url, 3)
    pass_minutes(world, 1)
    one = world.ecs.live()[0]
    world.ecs.first_status = "PENDING"
    world.ecs.end(one, stop_code="SpotInterruption", exit_code=None)
    pass_minutes(world, 1)
    take(world, url)
    pass_minutes(world, 12)
    assert len(requests(world, url)) == 1


def a_record() -> Record:
    return Record(
        workspace="genomics",
        user="alice",
        session="a" * 20,
        workers=2,
        cpu=1,
        memory_gb=2,
        scratch_gb=21,
        capacity="on-demand",
        idle_seconds=120,
        task_definition="t",
        started=0,
        deadline=1e9,
        ran=True,
    )


TIMINGS = Timings()


def seen(record: Record, depth: Depth, *, now: float) -> tuple[Record, bool]:
    return watch(record, depth, now=now, timings=TIMINGS)


COUNTS = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(st.lists(st.tuples(COUNTS, st.floats(1, 400)), max_size=60))
def test_nothing_is_sent_again_too_early(looks: list[tuple[tuple[int, int], float]]) -> None:
    record, now, moved, before = a_record(), 1e6, 1e6, None
    for counts, seconds in looks:
        now += seconds
        if counts != before:
            before, moved = counts, now
        record, asks = seen(record, Depth(backlog=counts[0], in_flight=counts[1]), now=now)
        if asks:
            still = TIMINGS.still_waiting_seconds if counts[0] else TIMINGS.still_seconds
            assert now - moved >= still


@given(st.lists(st.tuples(COUNTS, st.floats(1, 400)), max_size=60), COUNTS)
def test_whatever_came_before_a_queue_that_stands_still_is_asked_about(
    looks: list[tuple[tuple[int, int], float]], counts: tuple[int, int]
) -> None:
    record, now = a_record(), 1e6
    for (backlog, in_flight), seconds in looks:
        now += seconds
        record, _ = seen(record, Depth(backlog=backlog, in_flight=in_flight), now=now)
    if counts == (0, 0) and record.requeues >= EMPTY_LOOKS:
        return  # it was looked at so often since anything moved
    wait = 2 * TIMINGS.still_waiting_seconds * 2**record.requeues
    depth = Depth(backlog=counts[0], in_flight=counts[1])
    for _ in range(int(wait) // 60 + 2):
        now += 60
        record, asks = seen(record, depth, now=now)
        if asks:
            return
    pytest.fail("nobody was asked")


def test_each_further_look_takes_twice_as_long_to_come() -> None:
    record, asked = replace(a_record()), []
    for minute in range(16 * 60):
        record, asks = seen(record, Depth(backlog=0, in_flight=1), now=1e6 + 60 * minute)
        asked += [minute] if asks else []
    assert asked == [2, 6, 14, 30, 62, 126, 254, 510]


def test_an_empty_queue_is_looked_at_a_few_times() -> None:
    record, asked = a_record(), 0
    for minute in range(24 * 60):
        record, asks = seen(record, Depth(backlog=0, in_flight=0), now=1e6 + 60 * minute)
        asked += asks
    assert asked == EMPTY_LOOKS
    for counts in ((5, 0), (0, 0)):
        record, _ = seen(record, Depth(backlog=counts[0], in_flight=counts[1]), now=2e6)
    record, asks = seen(record, Depth(backlog=0, in_flight=0), now=2e6 + TIMINGS.still_seconds)
    assert asks, "work came and went"

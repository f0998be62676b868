"""Endpoints that exist only while sessions run: opened, waited for, closed, never in between.

The stack is a fake with CloudFormation's own words; everything else is the world of the others.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from starburst.contract import SessionKeys
from starburst.controller.endpoints import GRACE_SECONDS, WAIT_MOST
from starburst.controller.state.endpoint_state import NOTE, Notes
from starburst.controller.sweep import SweepFailed
from tests.controller.endpoints_stack import FakeStack, problem
from tests.controller.world import World
from tests.manifests import a_manifest

KEYS = a_manifest().keys


def other(letter: str) -> Any:
    return a_manifest(session=letter * 20)


def end(world: World, keys: SessionKeys = KEYS) -> None:
    """A session ends and is filed away."""
    assert world.request(keys, "stop") == {"ok": True}
    assert not world.keys_under(keys.control_record)


def note(world: World) -> dict[str, Any]:
    return json.loads(world.read(NOTE))


def rested(world: World) -> None:
    """The last session ended long enough ago."""
    world.sweep()
    world.later(GRACE_SECONDS + 1)
    world.sweep()


def test_workers_wait_until_the_stack_is_complete_and_the_status_says_so(
    world: World, stack: FakeStack
) -> None:
    assert world.start()["ok"]
    assert stack.wishes == ["on"]
    assert not world.ecs.calls
    status = world.status(KEYS)
    assert status.state == "starting"
    assert status.workers_wanted == 3
    since = datetime.fromtimestamp(status.started, UTC).strftime("%H:%M UTC")
    assert status.reason == (
        "0 of 3 workers running; opening the private endpoints, about a minute, "
        f"since {since}; 3 workers start afterwards"
    )
    world.later(60)
    world.sweep()
    assert not world.ecs.calls
    stack.succeed()
    world.sweep()
    assert len(world.ecs.live()) == 3
    assert stack.wishes == ["on"]
    assert "endpoints" not in world.status(KEYS).reason


def test_a_quick_stack_costs_no_second_look(world: World, stack: FakeStack) -> None:
    stack.quick = True
    world.start()
    assert len(world.ecs.live()) == 3
    assert sum(world.pauses) < 2


def test_open_endpoints_are_used_as_they_are(world: World, stack: FakeStack) -> None:
    stack.value = "on"
    world.start()
    assert len(world.ecs.live()) == 3
    assert not stack.calls


def test_always_open_endpoints_need_no_stack_and_no_note(world: World) -> None:
    world.start()
    world.sweep()
    assert len(world.ecs.live()) == 3
    assert not world.keys_under(NOTE)


def test_cloudformations_event_starts_the_workers_at_once(world: World, stack: FakeStack) -> None:
    world.start()
    stack.succeed()
    world.later(1)
    event = {"source": "aws.cloudformation", "detail": {"stack-id": "whatever"}}
    assert world.tell(event)["ok"]
    assert len(world.ecs.live()) == 3


def test_a_second_session_waits_with_the_first_and_asks_for_nothing_more(
    world: World, stack: FakeStack
) -> None:
    world.start()
    world.start(other("b"))
    assert not world.ecs.calls
    assert set(stack.wishes) == {"on"}
    assert stack.status == "UPDATE_IN_PROGRESS"
    stack.succeed()
    world.sweep()
    assert len(world.ecs.live()) == 6


def test_a_sweep_looks_once_whether_they_are_open_for_however_many_sessions(
    world: World, stack: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for letter in "bcde":
        world.start(other(letter))
    stack.succeed()
    looks: list[str] = []
    read, describe = Notes.read, stack.describe_stacks
    monkeypatch.setattr(Notes, "read", lambda notes: (looks.append("note"), read(notes))[1])
    stack.describe_stacks = lambda **words: (  # type: ignore[method-assign]
        looks.append("stack"),
        describe(**words),
    )[1]
    world.later(60)
    world.sweep()
    assert len(world.ecs.live()) == 12
    assert looks.count("stack") == 1
    assert looks.count("note") <= 3  # before the sessions are listed, at the first, and to note it
    world.later(60)
    looks.clear()
    world.sweep()
    assert looks == ["note", "note", "stack"], "each sweep looks anew"


def test_they_close_a_while_after_the_last_session(world: World, stack: FakeStack) -> None:
    stack.quick = True
    world.start()
    world.start(other("b"))
    end(world)
    rested(world)
    assert stack.value == "on", "a session is still there"
    end(world, other("b").keys)
    world.sweep()
    world.later(GRACE_SECONDS - 30)
    world.sweep()
    assert stack.value == "on", "the grace is not over"
    world.later(60)
    world.sweep()
    assert stack.wishes == ["on", "off"]
    for _ in range(3):
        world.later(3600)
        world.sweep()
    assert stack.wishes == ["on", "off"]


def test_a_session_within_the_grace_keeps_them_open(world: World, stack: FakeStack) -> None:
    stack.quick = True
    world.start()
    end(world)
    world.sweep()
    world.later(GRACE_SECONDS - 30)
    world.start(other("b"))
    world.later(60)
    world.sweep()
    assert len(world.ecs.live()) == 3
    end(world, other("b").keys)
    world.sweep()
    assert stack.wishes == ["on"], "the grace begins anew with its end"


def test_a_session_that_comes_while_they_close_waits_and_has_them_opened_again(
    world: World, stack: FakeStack
) -> None:
    stack.quick = True
    world.start()
    end(world)
    stack.quick = False
    rested(world)
    assert stack.wishes == ["on", "off"]
    launched = len(world.ecs.calls)
    world.later(5)
    world.start(other("b"))
    assert len(world.ecs.calls) == launched
    assert "waiting for the private endpoints to close" in world.status(other("b").keys).reason
    stack.succeed()
    world.later(1)
    world.sweep()
    assert stack.wishes[-1] == "on"
    assert stack.status == "UPDATE_IN_PROGRESS"
    assert len(world.ecs.calls) == launched
    stack.succeed()
    world.later(1)
    world.sweep()
    assert len(world.ecs.live(other("b").session)) == 3


def test_no_worker_starts_while_an_order_to_close_may_be_on_its_way(
    world: World, stack: FakeStack
) -> None:
    """The sweep has written that it closes; the session comes before CloudFormation is told."""
    stack.quick = True
    world.start()
    end(world)
    launched = len(world.ecs.calls)
    world.sweep()
    world.later(GRACE_SECONDS + 1)
    stack.on_update = lambda: world.start(other("b"))
    world.sweep()
    assert len(world.ecs.calls) == launched, "a worker would have lost its endpoints"
    assert stack.value == "off"
    world.later(1)
    world.sweep()
    assert stack.value == "on"
    assert len(world.ecs.live(other("b").session)) == 3


def test_a_closing_sweep_that_died_keeps_nobody_waiting_for_ever(
    world: World, stack: FakeStack
) -> None:
    stack.quick = True
    world.start()
    end(world)
    stack.answers = [ConnectionError("the invocation ended here")]
    world.sweep()
    world.later(GRACE_SECONDS + 1)
    with pytest.raises(ConnectionError):
        world.sweep()
    assert note(world)["wanted"] == "off"
    assert stack.value == "on"
    world.start(other("b"))
    assert not world.ecs.live()
    world.later(91)
    world.sweep()
    assert len(world.ecs.live()) == 3


def test_who_asks_to_start_stops_a_sweep_that_read_before_it(
    world: World, stack: FakeStack
) -> None:
    """The sweep reads, lists no session, and is then slow."""
    stack.quick = True
    world.start()
    end(world)
    world.sweep()
    world.later(GRACE_SECONDS + 1)
    read = world.controller._life.endpoints.read()
    manifest = other("b")
    world.put(manifest.keys.manifest, manifest.to_json())
    world.request_only(manifest.keys, "start")
    world.controller._life.endpoints.rest(read)
    assert stack.wishes == ["on"]
    assert note(world)["wanted"] == "on"


def test_a_failure_is_said_with_its_own_reason_and_tried_again_later(
    world: World, stack: FakeStack
) -> None:
    world.start()
    stack.fail("The maximum number of VPC endpoints has been reached.")
    world.later(30)
    world.sweep()
    assert stack.wishes == ["on"], "a pause comes first"
    reason = world.status(KEYS).reason
    assert "after try 1 failed (EndpointsKms: The maximum number of VPC endpoints" in reason
    world.later(60)
    world.sweep()
    assert stack.wishes == ["on", "on"]
    stack.succeed()
    world.later(5)
    world.sweep()
    assert len(world.ecs.live()) == 3
    assert note(world)["tries"] == 0


def test_a_session_fails_with_cloudformations_reason_after_a_bounded_time(
    world: World, stack: FakeStack
) -> None:
    world.start()
    for _ in range(20):
        if stack.status.endswith("_IN_PROGRESS"):
            stack.fail("The maximum number of VPC endpoints has been reached.")
        world.later(60)
        world.sweep()
    status = world.status(KEYS)
    assert status.state == "failed"
    assert status.reason == (
        "the private endpoints did not open within 15 minutes; CloudFormation: "
        "EndpointsKms: The maximum number of VPC endpoints has been reached."
    )
    assert 2 < len(stack.wishes) < 8
    assert not world.ecs.calls
    assert not world.queues()
    assert world.now - status.started >= WAIT_MOST


def test_a_stack_that_hangs_fails_the_session_too(world: World, stack: FakeStack) -> None:
    world.start()
    world.later(WAIT_MOST + 60)
    world.sweep()
    status = world.status(KEYS)
    assert status.state == "failed"
    assert "stack starburst-prod-endpoints is UPDATE_IN_PROGRESS" in status.reason


@pytest.mark.parametrize("state", ["UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE", "gone"])
def test_a_broken_stack_fails_the_session_at_once(
    world: World, stack: FakeStack, state: str
) -> None:
    stack.status = state
    world.start()
    status = world.status(KEYS)
    assert status.state == "failed"
    assert "the private endpoints cannot open" in status.reason
    assert state in status.reason or "does not exist" in status.reason
    assert not world.ecs.calls


def test_a_refused_order_is_the_reason(world: World, stack: FakeStack) -> None:
    stack.answers = [problem("AccessDenied", "not authorized to perform: iam:PassRole")]
    world.start()
    assert "AccessDenied: not authorized to perform: iam:PassRole" in world.status(KEYS).reason
    world.later(61)
    world.sweep()
    stack.succeed()
    world.sweep()
    assert len(world.ecs.live()) == 3


def test_an_update_by_others_is_waited_for(world: World, stack: FakeStack) -> None:
    """The platform team deploys: the stack is moving, and its parameter is not ours to set now."""
    stack.status = "UPDATE_IN_PROGRESS"
    world.start()
    assert not world.ecs.calls
    stack.status = "UPDATE_COMPLETE"
    stack.quick = True
    world.later(5)
    world.sweep()
    assert len(world.ecs.live()) == 3


def test_endpoints_closed_by_hand_under_a_session_are_opened_again(
    world: World, stack: FakeStack
) -> None:
    stack.quick = True
    world.send(world.start()["queue_url"], 3)
    stack.value = "off"
    world.later(60)
    world.sweep()
    assert stack.value == "on"


def test_who_has_had_them_for_long_waits_for_them_anew_where_they_were_closed(
    world: World, stack: FakeStack
) -> None:
    stack.quick = True
    world.send(world.start()["queue_url"], 50)
    world.later(WAIT_MOST + 60)
    stack.quick, stack.value = False, "off"
    world.ecs.end(world.ecs.live()[0], exit_code=1)
    world.sweep()
    assert "opening the private endpoints" in world.status(KEYS).reason
    stack.succeed()
    world.ecs.answers = [problem("ThrottlingException", "Rate exceeded")] * 50
    world.later(60)
    world.sweep()
    assert "2 of 3 workers running; 1 being launched;" in world.status(KEYS).reason


def test_endpoints_that_nobody_asked_for_are_closed(world: World, stack: FakeStack) -> None:
    """Opened by hand, or the note was lost."""
    stack.value = "on"
    rested(world)
    assert stack.wishes == ["off"]


def test_endpoints_that_do_not_close_ring_the_alarm_and_are_told_again(
    world: World, stack: FakeStack
) -> None:
    stack.quick = True
    world.start()
    end(world)
    stack.quick = False
    rested(world)
    stack.fail("has dependent network interfaces")
    world.later(30)
    world.sweep()
    assert stack.wishes == ["on", "off"]
    world.later(90)
    with pytest.raises(SweepFailed, match="has dependent network interfaces"):
        world.sweep()
    assert stack.wishes == ["on", "off", "off"]
    stack.succeed()
    world.later(60)
    world.sweep()


@pytest.mark.parametrize("state", ["UPDATE_ROLLBACK_FAILED", "gone"])
def test_a_broken_stack_rings_the_alarm(world: World, stack: FakeStack, state: str) -> None:
    stack.status = state
    with pytest.raises(SweepFailed, match="private endpoints may be open for nobody"):
        world.sweep()

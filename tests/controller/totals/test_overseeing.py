"""Officers see all sessions of all users with what they cost so far, and stop any of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from starburst.contract import ControllerDoor
from starburst.controller import overseeing
from tests.controller.totals.people import begin, command, deploy, error_of, keys_of, named
from tests.controller.world import BUCKET, World


@pytest.fixture(autouse=True)
def _deployed(world: World) -> None:
    deploy(world)


def sessions(world: World, **terms: Any) -> list[dict[str, Any]]:
    answer = command(world, "sessions", **terms)
    assert (answer["ok"], answer["unread"], answer["next"]) == (True, [], "")
    return answer["sessions"]


def end(world: World, number: int) -> None:
    """Have a session stopped by its user, and filed away."""
    world.request(keys_of(number), "stop")
    world.deliver(rounds=5)


def test_sessions_of_everybody_are_told_with_what_they_cost_so_far(world: World) -> None:
    begin(world, 0)
    begin(world, 1, workers=1, workspace="imaging", user="bobby")
    world.later(1800)
    world.sweep()
    first, second = sessions(world)
    whose = ("session", "workspace", "user", "state", "workers", "running")
    assert [first[name] for name in whose] == [named(0), "genomics", "alice", "running", 3, 3]
    assert [second[name] for name in whose] == [named(1), "imaging", "bobby", "running", 1, 1]
    assert first["worker_seconds"] == 3 * 1800
    assert first["usd"] == pytest.approx(3 * second["usd"], abs=1e-5)
    assert second["usd"] == world.status(keys_of(1, workspace="imaging", user="bobby")).usd > 0
    assert (first["ended"], first["waiting"]) == (None, False)


def test_what_is_told_is_nothing_that_an_analyst_wrote(world: World) -> None:
    begin(world, 0, labels={"name": "of a secret study"})
    [told] = sessions(world)
    assert "secret" not in json.dumps(told)
    numbers = {"workers", "running", "launched", "lost", "cpu", "memory_gb", "worker_seconds"}
    times = {"started", "deadline", "ended"}
    words = {"session", "workspace", "user", "state", "reason", "capacity", "waiting", "usd"}
    assert set(told) == numbers | times | words


def test_sessions_that_ended_are_told_from_a_moment_on(world: World) -> None:
    for number in range(2):
        begin(world, number)
        world.later(600)
        end(world, number)
    [first, second] = sessions(world, folder="ended")
    assert (first["ended"], second["ended"]) == (world.now - 600, world.now)
    assert first["usd"] == second["usd"] > 0
    assert first["state"] == "ended"
    assert sessions(world) == []
    assert sessions(world, folder="ended", since=world.now) == [second]


def test_many_sessions_come_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overseeing, "_MOST", 2)
    for number in range(5):
        begin(world, number, workers=1)
    found, after, answers = [], "", 0
    while answers == 0 or after:
        answer = command(world, "sessions", after=after)
        found += [one["session"] for one in answer["sessions"]]
        after, answers = answer["next"], answers + 1
    assert found == [named(number) for number in range(5)]
    assert answers == 3


def test_who_has_no_time_left_still_goes_on(world: World) -> None:
    for number in range(2):
        begin(world, number, workers=1)
    with world.history.invocation(seconds=60):
        answer = world.controller.handle(
            {"action": "sessions"}, door=ControllerDoor.OFFICERS, seconds=0
        )
    assert [one["session"] for one in answer["sessions"]] == [named(0)]
    assert answer["next"] == named(0)


def test_a_damaged_record_hides_no_other(world: World) -> None:
    for number in range(2):
        begin(world, number, workers=1)
    world.put(keys_of(0).control_record, b"{}")
    answer = command(world, "sessions")
    assert [one["session"] for one in answer["sessions"]] == [named(1)]
    [unread] = answer["unread"]
    assert unread["session"] == named(0)
    assert "cannot be read" in unread["why"]


def test_a_session_whose_objects_were_erased_is_told_by_its_record(world: World) -> None:
    begin(world, 0)
    world.environment.clients.s3.delete_object(Bucket=BUCKET, Key=keys_of(0).status)
    [told] = sessions(world)
    assert (told["session"], told["usd"], told["launched"]) == (named(0), 0, 3)


def test_an_officer_stops_a_session_of_anybody(world: World) -> None:
    begin(world, 0)
    begin(world, 1, user="bobby")
    answer = command(world, "stop", session=named(0), why="a loop", by="ada")
    assert answer["session"]["state"] == "ended"
    world.deliver(rounds=5)
    assert [len(world.ecs.live(named(number))) for number in range(2)] == [0, 3]
    assert world.status(keys_of(0)).reason == "stopped by ada: a loop"
    again = command(world, "stop", session=named(0), why="again", by="bob")
    assert again["session"]["reason"] == "stopped by ada: a loop"


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"action": "sessions", "folder": "inputs"}, "ConfigurationError"),
        ({"action": "sessions", "after": "../x"}, "ConfigurationError"),
        ({"action": "sessions", "since": "yesterday"}, "ConfigurationError"),
        ({"action": "stop", "session": named(0)}, "ConfigurationError"),
        ({"action": "stop", "session": "x", "why": "y"}, "ConfigurationError"),
        ({"action": "stop", "session": named(7), "why": "y"}, "SessionNotFound"),
    ],
    ids=str,
)
def test_what_officers_cannot_mean_of_sessions_is_refused(
    world: World, payload: dict[str, Any], kind: str
) -> None:
    begin(world, 0)
    assert error_of(command(world, **payload))[0] == kind
    assert len(world.ecs.live(named(0))) == 3


@pytest.mark.parametrize("door", [ControllerDoor.ANALYSTS, ControllerDoor.SERVICE])
@pytest.mark.parametrize("action", ["sessions", "stop"])
def test_only_officers_see_and_stop_sessions_of_others(
    world: World, door: str, action: str
) -> None:
    begin(world, 0)
    payload = {"protocol": 1, "action": action, "session": named(0), "why": "mischief"}
    answer = world.controller.handle(payload, door=door, seconds=60)
    assert error_of(answer)[0] in ("AccessDenied", "ConfigurationError")
    assert len(world.ecs.live(named(0))) == 3

"""Analysts may ask who holds what; they are told what a refusal would say, and no more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.controller.totals.people import ALL, begin, command, deploy, error_of, keys_of, named
from tests.controller.world import World


def ask(world: World, *, user: str = "alice", workspace: str = "genomics") -> dict[str, Any]:
    """Ask as an analyst does: from a folder of a session that there is not."""
    return world.request_only(keys_of(99, user=user, workspace=workspace), "totals")


def test_who_holds_what_is_told_to_who_would_be_refused_by_it(world: World) -> None:
    deploy(world, workspace=replace(ALL, workers=9))
    begin(world, 0)
    begin(world, 1, 2, user="bobby")
    begin(world, 2, 1, user="bobby", workspace="imaging")
    begin(world, 3, 1, workspace="imaging")
    answer = ask(world)
    assert answer["ok"]
    used = {one["scope"]: (one["name"], one["used"]["workers"]) for one in answer["scopes"]}
    assert used == {
        "person": ("alice", 4),
        "workspace": ("genomics", 5),
        "environment": ("prod", 7),
    }
    assert [(one["session"], one["user"], one["workers"]) for one in answer["sessions"]] == [
        (named(0), "alice", 3),
        (named(1), "bobby", 2),
        (named(3), "alice", 1),
    ]
    assert {one["workspace"]: one["workers"] for one in answer["workspaces"]} == {
        "genomics": 5,
        "imaging": 2,
    }
    assert (answer["waiting"], answer["frozen"]) == (0, None)


def test_nobody_of_another_workspace_is_named(world: World) -> None:
    deploy(world)
    begin(world, 0, user="bobby", workspace="imaging")
    answer = ask(world)
    assert not answer["sessions"]
    assert "bobby" not in str(answer)
    assert named(0) not in str(answer)
    [other] = answer["workspaces"]
    assert other.keys() == {"workspace", "sessions", "workers", "vcpu", "memory_gb", "usd_per_hour"}


def test_asking_starts_nothing_and_changes_nothing(world: World) -> None:
    deploy(world)
    begin(world, 0)
    before = command(world, "totals", workspace=None)["sessions"]
    launched = len(world.ecs.live())
    ask(world)
    assert command(world, "totals", workspace=None)["sessions"] == before
    assert len(world.ecs.live()) == launched


def test_a_freeze_is_told(world: World) -> None:
    deploy(world)
    command(world, "freeze", workspace="genomics", why="a leaked key", by="ada")
    assert "frozen by ada" in ask(world)["frozen"]
    assert ask(world, workspace="imaging")["frozen"] is None


def test_who_shows_no_request_of_their_own_is_told_nothing(world: World) -> None:
    deploy(world)
    for key in (keys_of(99).request("0f"), keys_of(99).manifest, "", None):
        kind, _ = error_of(world.ask("totals", key))
        assert kind in ("AccessDenied", "SessionNotFound")

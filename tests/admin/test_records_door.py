"""The door for records tells of sessions, and whoever comes by it does nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from starburst.contract import ControllerDoor
from tests.admin.conftest import Door
from tests.controller.world import World


def come(world: World, **event: Any) -> dict[str, Any]:
    with world.history.invocation(seconds=60):
        return world.controller.handle(event, door=ControllerDoor.RECORDS, seconds=60)


def test_it_tells_of_sessions(door: Door, world: World) -> None:
    del door
    for folder in ("active", "ended"):
        answer = come(world, protocol=1, action="sessions", folder=folder)
        assert answer["ok"] is True
        assert answer["sessions"] == []


@pytest.mark.parametrize(
    "event",
    [
        {"action": "stop", "session": "a" * 20, "why": "x", "by": "y"},
        {"action": "freeze"},
        {"action": "totals"},
        {"action": "start", "key": "sessions/a/b/c/manifest.json"},
        {"starburst": "sweep"},
        {"Records": [{"Sns": {"Message": "spent"}}]},
        {"source": "aws.ecs", "detail": {}},
        {},
    ],
)
def test_it_does_nothing(event: dict[str, Any], door: Door, world: World) -> None:
    del door
    answer = come(world, protocol=1, **event)
    assert answer["ok"] is False
    assert answer["error"]["type"] == "AccessDenied"
    assert "tells of sessions and does nothing" in answer["error"]["message"]

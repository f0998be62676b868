"""What officers type reaches the controller as it is, and what it answers is told in words."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.incident import records
from deploy.incident.command import Clients
from deploy.spending.freeze import main as freeze
from deploy.spending.totals import main as totals
from starburst.contract import ControllerDoor
from tests.controller.totals.people import ALL, begin, deploy, error_of
from tests.controller.world import World

GENOMICS = ["--environment", "prod", "--workspace", "genomics"]
WHY = ["--reason", "a loop starts sessions"]


class Door:
    """Lambda, with this controller behind the alias that is named."""

    def __init__(self, world: World) -> None:
        self._world = world

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        name, _, door = FunctionName.rpartition(":")
        assert name.endswith(":function:starburst-prod-controller")
        assert door == ControllerDoor.OFFICERS
        answer = self._world.controller.handle(json.loads(Payload), door=door, seconds=60)
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


class Caller:
    """STS, which knows the officer."""

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:sts::222233334444:assumed-role/officer/ada"}


@pytest.fixture
def clients(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Clients:
    monkeypatch.chdir(tmp_path)
    # Where records are locked is another test's affair.
    monkeypatch.setattr(records, "locker", lambda *_: None)
    deploy(world)
    made: dict[str, Any] = {"lambda": Door(world), "sts": Caller()}
    return made.__getitem__


def test_a_workspace_is_frozen_by_command_until_it_is_thawed_by_command(
    world: World, clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert begin(world, 0)["ok"]
    assert freeze([*GENOMICS, *WHY, "--record", "a.json", "--apply"], clients=clients) == 0
    out = capsys.readouterr().out
    assert "genomics: no new session starts; running sessions that were told to end: 0" in out
    kind, sentence = error_of(begin(world, 1))
    assert kind == "SessionsFrozen"
    assert "a loop starts sessions" in sentence
    assert "frozen by arn:aws:sts::" in sentence
    assert totals(GENOMICS, clients=clients) == 0
    out = capsys.readouterr().out
    assert "workspace genomics: 1 of " in out
    assert "genomics is frozen since " in out
    assert freeze([*GENOMICS, "--undo", "--record", "b.json", "--apply"], clients=clients) == 0
    assert "genomics: thawed" in capsys.readouterr().out
    assert begin(world, 2)["ok"]


def test_who_waits_is_told_in_words(
    world: World, clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(world, workspace=replace(ALL, workers=5))
    begin(world, 0)
    begin(world, 1, wait=600, user="bobby")
    assert totals(GENOMICS, clients=clients) == 0
    assert "place 1: bobby in genomics waits until " in capsys.readouterr().out

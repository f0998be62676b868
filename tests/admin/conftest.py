"""An officer whose controller is the real one over clouds in memory."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._client.admin.office import Office
from starburst.contract import ControllerDoor
from tests.controller.conftest import memory_world as world
from tests.controller.totals.people import deploy
from tests.controller.world import ACCOUNT, REGION, World

__all__ = ["Door", "world"]

DOOR = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:starburst-prod-controller:officers"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/security/ada"


@dataclass(kw_only=True)
class Door:
    """Lambda, which hands on what an officer asks; tests may have it answer something else."""

    world: World
    asked: list[dict[str, Any]] = field(default_factory=list)
    says: bytes | None = None
    failed: str = ""
    raises: Exception | None = None

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == DOOR
        if self.raises is not None:
            raise self.raises
        event = json.loads(Payload)
        self.asked.append(event)
        body = self.says
        if body is None:
            with self.world.history.invocation(seconds=60):
                answer = self.world.controller.handle(
                    event, door=ControllerDoor.OFFICERS, seconds=60
                )
            body = json.dumps(answer).encode()
        more = {"FunctionError": self.failed} if self.failed else {}
        return {"Payload": io.BytesIO(body), **more}


class NoJobs:
    """Athena, where the add-on for job metrics is off."""

    def get_work_group(self, **call: Any) -> None:
        said = {"Code": "InvalidRequestException", "Message": "WorkGroup is not found."}
        raise ClientError({"Error": said}, "GetWorkGroup")  # type: ignore[arg-type]


@pytest.fixture
def door(world: World) -> Door:
    deploy(world)
    return Door(world=world)


@pytest.fixture
def office(door: Door, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Who asks in every test of this folder, by the public calls and the command too."""
    made = Office(
        environment="prod",
        account=ACCOUNT,
        region=REGION,
        caller=CALLER,
        client={"lambda": door, "athena": NoJobs()}.__getitem__,
    )
    monkeypatch.setattr("starburst.admin.open_office", lambda **_: made)
    return made

"""The clouds in memory answer as moto does: the controller has the same effects in either.

moto is called through the SDK's own clients, which check every parameter.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import boto3
import pytest

from starburst.contract import Limits
from tests.controller.moto_world import moto_world
from tests.controller.world import World

from .scenes import KEYS, SCENES, Scene

SHOWN = ("state", "reason", "workers", "launched", "lost", "waves", "requeues", "workers_running")

PLAYED = [
    one for one in SCENES if one.name in {"extend", "leave", "loss swept", "stall", "orphans"}
]


def told(world: World) -> list[object]:
    """What was asked of AWS, and what it answered."""
    found: list[object] = []
    for effect in world.history.effects:
        if effect.call == "log":
            continue
        body = json.loads(effect.words["Body"]) if "Body" in effect.words else {}
        shown = {name: body[name] for name in SHOWN if name in body}
        queue = str(effect.words.get("QueueUrl", "")).rpartition("/")[2]
        found.append((effect.call, effect.key, queue, effect.refused, shown))
    # A page more or less is none of its answers.
    return [one for one, _ in groupby(found)]


@pytest.mark.parametrize("scene", PLAYED, ids=lambda scene: scene.name.replace(" ", "-"))
def test_the_controller_has_the_same_effects_by_moto(
    scene: Scene, sdk: boto3.session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = scene.prepared()
    with moto_world(sdk, monkeypatch) as world:
        by_moto: Any = world
        by_moto.sqs = world.all_of_sqs
        world.deploy(Limits(workers=100, vcpu=1e6, memory_gb=1e6, usd_per_hour=1e6))
        scene.before(by_moto)
        for one in (memory, by_moto):
            scene.act(one)
            one.later(60)
            one.sweep()
            one.request(KEYS, "stop")
        assert told(memory) == told(world)
        assert world.history.effects

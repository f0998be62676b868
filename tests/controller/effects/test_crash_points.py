"""Whatever fails at whichever effect of an operation, once or twice, it comes to its end.

Each operation is played once undisturbed. Then each of its effects is struck in turn, time passes,
and the same must have come of it: no worker too many, no session lost, nothing left behind, every
second billed once, and every effect in its order.
"""

from __future__ import annotations

import logging

import pytest

from .faults import Fault, every_fault
from .memory_world import MemoryWorld
from .scenes import SCENES, Scene, cleaned_up, recover


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="starburst")


def outcome(scene: Scene, world: MemoryWorld) -> str:
    """Play on to the end, and return what is wrong with it."""
    try:
        scene.played(world)
        recover(world, rounds=scene.rounds)
        scene.after(world)
        cleaned_up(world)
        assert world.wrong == []
    except AssertionError as error:
        return str(error)[:500] or "something is wrong"
    return ""


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name.replace(" ", "-"))
def test_it_comes_to_its_end_whichever_effect_fails(scene: Scene) -> None:
    prepared, undisturbed = scene.prepared(), Fault()
    world = prepared.copied()
    undisturbed.begin(world.history)
    assert outcome(scene, world) == "", "nothing went wrong"
    world, undisturbed = prepared.copied(), Fault()
    undisturbed.begin(world.history)
    scene.act(world)
    failed = {}
    for fault in every_fault(undisturbed.calls):
        world = prepared.copied()
        fault.begin(world.history)
        wrong = outcome(scene, world)
        if wrong:
            failed[f"{fault.kind} at {fault.at}, {fault.struck}, left {fault.times}"] = wrong
    assert failed == {}

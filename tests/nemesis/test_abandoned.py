"""Workers whose controller is dead end with their session; without their own end, they do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from starburst.contract.times import GONE_SECONDS, OVERDUE_SECONDS
from starburst.worker.ending.lifetime import Lifetime

from .abandoned import abandon
from .order.rules import broken
from .order.story import Story
from .scenes import scene
from .world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with scene(tmp_path) as here:
        here.world.sky.notes.on = lambda _: None  # no task is let go but as a test says
        yield here.world


def test_workers_whose_controller_is_dead_are_gone_in_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One waits for work; the other one's task does not end, however long its grace."""
    monkeypatch.setattr(world.plan, "number", lambda *_: 0.9)
    wrong, late = abandon(world)
    assert not wrong
    assert len(late) == 2
    assert all(OVERDUE_SECONDS - 2 <= each <= GONE_SECONDS for each in late)
    assert not broken(Story.of(world.sky.notes))


def test_without_their_own_end_they_stay(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lifetime, "over", lambda *_, **__: "")
    wrong, late = abandon(world, busy=False)
    assert len(wrong) == 2
    assert all("after its session's deadline" in sentence for sentence in wrong)
    assert min(late) > GONE_SECONDS

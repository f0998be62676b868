"""Whatever happens to sessions, in whichever order and wherever it dies, no total is exceeded.

What is summed up here knows nothing of the book: the records of sessions that may have workers, the
tasks of ECS, and what those did cost at list price.
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from starburst.contract import Totals
from starburst.controller.state.sessions import Record
from starburst.controller.totals.book import BOOK
from starburst.pricing.prices import load
from starburst.pricing.tariff import worker_usd
from tests.controller.effects.faults import Died
from tests.controller.effects.memory_world import MemoryWorld, a_world
from tests.controller.effects.scenes import TROUBLES
from tests.controller.totals.crowd import Crowd
from tests.controller.totals.people import ALL, book_of, deploy, keys_of, named
from tests.controller.world import refused
from tests.manifests import a_manifest

MOST = 7
"""Workers of a workspace."""

USD = 0.9
"""A workspace's on one day: seven workers cost 41 cents an hour."""

ACTS = ("start", "start", "start", "wait", "stop", "extend", "sweep", "deliver", "lose", "later")


@dataclass(kw_only=True)
class Play:
    """One environment, whose sessions begin, end and die.

    Attributes:
        world: it.
        random: of the play.
        begun: how many sessions were asked for.
        wrong: what was exceeded.
    """

    world: MemoryWorld
    random: Random
    begun: int = 0
    wrong: list[str] = field(default_factory=list)

    def act(self, name: str) -> None:
        """Do one thing, as a client, AWS or time does."""
        world, number = self.world.beside(), self.random.randrange(max(1, self.begun))
        with contextlib.suppress(*TROUBLES):
            match name:
                case "start" | "wait":
                    self.begun += 1
                    self.begin(world, self.begun - 1, waits=name == "wait")
                case "stop":
                    world.request_only(keys_of(number), "stop")
                case "extend":
                    later = world.now + self.random.choice((3600, 14_400))
                    world.request_only(keys_of(number), "extend", deadline=later)
                case "sweep":
                    world.sweep()
                case "deliver":
                    world.deliver(rounds=2)
                case "lose" if world.ecs.live():
                    world.ecs.end(self.random.choice(world.ecs.live()), exit_code=1)
                case "later":
                    world.later(self.random.choice((5, 61, 130, 3600)))

    def begin(self, world: MemoryWorld, number: int, *, waits: bool) -> None:
        manifest = a_manifest(
            session=named(number),
            workers=self.random.randint(1, 5),
            wait_seconds=600 if waits else None,
            timeout_seconds=self.random.choice((1800, 7200, 14_400)),
        )
        world.put(manifest.keys.manifest, manifest.to_json())
        world.request_only(manifest.keys, "start")

    def look(self) -> None:
        """Sum up what runs and what it did cost; note what is too much."""
        world = self.world
        held: Counter[str] = Counter()
        for key in world.keys_under("_control/active/"):
            record = world.record(keys_of(int(key.rpartition("/")[2].removesuffix(".json"))))
            if not record.waits_until:
                held["workers"] += record.workers
        held["tasks"] = len(world.ecs.live())
        self.wrong += [f"{held[what]} {what}" for what in held if held[what] > MOST]

    def deadline(self, session: str) -> float:
        keys = keys_of(int(session))
        there = {*self.world.keys_under("_control/")} & {keys.control_record, keys.ended_record}
        return Record.from_json(self.world.read(there.pop())).deadline

    def cost(self) -> float:
        """Return what all tasks have cost until their sessions' deadlines, to the second.

        How soon after it a session ends is the sweeps' affair, of which there are few here.
        """
        document = self.world.environment.document()
        usd = worker_usd(
            document,
            cpu=1,
            memory_gb=4,
            scratch_gb=20,
            architecture="",
            prices=load(document.region),
        )
        seconds = 0.0
        for task in self.world.ecs.tasks.values():
            end = task.get("stoppedAt")
            until = self.world.now if end is None else end.timestamp()
            until = min(until, self.deadline(task["startedBy"]))
            seconds += max(0.0, until - task["createdAt"].timestamp())
        return usd * seconds / 3600


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="starburst")


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    seed=st.integers(0, 2**32 - 1),
    deaths=st.sampled_from((0, 10, 30)),
    rounds=st.lists(st.lists(st.sampled_from(ACTS), min_size=1, max_size=8), max_size=8),
)
def test_no_total_is_exceeded(seed: int, deaths: int, rounds: list[list[str]]) -> None:
    random = Random(seed)  # noqa: S311 - a test, not a secret
    world = a_world()
    deploy(world, workspace=replace(ALL, workers=MOST, usd_per_day=USD), person=Totals())
    play = Play(world=world, random=random)
    stop_task = world.ecs.stop_task

    def stop_some(**words: Any) -> Any:
        if random.random() < 0.3:
            raise refused("ThrottlingException")
        return stop_task(**words)

    world.ecs.stop_task = stop_some  # type: ignore[method-assign]
    for acts in rounds:
        crowd = Crowd(
            random=random,
            works=[partial(play.act, act) for act in acts],
            deaths=deaths,
            watch=play.look,
        )
        crowd.play(world.history)
        play.look()
    world.ecs.stop_task = stop_task  # type: ignore[method-assign]
    # All that was begun comes to its end, and then nobody holds anything.
    for _ in range(4):
        world.restarted()
        world.later(14_400)
        for _ in range(2):
            with contextlib.suppress(Died, *TROUBLES):
                world.sweep()
                world.deliver(rounds=5)
    assert play.wrong == []
    assert play.cost() <= USD + 1e-6, "no more than was agreed"
    assert world.ecs.live() == []
    if BOOK in world.store.objects:
        book = book_of(world)
        assert (book.grants, book.waiting) == ({}, ())

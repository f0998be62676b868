"""Two invocations at once: wherever one is interrupted by the other, what comes of it is the same.

The first has some of its effects, then the second some of its own, then the first has all that are
left, and then the second. All such orders are tried in which the second is interrupted nowhere, and
those in which it is before it writes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import pytest

from tests.manifests import a_manifest

from .memory_world import MemoryWorld
from .scenes import KEYS, SCENES, Scene, cleaned_up, recover
from .schedule import acting


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="starburst")


def scene(name: str) -> Scene:
    return next(one for one in SCENES if one.name == name)


ALL: Final = 999
"""More effects than any operation has."""

NEXT: Final = a_manifest(session="b" * 20).keys

Work = Callable[[MemoryWorld], object]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two operations that meet.

    Attributes:
        name: what meets what.
        before: the scene that tells what has happened until then.
        first, second: the two.
        after: what must come of it.
        counted: whether every worker is the session's own, and none an orphan of it.
    """

    name: str
    before: Scene
    first: Work
    second: Work
    after: Callable[[MemoryWorld], None]
    counted: bool = True


def sweep(world: MemoryWorld) -> object:
    return world.sweep()


def deliver(world: MemoryWorld) -> object:
    return world.deliver()


def tend(world: MemoryWorld) -> object:
    """The message that wakes comes twice."""
    body = f'{{"starburst": "tend", "session": "{KEYS.session}"}}'
    return world.tell({"Records": [{"messageId": "m", "body": body}]})


def ask(action: str) -> Work:
    def act(world: MemoryWorld) -> object:
        # Each request is an object of its own.
        text = f'{{"protocol": 1, "action": "{action}"}}'.encode()
        return world.ask(action, world.put(KEYS.request(action), text))

    return act


def stop_and_leave(world: MemoryWorld) -> object:
    """A session comes to its end and is filed away, while another still tells of it."""
    ask("stop")(world)
    return world.deliver()


def ended(world: MemoryWorld) -> None:
    status = world.status(KEYS)
    assert status.state == "ended"
    assert "leaving" not in status.reason
    assert world.ecs.live() == []
    assert world.queues() == []


def again(world: MemoryWorld) -> object:
    """Another session of the same user asks for the endpoints, within the look that closes them."""
    manifest = a_manifest(session=NEXT.session, workers=2)
    world.put(NEXT.manifest, manifest.to_json())
    answer = world.request_only(NEXT, "start")
    assert answer["ok"]
    return world.deliver()


def at_work_or_ended(world: MemoryWorld) -> None:
    """Who stops before there is a record stops nothing."""
    if world.keys_under(KEYS.control_record):
        START.after(world)
    else:
        assert (world.ecs.live(), world.queues()) == ([], [])


def opened(world: MemoryWorld) -> None:
    assert world.stack.value == "on"
    assert len(world.ecs.live(NEXT.session)) == 2
    assert world.request(NEXT, "stop") == {"ok": True}


LAUNCH, LOSS, LEAVE = scene("launch"), scene("loss swept"), scene("leave")
DEADLINE, SURPLUS, START, STOP = map(scene, ("deadline", "surplus", "start", "stop"))
CLOSING = scene("closing")

PAIRS: Final = (
    Pair(name="sweep-sweep-loss", before=LOSS, first=sweep, second=sweep, after=LOSS.after),
    Pair(
        name="event-sweep-loss",
        before=LOSS,
        first=scene("loss told").act,
        second=sweep,
        after=LOSS.after,
    ),
    Pair(name="launch-sweep", before=LAUNCH, first=deliver, second=sweep, after=LAUNCH.after),
    Pair(name="launch-launch", before=LAUNCH, first=deliver, second=tend, after=LAUNCH.after),
    Pair(
        name="launch-stop",
        before=LAUNCH,
        first=deliver,
        second=ask("stop"),
        after=ended,
        counted=False,
    ),
    Pair(name="start-start", before=START, first=START.act, second=START.act, after=START.after),
    Pair(
        name="start-stop",
        before=START,
        first=START.act,
        second=ask("stop"),
        after=at_work_or_ended,
    ),
    Pair(name="sweep-sweep-end", before=DEADLINE, first=sweep, second=sweep, after=DEADLINE.after),
    Pair(name="leave-sweep", before=LEAVE, first=deliver, second=sweep, after=LEAVE.after),
    Pair(name="leave-refresh", before=LEAVE, first=deliver, second=ask("refresh"), after=ended),
    Pair(name="refresh-stop", before=STOP, first=ask("refresh"), second=ask("stop"), after=ended),
    Pair(name="refresh-end", before=STOP, first=ask("refresh"), second=stop_and_leave, after=ended),
    Pair(name="sweep-end", before=STOP, first=sweep, second=stop_and_leave, after=ended),
    Pair(
        name="extend-stop", before=STOP, first=scene("extend").act, second=ask("stop"), after=ended
    ),
    Pair(
        name="closing-start", before=CLOSING, first=sweep, second=again, after=opened, counted=False
    ),
    Pair(
        name="sweep-sweep-surplus", before=SURPLUS, first=sweep, second=sweep, after=SURPLUS.after
    ),
)


def cuts(prepared: MemoryWorld, work: Work) -> tuple[int, list[int]]:
    """Return how many effects an operation has, and before which of them it writes."""
    world = prepared.copied()
    had = len(world.history.effects)
    work(world)
    calls = [e.call for e in world.history.effects[had:] if e.call != "log"]
    reads = ("describe_", "get_", "head_", "list_")
    writes = [n for n, call in enumerate(calls) if not call.partition(".")[2].startswith(reads)]
    return len(calls), writes


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_it_is_as_if_one_had_come_after_the_other(pair: Pair) -> None:
    prepared = pair.before.prepared()
    count, _ = cuts(prepared, pair.first)
    _, writes = cuts(prepared, pair.second)
    failed = {}
    for i in range(count + 1):
        for j in (*writes, ALL):
            world = prepared.copied()
            wrong = outcome(pair, world, i, j)
            if wrong:
                failed[f"after {i} and {j}"] = wrong
    assert failed == {}


def outcome(pair: Pair, world: MemoryWorld, i: int, j: int) -> str:
    """Play on to the end, and return what is wrong with it."""
    try:
        works = [partial(work, world.beside()) for work in (pair.first, pair.second)]
        with acting(world.history, *works) as (first, second):
            for _ in range(i):
                first.step()
            for _ in range(j):
                second.step()
            first.finish()
        errors = [repr(actor.error) for actor in (first, second) if actor.error]
        assert not errors, errors
        recover(world, rounds=pair.before.rounds)
        pair.after(world)
        cleaned_up(world, counted=pair.counted)
        assert world.wrong == [], world.wrong
    except AssertionError as error:
        return str(error)[:500] or "something is wrong"
    return ""

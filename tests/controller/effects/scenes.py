"""Every public operation of the controller, what comes before it, and what must come of it.

Each scene is played undisturbed, and then with a fault at each of its effects. What must come of it
is the same: people may have to wait for it, and see nothing else.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from starburst.contract import Limits, Totals
from starburst.controller.endpoints import GRACE_SECONDS
from starburst.controller.sweep import SweepFailed
from starburst.controller.totals.book import BOOK, Book
from starburst.controller.totals.grants import RESERVED_SECONDS
from starburst.pricing.prices import Capacity, billed_seconds
from tests.controller.world import refused
from tests.manifests import a_manifest

from .faults import Died
from .memory_world import MemoryWorld, a_world

__all__ = ["KEYS", "SCENES", "TROUBLES", "Scene", "cleaned_up", "recover"]

KEYS: Final = a_manifest().keys
WORKERS: Final = 12
"""Two calls of RunTask."""

FEW: Final = 2
"""Where it is about their end, each of which is an effect."""

OTHER: Final = "b" * 20

_PAUSE: Final = 55
"""Seconds between two looks while all recovers."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One operation.

    Attributes:
        name: what happens.
        act: the operation, asked for by a client or by AWS.
        before: what has happened until then.
        after: what must come of it; raises AssertionError.
        asked: whether a client asks, who asks again where no answer came.
        endpoints: whether they come and go.
        rounds: looks that it takes to recover.
    """

    name: str
    act: Callable[[MemoryWorld], Any]
    after: Callable[[MemoryWorld], None]
    before: Callable[[MemoryWorld], None] = lambda world: None
    asked: bool = False
    endpoints: bool = False
    rounds: int = 3

    def prepared(self) -> MemoryWorld:
        """Return the world in which it is about to happen."""
        world = a_world(endpoints=self.endpoints)
        world.deploy(Limits(workers=100, vcpu=1e6, memory_gb=1e6, usd_per_hour=1e6))
        self.before(world)
        return world

    def played(self, world: MemoryWorld) -> None:
        """Let it happen, whatever goes wrong; a client asks until it hears well."""
        for _ in range(3 if self.asked else 1):
            try:
                answer = self.act(world)
            except (Died, *TROUBLES):
                answer = None
            if not self.asked or (isinstance(answer, dict) and answer.get("ok")):
                return
            world.later(5)
            world.restarted()


TROUBLES: Final = (SweepFailed, ClientError, BotoCoreError)


def recover(world: MemoryWorld, *, rounds: int, pause: float = _PAUSE) -> None:
    """Let time pass, messages arrive and sweeps begin, each in what is left of the last one."""
    for _ in range(rounds):
        world.restarted()
        world.later(pause)
        for step in (world.deliver, world.sweep, world.deliver):
            with contextlib.suppress(Died, *TROUBLES):
                step()


def cleaned_up(world: MemoryWorld, *, counted: bool = True) -> None:
    """End what goes on, and see that nothing is left and that all of it is accounted for.

    Args:
        world: in which all has recovered.
        counted: whether every worker is known to the session's record; orphans of it are not.
    """
    world.history.interfere = None
    if world.keys_under(KEYS.control_record):
        assert world.request(KEYS, "stop") == {"ok": True}
        recover(world, rounds=1)
    assert world.ecs.live() == [], "a worker is left"
    assert world.queues() == [], "a queue is left"
    messages = world.sqs.queues[world.environment.settings.wakes]
    assert messages == [], "a message comes again and again"
    book = Book()
    if BOOK in world.store.objects:
        if json.loads(world.read(BOOK))["grants"]:  # of a start that died, or whose stop came first
            world.later(RESERVED_SECONDS)
            world.sweep()
        book = Book.from_json(world.read(BOOK))
        assert (book.grants, book.waiting) == ({}, ()), "room is held, or waited for, by nobody"
    left = [key for key in world.keys_under("_control/") if not key.endswith("endpoints.json")]
    if not world.ecs.tasks and not left:
        return
    assert KEYS.ended_record in left, "the session is lost"
    assert world.keys_under("_control/active/") == [], "a session is not filed away"
    if world.keys_under(KEYS.status):  # one that was stopped while it began was never told of
        assert world.status(KEYS).state in ("ended", "failed")
    if not counted:
        return
    spent = sum(sum(by.values()) for by in book.months.values())
    ended = map(world.read, world.keys_under("_control/ended/"))
    cost = sum(json.loads(one)["usd"] for one in ended)
    assert round(spent - cost, 9) == 0, "money is miscounted"
    record = json.loads(world.read(KEYS.ended_record))
    tasks = [task for task in world.ecs.tasks.values() if task["startedBy"] == KEYS.session]
    assert len(record["settled"]) == len(tasks), "workers that nobody counted"
    seconds = sum(
        billed_seconds((task["stoppedAt"] - task["startedAt"]).total_seconds()) for task in tasks
    )
    assert round(record["seconds"] - seconds, 3) == 0, "what workers cost is miscounted"


# What happens.


def ask(action: str, **body: Any) -> Callable[[MemoryWorld], Any]:
    return lambda world: world.request_only(KEYS, action, **body)


def ask_to_start(world: MemoryWorld, capacity: Capacity = "on-demand", **fields: Any) -> Any:
    fields = {"workers": WORKERS, "capacity": capacity, "timeout_seconds": 7200, **fields}
    manifest = a_manifest(**fields)
    world.put(manifest.keys.manifest, manifest.to_json())
    return world.request_only(manifest.keys, "start")


def start(world: MemoryWorld, **fields: Any) -> None:
    """A session is at work, with more to do than its workers take at once, and was looked at."""
    url = ask_to_start(world, **fields)["queue_url"]
    world.deliver()
    world.send(url, 3 * WORKERS)
    world.later(60)
    world.sweep()
    world.later(10)


def start_few(world: MemoryWorld) -> None:
    start(world, workers=FEW)


def until_it_was_stopped(world: MemoryWorld) -> None:
    start(world, workers=FEW)
    world.request_only(KEYS, "stop")


def lose(world: MemoryWorld) -> Any:
    start(world)
    world.later(60)
    world.ecs.end(world.ecs.live()[0], exit_code=1)
    return world.ecs.end(world.ecs.live()[0], exit_code=1)


def sweep(world: MemoryWorld) -> Any:
    return world.sweep()


def deliver(world: MemoryWorld) -> Any:
    return world.deliver()


def until_its_deadline(world: MemoryWorld) -> None:
    start(world, workers=FEW)
    world.later(7200)


def until_nothing_moved(world: MemoryWorld) -> None:
    start(world)
    world.sqs.purge_queue(QueueUrl=world.queues()[0])
    world.later(60)
    world.sweep()
    world.later(120)


def until_the_limit_was_lowered(world: MemoryWorld) -> None:
    start(world, workers=3)
    world.later(60)
    world.ecs.add(KEYS.session)
    world.deploy(Limits(workers=2))


def until_orphans_are_there(world: MemoryWorld) -> None:
    start(world)
    for _ in range(2):
        world.ecs.add("c" * 20)
    world.sqs.create_queue(QueueName=f"starburst-prod-genomics-{'d' * 20}")


def until_workers_cannot_start(world: MemoryWorld) -> None:
    ask_to_start(world)
    world.ecs.answers = [refused("InvalidParameterException", "No Fargate configuration")] * 99


def where_there_is_little_room(world: MemoryWorld) -> None:
    url = ask_to_start(world, "mixed")["queue_url"]
    world.send(url, 3 * WORKERS)
    world.ecs.room = {"FARGATE_SPOT": 5}


def where_the_quota_is_small(world: MemoryWorld) -> None:
    url = ask_to_start(world)["queue_url"]
    world.send(url, 3 * WORKERS)
    world.ecs.room = {"FARGATE": 7}
    world.ecs.excuse = "You've reached the limit on the number of vCPUs you can run concurrently"


def until_there_is_room(world: MemoryWorld) -> None:
    """It waits for a session that its user has told to stop, and whose worker has not left."""
    world.deploy(
        Limits(workers=100, vcpu=1e6, memory_gb=1e6, usd_per_hour=1e6),
        user_totals=Totals(workers=FEW),
    )
    other = a_manifest(session=OTHER, workers=1)
    world.put(other.keys.manifest, other.to_json())
    world.request(other.keys, "start")
    ask_to_start(world, workers=FEW, wait_seconds=3600)
    world.deliver()
    world.request_only(other.keys, "stop")


def until_the_grace_is_over(world: MemoryWorld) -> None:
    world.stack.quick = True
    start(world)
    world.request(KEYS, "stop")
    world.sweep()
    world.later(GRACE_SECONDS)


# What must come of it.


def at_work(
    world: MemoryWorld, *, workers: int = WORKERS, lost: int = 0, counted: bool = True
) -> None:
    record, status = world.record(KEYS), world.status(KEYS)
    assert len(world.ecs.live(KEYS.session)) == workers
    assert (status.state, status.workers_running) == ("running", workers)
    assert (record.lost, record.launch, len(record.known)) == (lost, None, workers)
    made = sum(task["startedBy"] == KEYS.session for task in world.ecs.tasks.values())
    least = sum(bool(task["tags"]) for task in world.ecs.tasks.values()) if counted else 0
    assert least <= record.launched <= made, "launches are miscounted"
    assert len(world.queues()) == 1


def healed(world: MemoryWorld) -> None:
    at_work(world, lost=2)


def extended(world: MemoryWorld) -> None:
    at_work(world)
    assert world.status(KEYS).deadline == world.status(KEYS).started + 9000


def over(state: str, reason: str) -> Callable[[MemoryWorld], None]:
    def judge(world: MemoryWorld) -> None:
        status = world.status(KEYS)
        assert status.state == state
        assert reason in status.reason
        assert "leaving" not in status.reason
        assert world.keys_under("_control/active/") == []

    return judge


def sent_again(world: MemoryWorld) -> None:
    recover(world, rounds=4, pause=240)
    bodies = [json.loads(message.body) for message in world.sqs.queues[world.queues()[0]]]
    assert 1 <= len(bodies) <= 3, "workers are asked to look, and not every time"
    at_work(world)


def fewer(world: MemoryWorld) -> None:
    at_work(world, workers=2)


def had_its_turn(world: MemoryWorld) -> None:
    at_work(world, workers=FEW, counted=False)
    assert (world.record(KEYS).waits_until, world.status(KEYS).place) == (0, 0)


def filled_up(world: MemoryWorld) -> None:
    assert len(world.ecs.live(KEYS.session)) == 7
    assert "5 waiting for the account's Fargate vCPU quota" in world.status(KEYS).reason
    world.ecs.room = {}
    recover(world, rounds=3, pause=300)
    at_work(world, counted=False)


def closed(world: MemoryWorld) -> None:
    assert world.stack.value == "off"
    assert world.stack.wishes in (["on", "off"], ["off"])


def opened(world: MemoryWorld) -> None:
    at_work(world)
    assert world.stack.value == "on"


def tell_of_a_loss(world: MemoryWorld) -> Any:
    task = next(task for task in world.ecs.tasks.values() if task["lastStatus"] == "STOPPED")
    detail = json.loads(json.dumps(task, default=lambda moment: moment.isoformat()))
    message = json.dumps({"source": "aws.ecs", "detail": detail})
    return world.tell({"Records": [{"messageId": "m", "body": message}]})


SCENES: Final = (
    Scene(name="start", act=ask_to_start, after=at_work, asked=True),
    Scene(name="launch", before=ask_to_start, act=deliver, after=at_work),
    Scene(name="refresh", before=start, act=ask("refresh"), after=at_work, asked=True),
    Scene(
        name="extend",
        before=start,
        act=lambda world: world.request_only(
            KEYS, "extend", deadline=world.record(KEYS).started + 9000
        ),
        after=extended,
        asked=True,
    ),
    Scene(
        name="stop",
        before=start_few,
        act=ask("stop"),
        after=over("ended", "stopped by its user"),
        asked=True,
    ),
    Scene(
        name="leave",
        before=until_it_was_stopped,
        act=deliver,
        after=over("ended", "stopped by its user"),
    ),
    Scene(name="loss told", before=lambda w: (lose(w), None)[-1], act=tell_of_a_loss, after=healed),
    Scene(name="loss swept", before=lambda w: (lose(w), None)[-1], act=sweep, after=healed),
    Scene(
        name="deadline",
        before=until_its_deadline,
        act=sweep,
        after=over("ended", "stopped at its deadline"),
    ),
    Scene(
        name="no start",
        before=until_workers_cannot_start,
        act=deliver,
        after=over("failed", "No Fargate configuration"),
    ),
    # Its client is not there to ask, and after two minutes it would be dropped.
    Scene(name="turn", before=until_there_is_room, act=deliver, after=had_its_turn, rounds=2),
    Scene(name="surplus", before=until_the_limit_was_lowered, act=sweep, after=fewer),
    Scene(name="stall", before=until_nothing_moved, act=sweep, after=sent_again),
    Scene(name="orphans", before=until_orphans_are_there, act=sweep, after=at_work),
    Scene(
        name="no Spot",
        before=where_there_is_little_room,
        act=deliver,
        # Who dies between two calls leaves workers that are seen, and counts none of them.
        after=lambda world: at_work(world, counted=False),
    ),
    Scene(name="quota", before=where_the_quota_is_small, act=deliver, after=filled_up),
    Scene(
        name="opening",
        before=lambda world: (
            setattr(world.stack, "quick", True),
            ask_to_start(world),
            None,
        )[-1],
        act=deliver,
        after=opened,
        endpoints=True,
        rounds=6,
    ),
    Scene(
        name="closing",
        before=until_the_grace_is_over,
        act=sweep,
        after=closed,
        endpoints=True,
        rounds=6,
    ),
)

"""The controller's world in memory: made in a moment, and made again as it was."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from starburst.controller.handler import Controller
from starburst.controller.state.environment import Clients, Environment
from starburst.controller.totals.book import BOOK
from tests.controller.effects.history import History
from tests.controller.effects.memory_cloud import MemoryParameters, MemoryQueues, MemoryStore
from tests.controller.effects.rules import broken
from tests.controller.endpoints_stack import ROLE, STACK, FakeStack
from tests.controller.world import BUCKET, TURN, WAKES, FakeEcs, World, settings

__all__ = ["MemoryWorld", "a_world"]

NOON = 1_800_000_000.0


@dataclass(kw_only=True)
class MemoryWorld(World):
    """A world whose clouds are in memory."""

    store: MemoryStore
    sqs: MemoryQueues
    parameters: MemoryParameters
    stack: FakeStack

    def put(self, key: str, body: bytes) -> str:
        self.store.put_object(Bucket=BUCKET, Key=key, Body=body)
        return key

    def read(self, key: str) -> bytes:
        return self.store.objects[key].body

    def queues(self) -> list[str]:
        return sorted(url for url in self.sqs.queues if not url.endswith(WAKES))

    def keys_under(self, prefix: str) -> list[str]:
        notes = (TURN, BOOK)
        return sorted(k for k in self.store.objects if k.startswith(prefix) and k not in notes)

    def restarted(self) -> None:
        """Lambda takes a fresh container."""
        self.environment._document = None
        self.controller = Controller(self.environment)

    def beside(self) -> MemoryWorld:
        """Return the same world with a container of its own."""
        other = copy.copy(self)
        other.controller = Controller(self.environment)
        return other

    def copied(self) -> MemoryWorld:
        """Return another world in the same state, with a history of its own."""
        other = a_world(endpoints=bool(self.environment.settings.endpoints_stack))
        other.moment[0] = self.now
        other.store.objects = dict(self.store.objects)
        other.store.writes = self.store.writes
        other.sqs.queues = {url: [*map(copy.copy, had)] for url, had in self.sqs.queues.items()}
        other.sqs.attributes, other.sqs.sent = dict(self.sqs.attributes), self.sqs.sent
        other.parameters.values = dict(self.parameters.values)
        names = ("tasks", "tokens", "answers", "first_status", "room", "excuse", "honours_tokens")
        for name, value in zip(
            names, copy.deepcopy([getattr(self.ecs, n) for n in names]), strict=True
        ):
            setattr(other.ecs, name, value)
        other.stack.value, other.stack.status = self.stack.value, self.stack.status
        other.stack.quick, other.stack.events = self.stack.quick, list(self.stack.events)
        # What was written before is known to who judges what comes after.
        other.history.effects = list(self.history.effects)
        other.history.until = list(self.history.until)
        return other

    @property
    def wrong(self) -> list[str]:
        """What broke a rule so far."""
        return broken(self.history, wakes=self.environment.settings.wakes)


def a_world(*, endpoints: bool = False) -> MemoryWorld:
    """A deployed environment with nothing in it; its endpoints come and go, or are always there."""
    moment, pauses = [NOON], list[float]()

    def clock() -> float:
        return moment[0]

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        moment[0] += seconds

    ecs, stack = FakeEcs(now=clock), FakeStack(now=clock)
    store, sqs, parameters = MemoryStore(now=clock), MemoryQueues(now=clock), MemoryParameters()
    history = History(clock=clock, fleet=ecs.staying)
    environment = Environment(
        settings=settings(
            wakes=sqs.create_queue(QueueName=WAKES)["QueueUrl"],
            endpoints_stack=STACK if endpoints else "",
            endpoints_role=ROLE if endpoints else "",
        ),
        clients=Clients(
            s3=history.client("s3", store),
            sqs=history.client("sqs", sqs),
            ecs=history.client("ecs", ecs),
            ssm=history.client("ssm", parameters),
            cloudformation=history.client("cloudformation", stack) if endpoints else None,
        ),
        clock=clock,
        pause=pause,
    )
    world = MemoryWorld(
        environment=environment,
        controller=Controller(environment),
        ecs=ecs,
        moment=moment,
        pauses=pauses,
        history=history,
        store=store,
        sqs=sqs,
        parameters=parameters,
        stack=stack,
    )
    world.deploy()
    return world

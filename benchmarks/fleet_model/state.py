"""What the client, the workers and the controller of a session share in the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from starburst._protocol.sealed.chunks import INLINE_BYTES
from starburst.controller.handler import Controller
from starburst.controller.state.environment import Clients, Environment

from .clock import Clock, Meter
from .cloud import Cloud, Message, Task
from .terms import Plan, document, manifest, settings

__all__ = ["BYTES_A_SECOND", "S3_SECONDS", "SQS_SECONDS", "Chunk", "State", "billed_units"]

S3_SECONDS: Final = 0.025
SQS_SECONDS: Final = 0.012
BYTES_A_SECOND: Final = 80e6
_BILLING_UNIT: Final = 65_536


@dataclass
class Chunk:
    """A chunk: its tasks, the bytes of its body, and how many of its tasks have no result."""

    first: int
    tasks: int
    body: int
    open: int
    nodes: int = 0


class State(ABC):
    """One run of a plan, as far as all sides see it. Times are seconds on the virtual clock.

    Attributes:
        left: tasks that have no committed result.
        collected: tasks whose results the client has read.
        unread: tasks of each committed node that the client has not read.
        nodes: committed so far.
        starts: when each worker began.
        over: whether the run has ended.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.clock = Clock()
        self.meter = Meter()
        self.random = Random(plan.seed)  # noqa: S311 - a model, not a secret
        self.cloud = Cloud(
            clock=self.clock,
            meter=self.meter,
            random=self.random,
            parameter=document().to_json(),
            launched=self._launched,
            woken=self._queue,
        )
        clients: Any = self.cloud
        self.controller = Controller(
            Environment(
                settings=settings(),
                clients=Clients(s3=clients, sqs=clients, ecs=clients, ssm=clients),
                clock=self.cloud.time,
                pause=self.cloud.pause,
            )
        )
        self.manifest = manifest(plan)
        self.chunks: list[Chunk] = []
        self.left = len(plan.durations)
        self.unread: deque[int] = deque()
        self.first_open = 0
        self.nodes_before = 0
        self.nodes = 0
        self.collected = 0
        self.ranges = 0
        self.work_began: float | None = None
        self.last_commit = 0.0
        self.last_collected = 0.0
        self.over = False
        self.starts: list[float] = []

    def invoke(self, event: dict[str, Any], *, door: str) -> dict[str, Any]:
        """Invoke the controller's function by one of its aliases."""
        self.cloud.cursor = max(self.cloud.cursor, self.clock.now)
        return self.controller.handle(event, door=door, seconds=60)

    def send(self, messages: Sequence[Message], moment: float) -> float:
        """Send messages in batches from ``moment`` on; return when that is done."""
        if not messages:
            return moment
        body = self.message_bytes(messages[0])
        per_call = max(1, min(10, 1_000_000 // body))
        for start in range(0, len(messages), per_call):
            batch = messages[start : start + per_call]
            moment += SQS_SECONDS + len(batch) * body / BYTES_A_SECOND
            self.meter.note("sqs:SendMessage", moment, billed=billed_units(len(batch) * body))
            self.clock.at(moment, lambda batch=batch: self._arrive(batch))
        return moment

    def message_bytes(self, message: Message) -> int:
        """Return the size of a message; small chunks travel in theirs."""
        body = self.chunks[message.chunk].body
        return 200 + (body * 4 // 3 if body <= INLINE_BYTES else 0)

    @abstractmethod
    def _arrive(self, batch: Sequence[Message]) -> None:
        """Let messages become visible."""

    @abstractmethod
    def _queue(self, body: str) -> None:
        """Put a message into the queue that wakes the controller."""

    @abstractmethod
    def _launched(self, task: Task) -> None:
        """Take note of a task that will run."""


def billed_units(size: int) -> int:
    """Return how many requests SQS bills for a message of so many bytes."""
    return max(1, -(-size // _BILLING_UNIT))

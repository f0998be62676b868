"""One session in the model: its client, its workers, and the controller that tends them."""

from __future__ import annotations

import json
from typing import Final

from starburst.contract import ControllerDoor

from .client import Client
from .cloud import Task
from .terms import Plan
from .workers import Workers

__all__ = ["Session"]

_SWEEP_SECONDS: Final = 60.0
_WINDOW_SECONDS: Final = 1.0
_BATCH: Final = 100
_STOPPED: Final = "UserInitiated"
_FINISHED: Final = "EssentialContainerExited"


class Session(Client, Workers):
    """One run of a plan. After :meth:`run`, its attributes say what happened."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._wakes: list[str] = []

    def run(self) -> Session:
        """Play it to its end."""
        self.clock.at(0.0, self._open)
        self.clock.at(_SWEEP_SECONDS, self._sweep)
        self.clock.run(lambda: self.over)
        return self

    def _sweep(self) -> None:
        if self.clock.now >= self.plan.controller_dies:
            self.clock.at(self.clock.now + _SWEEP_SECONDS, self._sweep)
            self.over = all(task.stopped is not None for task in self.cloud.tasks.values())
            return
        self.meter.note("lambda:Invoke", self.clock.now)
        self.invoke({"starburst": "sweep"}, door=ControllerDoor.SERVICE)
        live = any(task.stopped is None for task in self.cloud.tasks.values())
        if self.cloud.queue is None and not live and self.clock.now > _SWEEP_SECONDS:
            self.over = True
            return
        self.clock.at(max(self.clock.now + _SWEEP_SECONDS, self.cloud.cursor), self._sweep)

    def _stopped(self, task: Task) -> None:
        """Send ECS's event, where the rule lets it through: not of workers that finished."""
        if task.stop_code in (_STOPPED, _FINISHED):
            return
        detail = json.loads(json.dumps(task.describe(self.clock.now), default=str))
        self._queue(json.dumps({"source": "aws.ecs", "detail": detail}))

    def _queue(self, body: str) -> None:
        """Have what arrives within one batching window handed to one invocation."""
        if not self._wakes:
            moment = max(self.clock.now, self.cloud.cursor) + _WINDOW_SECONDS
            self.clock.at(moment, self._wake)
        self._wakes.append(body)

    def _wake(self) -> None:
        batch, self._wakes = self._wakes[:_BATCH], self._wakes[_BATCH:]
        self.meter.note("lambda:Invoke", self.clock.now)
        for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage"):
            self.meter.note(action, self.clock.now, count=-(-len(batch) // 10))
        records = [{"messageId": str(n), "body": body} for n, body in enumerate(batch)]
        answer = self.invoke({"Records": records}, door=ControllerDoor.SERVICE)
        assert answer == {"batchItemFailures": []}, answer  # noqa: S101 - the model shows all
        if self._wakes:
            self.clock.at(self.cloud.cursor, self._wake)

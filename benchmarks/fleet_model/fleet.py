"""One session in the model: its client, its workers, and the controller that tends them."""

from __future__ import annotations

import json
from typing import Final

from starburst.contract import ControllerDoor

from .client import Client
from .cloud import Task
from .workers import Workers

__all__ = ["Session"]

_SWEEP_SECONDS: Final = 60.0


class Session(Client, Workers):
    """One run of a plan. After :meth:`run`, its attributes say what happened."""

    def run(self) -> Session:
        """Play it to its end."""
        self.clock.at(0.0, self._open)
        self.clock.at(_SWEEP_SECONDS, self._sweep)
        self.clock.run(lambda: self.over)
        return self

    def _sweep(self) -> None:
        self.meter.note("lambda:Invoke", self.clock.now)
        self.invoke({"starburst": "sweep"}, door=ControllerDoor.SERVICE)
        live = any(task.stopped is None for task in self.cloud.tasks.values())
        if self.cloud.queue is None and not live and self.clock.now > _SWEEP_SECONDS:
            self.over = True
            return
        self.clock.at(max(self.clock.now + _SWEEP_SECONDS, self.cloud.cursor), self._sweep)

    def _stopped(self, task: Task) -> None:
        self.meter.note("lambda:Invoke", self.clock.now)
        detail = json.loads(json.dumps(task.describe(self.clock.now), default=str))
        event = {"source": "aws.ecs", "detail": detail}
        self.invoke(event, door=ControllerDoor.SERVICE)

"""What ``session.status()`` answers: the controller's word and the client's count.

The document that the controller writes is one part of it:
``starburst._protocol.status.StatusDocument``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from starburst._client.notebooks.cards import card
from starburst._client.tasks.task_list import Tally
from starburst._protocol.status import StatusDocument

from .progress import dollars

__all__ = ["Status"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """How a session stands. ``str()`` says it in a sentence.

    Attributes:
        session: its id.
        tasks: how far its tasks are, as this client knows.
        workers: the controller's latest word; None until it has spoken.
        idle_seconds: without work, after which its workers leave.
        over: whether this client has ended it.
    """

    session: str
    tasks: Tally
    workers: StatusDocument | None
    idle_seconds: int = 0
    over: bool = False

    @property
    def state(self) -> str:
        """``starting``, ``running``, ``ended`` or ``failed``."""
        if self.workers is None:
            return "ended" if self.over else "starting"
        return self.workers.state

    @property
    def place(self) -> int:
        """The place of one that waits for room in the totals, counted from 1; 0 of any other."""
        return 0 if self.workers is None else self.workers.place

    @property
    def usd(self) -> float:
        """What the workers have cost so far, at list price."""
        return 0.0 if self.workers is None else self.workers.usd

    def __str__(self) -> str:
        """Say why it waits, how far it is, what it cost, and when it ends."""
        tasks = f"{self.tasks.done:,} of {self.tasks.total:,} tasks done"
        if self.tasks.failed:
            tasks += f", {self.tasks.failed:,} of them failed"
        if self.tasks.cancelled:
            tasks += f", {self.tasks.cancelled:,} cancelled"
        status = self.workers
        if status is None:
            said = "cleaned up" if self.over else "the controller has not reported yet"
            return f"{said}; {tasks}"
        # By the clock that the controller's reason goes by.
        end = time.strftime("%H:%M UTC on %d %B", time.gmtime(status.deadline))
        words = [status.reason or status.state, tasks]
        if status.state in ("starting", "running"):
            words.append(f"{dollars(status.usd)} so far")
            if self.idle_seconds:
                words.append(
                    f"ends after {self.idle_seconds:,} s without work, by {end} in any case"
                )
            else:
                words.append(f"ends by {end} at the latest")
        else:
            words.append(f"{dollars(status.usd)} in all, at list price")
        return "; ".join(words)

    def _repr_html_(self) -> str:
        return card(
            f"Session {self.session}",
            str(self).split("; "),
            aside=f"{self.state}, {dollars(self.usd)}",
            tally=self.tasks,
        )

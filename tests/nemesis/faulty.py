"""One process's calls to AWS on a bad day: refused, lost, and SIGKILL before and after each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starburst.worker.leases.lease import Lease

from .order.notes import Notes, What
from .plan import Plan
from .sky import Sky, trouble

__all__ = ["CANARY", "Fatal", "Faulty", "Killed"]

CANARY: Final = b"unverified bytes must never be parsed"
_ABOUT_MESSAGES: Final = ("SendMessageBatch", "DeleteMessage", "ChangeMessageVisibility")

Killed = SystemExit
"""SIGKILL of a thread's process: no handler of the runtime sees it, and threading is silent."""


class Fatal(Killed):
    """A task took the whole worker down, and not its own process alone."""


@dataclass
class Faulty:
    """What one process's views of S3 and of SQS have in common.

    Attributes:
        sky: what all processes share.
        who: the process, as notes name it.
        mortal: whether it is a worker, which a plan may kill.
        task: a worker's name.
        held: what a worker has leased: the receipt and the range.
        dead: the process was killed.
        committing: returns what is committed in the background.
        dies: whether a client ends with this call.
    """

    sky: Sky
    who: str
    mortal: bool
    task: str = ""
    held: dict[str, str] = field(default_factory=dict)
    dead: threading.Event = field(default_factory=threading.Event)
    committing: Callable[[], Lease | None] = field(default=lambda: None)
    dies: Callable[[str], bool] = field(default=lambda _: False)

    @property
    def plan(self) -> Plan:
        return self.sky.plan

    @property
    def notes(self) -> Notes:
        return self.sky.notes

    @property
    def role(self) -> str:
        return "worker" if self.mortal else "client"

    def ask(
        self, service: str, operation: str, words: Mapping[str, Any], act: Callable[[Any], Any]
    ) -> Any:
        """Call AWS as it is, for this process."""
        began = self.sky.clock.monotonic()
        self.notes.be(self.who)

        def locked(given: Mapping[str, Any]) -> Any:
            with self.sky.changed:
                answer = act(given)
                if operation in _ABOUT_MESSAGES:
                    self.sky.changed.notify_all()
            return answer

        try:
            return self.sky.aws.call(service, operation, words, who=self.role, act=locked)
        finally:
            self.notes.called(self.who, began)

    def strike_dead(self, *where: object) -> None:
        """End this worker here, if the plan says so and the range in its hands survives it."""
        if self.dead.is_set():
            raise Killed  # another thread of the process was struck
        ranges = tuple(self.held.values())
        if self.mortal and self.plan.strikes("killed", *where, ranges):
            if all(self.plan.spend(name) for name in ranges):
                self.dead.set()
                self.notes.add(self.who, What.STRUCK)
                raise Killed
            self.plan.struck["killed"] -= 1

    def may_fail(self) -> bool:
        """Whether a write may be refused to this process now."""
        return self.mortal and all(self.plan.spend(name) for name in set(self.held.values()))

    def call(
        self, name: str, subject: str, act: Callable[[], Any], *, within: object = None
    ) -> Any:
        """Act, unless the plan has it otherwise.

        Writes that fail despite botocore's retries are played for workers alone, and only as often
        as the range in hand survives: each may cost a lease, which to SQS looks like a worker's
        death.
        A client tells its user, who tries again.
        """
        certain = name in ("put", "send", "delete", "extend") and not self.may_fail()
        if not certain and self.plan.strikes("refused", name, subject, within=within):
            raise trouble(self.plan, name, subject)
        self.strike_dead("before", name, subject)
        answer = act()
        self.strike_dead("after", name, subject)
        if not certain and self.plan.strikes("lost-response", name, subject, within=within):
            raise trouble(self.plan, name, subject)
        return answer

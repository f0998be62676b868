"""All kinds of unkindness of one run, between a caller and an emulator."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from .calls import Answer, Call, Kind, Refused
from .chance import Chance
from .expired_logins import ExpiredLogins
from .invocations import Invocations
from .missing_keys import MissingKeys
from .placement import Placement
from .policy_delays import PolicyDelays
from .queue_delays import QueueDelays
from .rates import Rates
from .repeated_events import RepeatedEvents
from .slow_down import SlowDown
from .task_delays import TaskDelays
from .write_conflicts import WriteConflicts

__all__ = ["KINDS", "Unkind"]

KINDS: Final = (
    *("expired_logins", "policy_delays", "rates", "slow_down", "invocations", "write_conflicts"),
    *("missing_keys", "queue_delays", "task_delays", "placement", "repeated_events"),
)
"""Every kind, by the name of its module."""


class Unkind:
    """The unkindness of one seed.

    Args:
        seed: all of it follows from this.
        kinds: those in force.
        concurrency: of a Lambda function; 0 knows no limit of its own.
    """

    def __init__(self, seed: int, *, kinds: Collection[str] = KINDS, concurrency: int = 0) -> None:
        chance = Chance(seed)
        self.placement = Placement(chance)
        self.policies = PolicyDelays(chance)
        self.invocations = Invocations(concurrency, chance)
        self.events = RepeatedEvents(chance) if "repeated_events" in kinds else None
        made: Mapping[str, Kind] = {
            "expired_logins": ExpiredLogins(),
            "policy_delays": self.policies,
            "rates": Rates(chance),
            "slow_down": SlowDown(chance),
            "invocations": self.invocations,
            "write_conflicts": WriteConflicts(chance),
            "missing_keys": MissingKeys(),
            "queue_delays": QueueDelays(chance),
            "task_delays": TaskDelays(chance),
            "placement": self.placement,
        }
        self._kinds = {name: kind for name, kind in made.items() if name in kinds}
        self._lock = threading.Lock()

    def perform(
        self,
        call: Call,
        act: Callable[[Mapping[str, Any]], Answer],
        *,
        struck: Callable[[str], None] = lambda _: None,
    ) -> Answer:
        """Have a call answered as AWS would.

        Args:
            call: which.
            act: has the emulator answer it, with these words; raises Refused where it refuses.
            struck: is told which kind refused it.

        Raises:
            Refused: AWS refuses it.
        """
        words, answer = self.begin(call, struck=struck)
        if answer is not None:
            return answer
        try:
            answer = {} if words is None else act(words)
        except Refused as refused:
            raise self.fail(call, refused) from None
        return self.end(call, answer)

    def begin(
        self, call: Call, *, struck: Callable[[str], None] = lambda _: None
    ) -> tuple[Mapping[str, Any] | None, Answer | None]:
        """Return the words that the emulator is to be asked with, or the answer in its place.

        With neither, the emulator is not asked, and its answer is empty.

        Raises:
            Refused: AWS refuses the call.
        """
        with self._lock:
            begun: list[Kind] = []
            for name, kind in self._kinds.items():
                try:
                    answer = kind.before(call)
                except Refused as refused:
                    struck(name)
                    for earlier in begun:
                        earlier.failed(call, refused)
                    raise
                begun.append(kind)
                if answer is not None:
                    struck(name)
                    return None, answer
            reduces = "placement" in self._kinds
            words = self.placement.reduced(call) if reduces else call.words
        if words is None or words.get("count") != call.words.get("count"):
            struck("placement")
        return words, None

    def check_expiry(self, call: Call) -> None:
        """Refuse credentials that have ended.

        Raises:
            Refused: they have.
        """
        kind = self._kinds.get("expired_logins")
        if kind is not None:
            kind.before(call)

    def end(self, call: Call, answer: Answer) -> Answer:
        """Return the emulator's answer as AWS would give it."""
        with self._lock:
            for kind in self._kinds.values():
                answer = kind.after(call, answer)
        return answer

    def fail(self, call: Call, refused: Refused) -> Refused:
        """Return the emulator's refusal as AWS would give it."""
        with self._lock:
            for kind in self._kinds.values():
                refused = kind.failed(call, refused)
        return refused

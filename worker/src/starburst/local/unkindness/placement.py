"""RunTask that starts fewer tasks than it was asked for, and says why in ``failures``.

The words are AWS's own: of a Region with no capacity, and of a young account's quotas.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
and https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .calls import Answer, Call, Kind
from .chance import Chance

__all__ = ["REASONS", "Placement"]

REASONS: Final = (
    "Capacity is unavailable at this time. Please try again later or in a different availability "
    "zone",
    "You've reached the limit on the number of vCPUs you can run concurrently",
    "You've reached the limit on the number of tasks you can run concurrently",
    "The requested CPU configuration is above your limit",
    "The requested MEMORY configuration is above your limit",
)
_SPELL_SECONDS: Final = 90.0


@dataclass
class Placement(Kind):
    """Has no room for some of the tasks, in spells.

    Attributes:
        chance: of the run.
        often: how much of the time there is too little room.
        short: of each idempotency token, how many tasks there was no room for, and why.
    """

    chance: Chance
    often: float = 0.25
    short: dict[str, tuple[int, str]] = field(default_factory=dict)

    def reduced(self, call: Call) -> Mapping[str, Any] | None:
        """Return the words of a RunTask that asks for as many as there is room for.

        Returns:
            None where there is room for none; the same words where there is for all.
        """
        if call.service != "ecs" or call.operation != "RunTask":
            return call.words
        token, count = call.text("clientToken"), int(call.words.get("count", 1))
        if token in self.short:
            lacking = self.short[token][0]
        else:
            lacking = self._lacking(call, count)
            reason = REASONS[int(self.chance.number("why", self._spell(call)) * len(REASONS))]
            self.short[token] = (lacking, reason)
        return {**call.words, "count": count - lacking} if lacking < count else None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Say why there are fewer."""
        if call.service != "ecs" or call.operation != "RunTask":
            return answer
        lacking, reason = self.short.get(call.text("clientToken"), (0, ""))
        failures = [*(answer.get("failures") or ()), *([{"reason": reason}] * lacking)]
        return {**answer, "tasks": answer.get("tasks", []), "failures": failures}

    def _lacking(self, call: Call, count: int) -> int:
        spell = self._spell(call)
        if self.chance.number("room", spell) >= self.often:
            return 0
        return 1 + int(self.chance.number("lacking", spell, call.text("clientToken")) * count)

    @staticmethod
    def _spell(call: Call) -> int:
        return int(call.at // _SPELL_SECONDS)

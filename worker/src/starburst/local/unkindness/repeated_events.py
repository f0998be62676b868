"""Events that come twice, late, and in another order than they happened.

AWS: ECS sends events at least once, and not in order; copies have the same ``version`` in their
``detail``, and a later state has a higher one.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwet_handling.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .chance import Chance

__all__ = ["RepeatedEvents"]

_MOST_SECONDS: Final = 60.0
_TWICE: Final = 0.25
_THRICE: Final = 0.05


@dataclass(frozen=True)
class RepeatedEvents:
    """Says when each copy of an event arrives.

    Attributes:
        chance: of the run.
    """

    chance: Chance

    def delays(self, *event: object) -> tuple[float, ...]:
        """Return the seconds after which each copy of an event arrives, the first one first."""
        drawn = self.chance.number("copies", *event)
        copies = 3 if drawn < _THRICE else 2 if drawn < _THRICE + _TWICE else 1
        return tuple(
            sorted(self.chance.between(0, _MOST_SECONDS, "late", *event, n) for n in range(copies))
        )

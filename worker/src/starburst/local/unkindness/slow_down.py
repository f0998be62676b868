"""503 and 500 of S3 that come in spells, while it makes room for more requests.

AWS: S3 scales with the rate of requests, and until it has, it answers 503 Slow Down; it is
distributed, so that single requests meet 500 and succeed when they are repeated.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
https://repost.aws/knowledge-center/http-5xx-errors-s3.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from .calls import Answer, Call, Kind, Refused
from .chance import Chance

__all__ = ["SlowDown"]

_SPELL_SECONDS: Final = 5.0
_SPELLS: Final = 0.1
_IN_A_SPELL: Final = 0.5
_ALWAYS: Final = 0.002
_INTERNAL: Final = 500
_UNAVAILABLE: Final = 503


@dataclass
class SlowDown(Kind):
    """Refuses requests to S3 in spells.

    Attributes:
        chance: of the run.
    """

    chance: Chance
    _asked: Counter[int] = field(default_factory=Counter)

    def before(self, call: Call) -> Answer | None:
        """Refuse some requests of a spell, and few others."""
        if call.service != "s3":
            return None
        spell = int(call.at // _SPELL_SECONDS)
        self._asked[spell] += 1
        nth = self._asked[spell]
        if self.chance.number("s3", spell) < _SPELLS:
            if self.chance.number("slow", spell, nth) < _IN_A_SPELL:
                raise Refused("SlowDown", "Please reduce your request rate.", status=_UNAVAILABLE)
        elif self.chance.number("error", spell, nth) < _ALWAYS:
            raise Refused(
                "InternalError",
                "We encountered an internal error. Please try again.",
                status=_INTERNAL,
            )
        return None

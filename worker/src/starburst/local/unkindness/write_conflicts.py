"""409 for a conditional write that met another one under way.

AWS: "If a conflicting operation occurs during the upload S3 returns a 409
ConditionalRequestConflict response. On a 409 failure you should retry the upload." Nothing was
written. Two who create one key at once can both hear it; so can who alone tries twice.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html (If-None-Match) and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from .calls import Answer, Call, Kind, Refused
from .chance import Chance

__all__ = ["WriteConflicts"]

_CONFLICT: Final = 409
_MOST: Final = 2


@dataclass
class WriteConflicts(Kind):
    """Refuses conditional writes for a moment, each key a few times at most.

    Attributes:
        chance: of the run.
        often: of a conditional write.
    """

    chance: Chance
    often: float = 0.05
    _tries: Counter[str] = field(default_factory=Counter)
    _struck: Counter[str] = field(default_factory=Counter)

    def before(self, call: Call) -> Answer | None:
        """Refuse a conditional write."""
        conditional = call.words.get("IfNoneMatch") or call.words.get("IfMatch")
        if call.service != "s3" or call.operation != "PutObject" or not conditional:
            return None
        key = call.text("Key")
        self._tries[key] += 1
        struck = self.chance.number("conflict", key, self._tries[key]) < self.often
        if struck and self._struck[key] < _MOST:
            self._struck[key] += 1
            raise Refused(
                "ConditionalRequestConflict",
                "The conditional request cannot succeed due to a conflicting operation against "
                "this resource.",
                status=_CONFLICT,
                fields={"Condition": "If-None-Match", "Key": key},
            )
        return None

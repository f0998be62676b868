"""The controller's request to workers to send again what makes no progress: one message.

The controller knows what is asked and by when, workers what is in it; so this imports no more than
the Lambda has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starburst.contract import PROTOCOL
from starburst.errors import IntegrityError

__all__ = ["REQUEUE", "RequeueMessage"]

REQUEUE: Final = "requeue"
"""The field by which the message is told from one that leases a chunk."""

_MOST_LIVE: Final = 1000
_TASK_ID: Final = re.compile(r"[0-9a-zA-Z-]{1,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class RequeueMessage:
    """A request to send again the ranges that have neither a result nor a worker at them.

    It can be forged like any message of a queue, and then costs work that is done twice.

    Attributes:
        live: ECS task ids of the workers that run; what one of them has in hand is not sent again.

    Example:
        >>> RequeueMessage(live=frozenset({"0f"})).to_body()
        '{"protocol":1,"requeue":{"live":["0f"]}}'
    """

    live: frozenset[str]

    def to_body(self) -> str:
        """Return the text of the SQS message."""
        fields = {"protocol": PROTOCOL, REQUEUE: {"live": sorted(self.live)}}
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> RequeueMessage:
        """Read a message's fields; raise IntegrityError where they are no such request's."""
        asked = fields.get(REQUEUE)
        live = asked.get("live") if isinstance(asked, dict) else None
        if not isinstance(live, list) or len(live) > _MOST_LIVE:
            raise IntegrityError("message is malformed: it names no workers")
        if not all(isinstance(one, str) and _TASK_ID.fullmatch(one) for one in live):
            raise IntegrityError("message is malformed: it names what is no worker")
        return cls(live=frozenset(live))

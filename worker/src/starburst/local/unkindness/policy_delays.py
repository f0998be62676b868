"""Policies that take some seconds to be in force everywhere.

AWS: a change in IAM takes time to become visible from all endpoints. A role that is new, or whose
policies are being replaced, is refused here and there for some seconds, with the same words as one
that has no permission at all.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html,
"Changes that I make are not always immediately visible".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from .calls import Answer, Call, Kind, Refused
from .chance import Chance

__all__ = ["PolicyDelays"]

_LEAST_SECONDS: Final = 2.0
_MOST_SECONDS: Final = 12.0
_REFUSED_OFTEN: Final = 0.5
_FORBIDDEN: Final = 403
_CHANGES: Final = frozenset(
    {
        "AttachRolePolicy",
        "CreateRole",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePolicy",
        "PutRolePermissionsBoundary",
    }
)


@dataclass
class PolicyDelays(Kind):
    """Refuses calls of a role whose policies have just changed.

    Attributes:
        chance: of the run.
        changing: of each role, until when its change is on its way.
    """

    chance: Chance
    changing: dict[str, float] = field(default_factory=dict)
    _asked: int = 0

    def changed(self, role: str, *, at: float) -> None:
        """Say that a role's policies change now."""
        delay = self.chance.between(_LEAST_SECONDS, _MOST_SECONDS, "policy", role, int(at))
        self.changing[role] = at + delay

    def before(self, call: Call) -> Answer | None:
        """Refuse some calls of a role while its change is on its way."""
        if call.at >= self.changing.get(call.caller, 0.0):
            return None
        self._asked += 1
        if self.chance.number("policy", call.caller, self._asked) >= _REFUSED_OFTEN:
            return None
        if call.service == "s3":
            code = "403" if call.operation.startswith("Head") else "AccessDenied"
            raise Refused(code, "Access Denied", status=_FORBIDDEN)
        action = f"{call.service}:{call.operation}"
        plain = call.service in ("sqs", "sts", "iam", "cloudformation", "sns")
        raise Refused(
            "AccessDenied" if plain else "AccessDeniedException",
            f"User: {call.caller} is not authorized to perform: {action} because no "
            f"identity-based policy allows the {action} action",
            status=_FORBIDDEN if plain or call.service == "lambda" else 400,
        )

    def after(self, call: Call, answer: Answer) -> Answer:
        """Note a change."""
        if call.service == "iam" and call.operation in _CHANGES:
            self.changed(call.text("RoleName"), at=call.at)
        return answer

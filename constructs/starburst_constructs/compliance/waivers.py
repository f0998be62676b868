"""Waivers: exceptions to a rule, each with a reason, an owner and a last day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

__all__ = ["Waiver", "WaiverError", "check_waivers"]

SHORTEST_REASON = 20


class WaiverError(ValueError):
    """One or more waivers are not acceptable; nothing was synthesized."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """An exception to one finding of one rule at one resource.

    Attributes:
        rule: the finding's whole id, such as ``AwsSolutions-IAM5[Resource::*]``; an ARN from
            another stack reads ``<Data.Arn>`` after its construct there.
        resource: construct path below the environment, such as ``network/DefaultGroup/Role``;
            it covers that construct and what is inside it.
        reason: why the rule does not hold here, or why it may be broken.
        owner: who answers for it.
        expires: the last day on which it holds.

    Example:
        >>> Waiver(
        ...     rule="AwsSolutions-S1",
        ...     resource="storage/AccessLogs/Resource",
        ...     reason="A log bucket that logs to itself would never end.",
        ...     owner="platform",
        ...     expires=date(2027, 1, 31),
        ... ).covers("storage/AccessLogs/Resource", rule="AwsSolutions-S1")
        True
    """

    rule: str
    resource: str
    reason: str
    owner: str
    expires: date

    def covers(self, path: str, *, rule: str) -> bool:
        """Return whether the waiver covers a finding of ``rule`` at ``path``."""
        inside = path == self.resource or path.startswith(f"{self.resource}/")
        return inside and rule == self.rule

    def problems(self, today: date) -> Iterable[str]:
        """Yield what is wrong with the waiver by itself."""
        if today > self.expires:
            yield f"expired on {self.expires}: mend the finding, or decide again and say why"
        # A finding's id may hold an asterisk of its own, in brackets: AwsSolutions-IAM5[Action::*].
        parts = (self.rule.split("[", maxsplit=1)[0], *self.resource.split("/"))
        if any("*" in part or not part for part in parts):
            yield "names no single rule and resource; write one waiver for each finding"
        if len(self.reason) < SHORTEST_REASON or not self.owner:
            yield f"needs an owner and a reason of {SHORTEST_REASON} characters or more"

    def __str__(self) -> str:
        """Return the waiver as one line of a report."""
        return f"waiver of {self.rule} at {self.resource} (owner {self.owner or 'nobody'})"


def check_waivers(waivers: Iterable[Waiver], *, today: date) -> None:
    """Refuse waivers that are expired, too wide, unexplained or there twice.

    Raises:
        WaiverError: names every one of them, and what to do.
    """
    seen: set[tuple[str, str]] = set()
    lines = []
    for waiver in waivers:
        lines.extend(f"{waiver}: {problem}" for problem in waiver.problems(today))
        identity = (waiver.rule, waiver.resource)
        if identity in seen:
            lines.append(f"{waiver}: is there twice")
        seen.add(identity)
    if lines:
        raise WaiverError("\n".join(lines))

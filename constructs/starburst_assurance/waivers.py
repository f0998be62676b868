"""Waivers: exceptions to rules, each one decision with a reason, an owner and a last day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import product

__all__ = ["Waiver", "WaiverError", "check_waivers"]

SHORTEST_REASON = 20
LONGEST_DAYS = 400
"""A year and a month to decide again: nobody looks at what holds for ten years."""


class WaiverError(ValueError):
    """One or more waivers are not acceptable; nothing was synthesized."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """One decision: these rules do not hold at these resources, for this reason.

    Several packs have the same rule, and several resources the same reason: that is one decision,
    signed once. Each rule must have a finding at each resource; a pair without one is refused.

    Attributes:
        rules: whole ids of findings, such as ``AwsSolutions-S1``; an ARN from another stack reads
            ``<Data.Arn>`` after its construct there.
        resources: construct paths below the environment, such as ``network/DefaultGroup/Role``;
            each covers that construct and what is inside it.
        reason: why the rules do not hold there, or why they may be broken.
        owner: who answers for it.
        expires: the last day on which it holds.

    Example:
        >>> Waiver(
        ...     rules=("AwsSolutions-S1",),
        ...     resources=("storage/AccessLogs/Resource",),
        ...     reason="A log bucket that logs to itself would never end.",
        ...     owner="platform",
        ...     expires=date(2027, 1, 31),
        ... ).covers("storage/AccessLogs/Resource", rule="AwsSolutions-S1")
        True
    """

    rules: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str
    owner: str
    expires: date

    @property
    def pairs(self) -> Iterator[tuple[str, str]]:
        """Each rule at each resource."""
        return product(self.rules, self.resources)

    def covers(self, path: str, *, rule: str) -> bool:
        """Return whether the waiver covers a finding of ``rule`` at ``path``."""
        return self.place(path, rule=rule) is not None

    def place(self, path: str, *, rule: str) -> tuple[str, str] | None:
        """Return the rule and resource of the waiver that cover a finding, or None."""
        for resource in self.resources:
            inside = path == resource or path.startswith(f"{resource}/")
            if inside and rule in self.rules:
                return rule, resource
        return None

    def problems(self, today: date) -> Iterable[str]:
        """Yield what is wrong with the waiver by itself."""
        if today > self.expires:
            yield f"expired on {self.expires}: fix the finding, or decide again and say why"
        if (self.expires - today).days > LONGEST_DAYS:
            yield f"holds until {self.expires}; at most {LONGEST_DAYS} days from now are allowed"
        if any(re.fullmatch(r"/*[^/*]+/*", resource) for resource in self.resources):
            yield "covers a whole stack; name the construct"
        # A finding's id may hold an asterisk of its own, in brackets: AwsSolutions-IAM5[Action::*].
        parts = [rule.split("[", maxsplit=1)[0] for rule in self.rules]
        parts += [part for resource in self.resources for part in resource.split("/")]
        if not self.rules or not self.resources or any("*" in part or not part for part in parts):
            yield "has a pattern or a gap where it must name rules and resources one by one"
        if len(self.reason.strip()) < SHORTEST_REASON or not self.owner.strip():
            yield f"needs an owner and a reason of {SHORTEST_REASON} characters or more"

    def __str__(self) -> str:
        """Return the waiver as one line of a report."""
        rules, resources = ", ".join(self.rules), ", ".join(self.resources)
        return f"waiver of {rules} at {resources} (owner {self.owner or 'nobody'})"


def check_waivers(waivers: Iterable[Waiver], *, today: date) -> None:
    """Refuse waivers that are expired, too wide, unexplained or there twice.

    Raises:
        WaiverError: names every one of them, and what to do.
    """
    seen: set[tuple[str, str]] = set()
    lines = []
    for waiver in waivers:
        lines.extend(f"{waiver}: {problem}" for problem in waiver.problems(today))
        for rule, resource in waiver.pairs:
            if (rule, resource) in seen:
                lines.append(f"{waiver}: {rule} at {resource} is there twice")
            seen.add((rule, resource))
    if lines:
        raise WaiverError("\n".join(lines))

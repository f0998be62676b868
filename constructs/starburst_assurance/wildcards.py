"""Declared wildcards: the patterns of a role's policy, as part of its design."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["EVERYTHING", "Wildcard", "WildcardError", "check_wildcards"]

EVERYTHING: Final = "*"
"""The resource of actions that have none to name."""

SHORTEST_REASON: Final = 20


class WildcardError(ValueError):
    """A declaration says too little; nothing was synthesized."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wildcard:
    """One wildcard of one policy.

    Attributes:
        policy: construct path below the environment, of the policy's resource.
        resource: the pattern; what is known at deployment only reads ``<Data.Arn>``.
        reason: why it is as narrow as it can be.
        actions: where ``resource`` is ``*``, all that the policy may allow on it.
    """

    policy: str
    resource: str
    reason: str
    actions: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the declaration as one line of a report."""
        return f"wildcard {self.resource} of {self.policy}"


def check_wildcards(wildcards: Iterable[Wildcard]) -> None:
    """Refuse declarations that explain nothing, are there twice, or leave actions open.

    Raises:
        WildcardError: names every one of them.
    """
    seen: set[tuple[str, str]] = set()
    lines = []
    for each in wildcards:
        if len(each.reason) < SHORTEST_REASON:
            lines.append(f"{each}: needs a reason of {SHORTEST_REASON} characters or more")
        if (each.resource == EVERYTHING) != bool(each.actions):
            lines.append(f"{each}: names actions where the resource is *, and only there")
        if any("*" in action for action in each.actions) or "*" in each.policy:
            lines.append(f"{each}: names single actions and a single policy")
        if (each.policy, each.resource) in seen:
            lines.append(f"{each}: is there twice")
        seen.add((each.policy, each.resource))
    if lines:
        raise WildcardError("\n".join(lines))

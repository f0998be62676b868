"""Declared wildcards as judges see them: read from a synthesis, each with its policy."""

from __future__ import annotations

from collections.abc import Iterable

from starburst_assurance.templates.template import Template
from starburst_constructs.policies.wildcards import WILDCARDS_KEY, Wildcard, WildcardError

__all__ = ["check_wildcards", "declared_wildcards"]


def declared_wildcards(template: Template) -> tuple[Wildcard, ...]:
    """Return what the statements of an environment's policies declare.

    Raises:
        WildcardError: a declaration says too little.
    """
    found = tuple(
        Wildcard(
            policy=resource.path,
            resource=template.text(entry["resource"]),
            reason=str(entry["reason"]),
            actions=tuple(map(str, entry["actions"])),
        )
        for resource in template.all_of()
        for entry in resource.metadata.get(WILDCARDS_KEY, ())
    )
    check_wildcards(found)
    return found


def check_wildcards(wildcards: Iterable[Wildcard]) -> None:
    """Refuse declarations that explain nothing, are there twice, or leave actions open.

    Raises:
        WildcardError: names every one of them.
    """
    seen: set[tuple[str, str]] = set()
    lines: list[str] = []
    for each in wildcards:
        lines += each.problems
        if (each.policy, each.resource) in seen:
            lines.append(f"{each}: is there twice")
        seen.add((each.policy, each.resource))
    if lines:
        raise WildcardError("\n".join(lines))

"""Waivers that came, went, or say something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from starburst_assurance.proofs.comparison.report import Finding

__all__ = ["Rows", "waivers_between"]

Decision: TypeAlias = tuple[tuple[str, ...] | None, tuple[str, ...] | None]
Rows: TypeAlias = Sequence[Sequence[str]]
"""Of each waiver and each of its pairs: rule, resource, reason, owner, last day."""


def waivers_between(
    before: Mapping[str, Rows] | None, after: Mapping[str, Rows] | None
) -> Iterator[Finding]:
    """Yield each exception that is new, gone, or decided otherwise.

    Args:
        before: rows by environment; None where the other commit could not tell them.
        after: likewise.
    """
    if before is None or after is None:
        sentence = "The waivers of one of the two versions could not be read: compare them by hand."
        yield Finding(section="waivers", sentence=sentence)
        return
    for name in after:
        if name not in before:
            continue
        old, new = (
            {(row[0], row[1]): tuple(row[2:]) for row in one[name]} for one in (before, after)
        )
        groups: dict[Decision, list[str]] = {}
        for rule, resource in dict.fromkeys((*new, *old)):
            decision = old.get((rule, resource)), new.get((rule, resource))
            if decision[0] != decision[1]:
                groups.setdefault(decision, []).append(f"{rule} at {resource}")
        # One decision has many rules and resources: it is told once.
        for decision, pairs in groups.items():
            yield Finding(
                section="waivers",
                environment=name,
                sentence=_sentence(", ".join(pairs), *decision),
                detail={"before": decision[0], "after": decision[1], "at": pairs},
            )


def _sentence(pairs: str, old: tuple[str, ...] | None, new: tuple[str, ...] | None) -> str:
    if new is None:
        return f"Waived no more: {pairs}."
    reason, owner, expires = new
    if old is None:
        return f"Newly waived until {expires} by {owner}: {pairs}. Reason: {reason}"
    changes = [
        f"{what} {now} instead of {was}"
        for what, was, now in zip(
            ("reason:", "owner", "last day"), old, (reason, owner, expires), strict=True
        )
        if was != now
    ]
    return f"A waiver changed, {'; '.join(changes)}: {pairs}."

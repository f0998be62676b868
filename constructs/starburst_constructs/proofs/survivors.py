"""Mutants that no theorem notices, each with the reason why none has to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starburst_constructs.proofs.logic import glob

__all__ = ["SURVIVORS", "Survivor", "reason_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A kind of mutant that may live.

    Attributes:
        policy: pattern of policies' names.
        what: patterns of what was changed.
        reason: why the change is harmless, or changes nothing.
    """

    policy: str
    what: tuple[str, ...]
    reason: str


SURVIVORS: Final[tuple[Survivor, ...]] = (
    Survivor(
        policy="foundation/Boundary",
        what=("NoOtherRegion: Null aws:RequestedRegion *",),
        reason="AWS sends the Region with every call; Null only says what happens if it did not.",
    ),
    Survivor(
        policy="foundation/Boundary",
        what=tuple(
            f"*: {action} dropped"
            for action in (
                "ecs:DescribeTaskDefinition",
                "kms:DescribeKey",
                "logs:DescribeQueries",
                "s3:GetBucketLocation",
                "s3:ListBucketMultipartUploads",
            )
        ),
        reason="No role of the core has these; they are room for an add-on's.",
    ),
    Survivor(
        policy="access/Analyst* trust",
        what=("*StringLike aws:RequestTag/userName with IfExists",),
        reason="Null beside it already insists on the tag.",
    ),
    Survivor(
        policy="*",
        what=("CloudTrail*: StringEquals aws:SourceA*",),
        reason="Of SourceArn and SourceAccount either one names our own trail; both are belt and "
        "braces.",
    ),
)
"""What ``starburst-prove --mutants`` accepts; anything else that lives is a missing theorem."""


def reason_for(policy: str, what: str) -> str | None:
    """Return why a mutant may live, None where it may not.

    Args:
        policy: name of the policy.
        what: was changed in it.
    """
    for survivor in SURVIVORS:
        if glob(survivor.policy).fullmatch(policy) and any(
            glob(pattern).fullmatch(what) for pattern in survivor.what
        ):
            return survivor.reason
    return None

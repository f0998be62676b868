"""What an account has once in a Region, which one of its environments sets for all."""

from __future__ import annotations

from dataclasses import dataclass

from stacks.settings.annotations import typed

__all__ = ["Shared"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """Settings of an account in a Region, of which one environment there is the owner.

    They are the account's: what is set stays set when its owner goes, or leaves it to another
    environment, in either order. A setting is False where the organization or another stack sets
    it; all of them may be.

    Attributes:
        registry_scanning: have Inspector scan every image of the account's registry continuously.
        block_public_access: shut every internet gateway of the account in this Region, so that no
            task can be public in any of its VPCs; for accounts that hold nothing else.
    """

    registry_scanning: bool = True
    block_public_access: bool = False

    def __post_init__(self) -> None:
        """Refuse what is neither true nor false."""
        typed("shared.", self)

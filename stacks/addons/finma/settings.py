"""How critical an institution's data are, by three measures, and what that asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from stacks.settings.validation import require

__all__ = ["TAGS", "Classification", "Level", "Lock"]

Level = Literal["low", "medium", "high"]
"""How much harm there is where a measure is not kept."""

Lock = Literal["none", "governance", "compliance"]
"""Of the vault: none; one that some roles may take off; one that nobody takes off, AWS included."""

TAGS: Final = {
    "confidentiality": "starburst-confidentiality",
    "integrity": "starburst-integrity",
    "availability": "starburst-availability",
}
"""Of whatever holds data, by the measure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Classification:
    """The three measures by which the circular has critical data identified.

    Attributes:
        confidentiality: of harm where somebody reads them who may not.
        integrity: of harm where they are wrong.
        availability: of harm where they are not there.
    """

    confidentiality: Level
    integrity: Level
    availability: Level

    def __post_init__(self) -> None:
        """Refuse a level that nobody knows."""
        for measure, level in self.levels.items():
            known = get_args(Level)
            named = f"finma.classification.{measure}"
            require(level in known, named, level, " or ".join(known))

    @property
    def levels(self) -> dict[str, Level]:
        """The level of each measure, by its name."""
        return {
            "confidentiality": self.confidentiality,
            "integrity": self.integrity,
            "availability": self.availability,
        }

    @property
    def tags(self) -> dict[str, str]:
        """The tags of what holds such data."""
        return {TAGS[measure]: level for measure, level in self.levels.items()}

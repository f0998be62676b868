"""What a record of processing says that no template can: who, why, whose data, for whom."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from stacks.settings.annotations import typed
from stacks.settings.validation import between, distinct, one_of, require

__all__ = ["Activity", "Processing", "check_processing"]

MOST: Final = 20
"""Entries of one list: a record that people read."""

LONGEST: Final = 300
"""Characters of one entry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity:
    """What one workspace processes, for Article 30(1)(b) to (e) of the GDPR.

    Attributes:
        workspace: its name.
        purpose: why data are processed, in a sentence.
        subjects: categories of people whose data they are, such as ``patients of the study``.
        data: categories of personal data, such as ``genotypes``.
        recipients: who else receives them; () for nobody beside who the settings name.
        transfers: third countries they go to, each with its safeguards; () for none.
    """

    workspace: str
    purpose: str
    subjects: tuple[str, ...]
    data: tuple[str, ...]
    recipients: tuple[str, ...] = ()
    transfers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what says nothing."""
        me = f"processing of workspace {self.workspace}:"
        typed(f"{me} ", self)
        _said(f"{me} purpose", self.purpose)
        for name in ("subjects", "data", "recipients", "transfers"):
            said: tuple[str, ...] = getattr(self, name)
            needed = name in ("subjects", "data")
            between(f"{me} number of {name}", len(said), int(needed), MOST)
            distinct(f"{me} {name}", said)
            for one in said:
                _said(f"{me} {name}", one)


@dataclass(frozen=True, kw_only=True, slots=True)
class Processing:
    """Who is responsible, and for what; ``python -m deploy.compliance`` writes the record from it.

    Attributes:
        controller: name of who decides why and how data are processed.
        contact: of the controller: an address that answers.
        representative: of a controller outside the Union, with their contact; None for none.
        protection_officer: the data protection officer, with their contact; None for none.
        activities: one for each workspace; a workspace without one is said to be yours.

    Example:
        >>> Processing(controller="Example Trust", contact="privacy@example.org").activities
        ()
    """

    controller: str
    contact: str
    representative: str | None = None
    protection_officer: str | None = None
    activities: tuple[Activity, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what says nothing, and two activities of one workspace."""
        typed("processing.", self)
        for name in ("controller", "contact", "representative", "protection_officer"):
            said = getattr(self, name)
            if said is not None:
                _said(f"processing.{name}", said)
        distinct("processing.activities", (each.workspace for each in self.activities))


def check_processing(me: str, processing: Processing | None, workspaces: Collection[str]) -> None:
    """Refuse an activity of a workspace that is not there.

    Args:
        me: how messages begin, such as ``environment prod:``.
        processing: of the environment.
        workspaces: their names.
    """
    for activity in processing.activities if processing is not None else ():
        one_of(f"{me} processing.activities", activity.workspace, tuple(workspaces))


def _said(field: str, text: object) -> None:
    fits = isinstance(text, str) and 0 < len(text.strip()) <= LONGEST
    allowed = f"1 to {LONGEST} characters on one line"
    require(fits and isinstance(text, str) and text.isprintable(), field, text, allowed)

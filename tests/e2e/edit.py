"""What an edit by hand is: how it is made, what is said of it, and which theorem it breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.hands import Doing

__all__ = ["Edit", "at"]


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One edit by hand.

    Attributes:
        part: the service that it is made in, as ``survey.PARTS`` has it.
        doing: makes it while it is entered.
        says: what the sentence about it must have.
        refutes: a theorem that it breaks, if any does.
        outside: whether it is of the account and not of the kit.
    """

    part: str
    doing: Doing
    says: tuple[str, ...]
    refutes: str = ""
    outside: bool = False


def at(part: str, *, outside: bool = False) -> Callable[..., Edit]:
    """Return a maker of edits in one service."""

    def make(doing: Doing, *says: str, refutes: str = "") -> Edit:
        return Edit(part=part, doing=doing, says=says, refutes=refutes, outside=outside)

    return make

"""One thing that stands otherwise than its template has it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Difference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference.

    Attributes:
        subject: the resource, by the name that AWS has for it.
        what: is otherwise.
    """

    subject: str
    what: str

    def __str__(self) -> str:
        """Return it as a sentence."""
        return f"{self.subject[:1].upper()}{self.subject[1:]}: {self.what}."

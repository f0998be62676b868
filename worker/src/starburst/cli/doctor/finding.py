"""One thing that the doctor looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether one thing is sound, what was seen, and what is to be done.

    Attributes:
        sound: whether it stops nothing.
        text: what was seen.
        fix: what to do where it is not sound.
        check: what was looked at, in a word, for scripts.
    """

    sound: bool
    text: str
    fix: str = ""
    check: str = ""

    def to_data(self) -> dict[str, object]:
        """Return it as JSON says it."""
        return asdict(self)

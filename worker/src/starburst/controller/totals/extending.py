"""How much longer a session may last: only its money is at stake. Pure.

What it uses at once it has already, though others may have been granted more since.
"""

from __future__ import annotations

from typing import Final

from starburst.contract import RuntimeDocument

from .book import Book
from .grants import Grant
from .judging import Usage
from .waiting import Standing

__all__ = ["longer", "longest"]

_MINUTE: Final = 60


def longer(
    book: Book, document: RuntimeDocument, session: str, grant: Grant, *, until: float, now: float
) -> Standing:
    """Return the totals of money that a later deadline would exceed."""
    usage = Usage.of(book, document, now=now, but=session)
    overs = usage.over(grant.ask, since=grant.since, until=until)
    return Standing(overs=[each for each in overs if each.span is not None])


def longest(
    book: Book, document: RuntimeDocument, session: str, grant: Grant, *, until: float, now: float
) -> float:
    """Return the latest deadline before one that does not fit, in whole minutes."""
    low, high = grant.until // _MINUTE, until // _MINUTE
    while high - low > 1:
        middle = (low + high) // 2
        fits = not longer(book, document, session, grant, until=middle * _MINUTE, now=now).overs
        low, high = (middle, high) if fits else (low, middle)
    return max(grant.until, low * _MINUTE)

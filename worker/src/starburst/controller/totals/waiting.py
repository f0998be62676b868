"""Who may start next: first come, first served among those that share what is full. Pure.

A session in front that lacks room of a person, of a workspace or of the environment keeps that room
from all behind it who would use it too. Others pass: what they need is not what it waits for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from starburst.contract import RuntimeDocument

from .book import Book
from .freezes import frozen
from .grants import Ask, Grant, Waiter
from .judging import Over, Scope, Usage, scopes_of

__all__ = ["Standing", "advanced", "standing"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a session stands.

    Attributes:
        overs: totals that it would exceed by itself, as of now.
        ahead: sessions that wait in front of it for what it would use too.
    """

    overs: Sequence[Over] = ()
    ahead: Sequence[Waiter] = ()

    @property
    def fits(self) -> bool:
        """Whether it may start."""
        return not (self.overs or self.ahead)

    @property
    def never(self) -> bool:
        """Whether waiting does not help: it asks for more than there is."""
        return any(each.alone for each in self.overs)

    @property
    def place(self) -> int:
        """Its place in the queue, counted from 1; 0 where it may start."""
        return 0 if self.fits else len(self.ahead) + 1


def advanced(book: Book, document: RuntimeDocument, *, now: float) -> tuple[Book, list[str]]:
    """Give room to all those that may have it, in their order.

    Returns:
        the book, and the sessions that now hold what they waited for.
    """
    if not book.waiting:
        return book, []
    let_in: list[str] = []
    usage = Usage.of(book, document, now=now)
    for waiter, stands in _in_order(book, usage, document, now=now):
        if stands.fits:
            grant = Grant.begun(waiter.ask, now=now)
            usage.add(grant)
            book = book.holding(waiter.session, grant)
            let_in.append(waiter.session)
    return book, let_in


def standing(
    book: Book, document: RuntimeDocument, ask: Ask, *, session: str, now: float
) -> Standing:
    """Return how a session stands that waits already, or that comes behind all who wait."""
    usage = Usage.of(book, document, now=now, but=session)
    last = Waiter(session=session, ask=ask, since=now, until=float("inf"))
    queue = book if book.waiter(session) else replace(book, waiting=(*book.waiting, last))
    return next(
        (
            stands
            for waiter, stands in _in_order(queue, usage, document, now=now, of=session)
            if waiter.session == session
        ),
        Standing(),
    )


def _in_order(
    book: Book, usage: Usage, document: RuntimeDocument, *, now: float, of: str = ""
) -> Iterator[tuple[Waiter, Standing]]:
    """Yield those that wait, and how each stands once the caller has counted those before it.

    Those whose time is over are ended by their own next look; none is left out that is asked for.
    """
    kept: list[tuple[Waiter, frozenset[Scope]]] = []
    for waiter in book.waiting:
        over = now >= waiter.until or frozen(book, waiter.ask.workspace, now=now)
        if over and waiter.session != of:
            continue
        scopes = frozenset(scopes_of(waiter.ask, document))
        overs = usage.over(waiter.ask, since=now, until=now + waiter.ask.seconds)
        ahead = [other for other, full in kept if full & scopes]
        stands = Standing(overs=overs, ahead=ahead)
        yield waiter, stands
        if not (stands.fits or stands.never):
            lacking = {each.scope for each in overs}
            kept.append((waiter, frozenset(lacking)))

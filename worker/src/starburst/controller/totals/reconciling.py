"""Each sweep holds the book against the sessions' records and what ECS shows: those win.

A start that died leaves a grant without a record, an end that died one whose session is filed away,
and a book that was lost or restored knows neither. Whatever is put right is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from starburst.controller.state.sessions import Record, RecordDamaged, Records, concluded
from starburst.controller.wakes import wake

from .book import ALL, Book
from .freezes import frozen
from .grants import RESERVED_SECONDS
from .keeping import Bookkeeper, settled
from .rebuilding import ask_of, with_record

__all__ = ["end_frozen", "reconcile"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Truth:
    """What the records say, where the book says something else.

    Attributes:
        gone: sessions without an active record, and their ended one where there is one.
        here: sessions with an active record that the book should know as it says.
    """

    gone: Mapping[str, Record | None]
    here: Mapping[str, Record]


def reconcile(
    keeper: Bookkeeper,
    records: Records,
    sessions: Collection[str],
    seen: Mapping[str, Record],
    *,
    until: float,
) -> Book:
    """Put the book right, and return it.

    Args:
        keeper: of the book.
        records: of the sessions.
        sessions: ids of those that have an active record.
        seen: of those that were looked at, the records as they were then saved.
        until: the book is not written later.
    """
    book = keeper.change(lambda book: (book, book), until=until)
    now = keeper.environment.clock()
    truth = _truth(keeper, records, book, sessions, seen, now=now)
    if not (truth.gone or truth.here):
        return book

    def change(book: Book) -> tuple[Book, Book]:
        now = keeper.environment.clock()
        for session, ended in truth.gone.items():
            book = _without(book, session, ended, now=now)
        for record in truth.here.values():
            book = _with(keeper, book, record, now=now)
        return book, book

    return keeper.change(change, until=until)


def end_frozen(
    keeper: Bookkeeper, records: Records, book: Book, sessions: Collection[str], *, until: float
) -> int:
    """End the sessions of a freeze that says so; return how many. Who is woken stops workers."""
    environment, count = keeper.environment, 0
    if not any(one.end for one in book.freezes.values()):
        return 0
    for session in sessions:
        if environment.clock() >= until:
            break
        ended = False

        def end(record: Record) -> Record:
            nonlocal ended
            freeze = frozen(book, record.workspace, now=environment.clock())
            ended = freeze is not None and freeze.end and not record.final
            if freeze is None or not ended:
                return record
            what = "all workspaces were" if freeze.workspace == ALL else "its workspace was"
            why = f"stopped, as {what} frozen by {freeze.by}: {freeze.why}"
            return concluded(record, state="ended", reason=why)

        try:
            records.update(session, end)
        except RecordDamaged:  # the sweep tells of it
            continue
        if ended:
            count += 1
            wake(environment, session)
    return count


def _truth(
    keeper: Bookkeeper,
    records: Records,
    book: Book,
    sessions: Collection[str],
    seen: Mapping[str, Record],
    *,
    now: float,
) -> _Truth:
    listed = frozenset(sessions)
    gone: dict[str, Record | None] = {}
    here: dict[str, Record] = {}
    for session in _unknown(book, listed):
        # The listing may be older than the session; the record itself is never.
        if records.active(session) is None:
            ended = records.ended(session)
            if ended is not None or not _is_reserved(book, session, now=now):
                gone[session] = ended.record if ended else None
    for session in sessions:
        record = seen.get(session)
        known = session in book.grants or book.waiter(session) is not None
        if not known or (record is not None and _differs(keeper, book, record, now=now)):
            try:
                newest = records.active(session)
            except RecordDamaged:  # the sweep tells of it
                continue
            if newest is not None:
                here[session] = newest.record
    return _Truth(gone=gone, here=here)


def _unknown(book: Book, listed: frozenset[str]) -> list[str]:
    waiting = [one.session for one in book.waiting]
    return [name for name in (*book.grants, *waiting) if name not in listed]


def _is_reserved(book: Book, session: str, *, now: float) -> bool:
    """Whether a start may still be on its way to its record."""
    grant, waiter = book.grants.get(session), book.waiter(session)
    return (grant is not None and grant.reserved > now) or (
        waiter is not None and now - waiter.since < RESERVED_SECONDS
    )


def _differs(keeper: Bookkeeper, book: Book, record: Record, *, now: float) -> bool:
    grant = book.grants.get(record.session)
    if grant is None or record.waits_until or grant.reserved > now:
        return False
    ask = ask_of(keeper.environment, record)
    return (grant.ask.workers, grant.until) != (ask.workers, record.deadline)


def _without(book: Book, session: str, ended: Record | None, *, now: float) -> Book:
    if session not in book.grants and book.waiter(session) is None:
        return book
    if ended is not None:
        _LOG.warning("session %s had ended, and the book of totals did not know", session)
        return settled(book, ended, now=now)
    if _is_reserved(book, session, now=now):  # its start was tried again meanwhile
        return book
    _LOG.warning("session %s has no record: the book of totals lets go of it", session)
    return book.without(session)


def _with(keeper: Bookkeeper, book: Book, record: Record, *, now: float) -> Book:
    session, ask = record.session, ask_of(keeper.environment, record)
    grant = book.grants.get(session)
    if record.waits_until or (grant is not None and grant.reserved > now):
        return with_record(book, record, ask) if record.waits_until else book
    _LOG.warning(
        "session %s of %s has %d workers until %.0f by its record, and %s by the book of totals: "
        "the record wins",
        session,
        ask.who,
        ask.workers,
        record.deadline,
        "none" if grant is None else f"{grant.ask.workers} until {grant.until:.0f}",
    )
    return with_record(book, record, ask)

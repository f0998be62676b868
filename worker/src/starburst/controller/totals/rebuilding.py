"""The book made anew from the sessions' records, where there is none or it cannot be read.

So it is with the first session after an update, and where somebody deleted or changed the object.
What sessions did cost that have ended is not known then: AWS's budgets count that too.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Final

from starburst.controller.state.environment import Environment
from starburst.controller.state.sessions import Record, RecordDamaged, Records

from .book import Book
from .grants import Ask, Grant, Waiter

__all__ = ["ask_of", "rebuilt", "with_record"]

_LOG: Final = logging.getLogger(__name__)


def ask_of(environment: Environment, record: Record) -> Ask:
    """Return what a session may use."""
    return Ask.of(record, environment.document(), prices=environment.prices())


def rebuilt(environment: Environment) -> Book:
    """Return the book that the active records make, the oldest session first."""
    records, found = Records(environment), []
    for session in records.sessions():
        try:
            stored = records.active(session)
        except RecordDamaged:  # the sweep tells of it
            _LOG.exception("session %s counts for nothing in the totals", session)
            continue
        if stored is not None:
            found.append(stored.record)
    book = Book()
    for record in sorted(found, key=lambda one: one.started):
        book = with_record(book, record, ask_of(environment, record))
    return book


def with_record(book: Book, record: Record, ask: Ask) -> Book:
    """Return the book with a session as its record says: it holds its room, or waits for it."""
    session = record.session
    if not record.waits_until:
        return book.holding(session, Grant.of(record, ask))
    if session in book.grants or book.waiter(session) is not None:
        return book
    waiter = Waiter(session=session, ask=ask, since=record.started, until=record.waits_until)
    return replace(book, waiting=(*book.waiting, waiter))

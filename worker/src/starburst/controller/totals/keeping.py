"""Keeping the book: every change of it is one compare-and-set, tried until it is written.

What is judged is judged again on what others wrote meanwhile, so no two starts take the same room.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from starburst.aws.calls import TROUBLE, words_of
from starburst.contract.times import UNASKED_SECONDS
from starburst.controller.state.documents import Conflict, Documents
from starburst.controller.state.environment import Environment
from starburst.controller.state.sessions import Record, concluded
from starburst.controller.wakes import wake
from starburst.errors import LimitExceeded, SessionError, SessionsFrozen

from .book import BOOK, Book
from .days import clock_words
from .extending import longer, longest
from .freezes import frozen, frozen_words
from .grants import Grant, Waiter
from .rebuilding import ask_of, rebuilt, with_record
from .waiting import Standing, advanced, standing
from .words import full_words, refusal_words

__all__ = ["FIRST_PAUSE", "LONGEST_PAUSE", "BookBusy", "Bookkeeper", "settled"]

_LOG: Final = logging.getLogger(__name__)
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 1.0
_RANDOM: Final = random.Random()  # noqa: S311 - it spreads writes, and keeps no secret

_T = TypeVar("_T")
_Change = Callable[[Book], tuple[Book, _T]]


class BookBusy(SessionError):
    """Too many changes at once; asking again does no harm."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bookkeeper:
    """The book of one environment.

    Attributes:
        environment: whose totals they are.
    """

    environment: Environment

    def read(self) -> Book:
        """Return the book as it is now."""
        return self._read().book

    def reserve(self, record: Record, *, until: float) -> Record:
        """Have room for a session that has no record yet, or a place in the queue for it.

        Args:
            record: of the session; ``waits_until`` is 0 where it does not wait.
            until: the book is not written later.

        Returns:
            the record with the times of its grant, or with its place.

        Raises:
            LimitExceeded: there is no room for it, and it does not wait.
            SessionsFrozen: no new session may start.
        """
        session, ask = record.session, ask_of(self.environment, record)
        document = self.environment.document()

        def change(book: Book) -> tuple[Book, Record]:
            now = self.environment.clock()
            held = book.grants.get(session)
            if held is not None:
                # Its start died, or its answer was lost: what it was granted is still its own.
                held = held.grown(until=held.until, now=now)
                return book.holding(session, held), _granted(record, held)
            freeze = frozen(book, record.workspace, now=now)
            if freeze is not None:
                raise SessionsFrozen(frozen_words(freeze, now=now))
            stands = standing(book, document, ask, session=session, now=now)
            if stands.fits:
                grant = Grant.begun(ask, now=now)
                return book.holding(session, grant), _granted(record, grant)
            if stands.never or not record.waits_until:
                raise LimitExceeded(refusal_words(stands, book, ask, session=session, now=now))
            if book.waiter(session) is None:
                waiter = Waiter(session=session, ask=ask, since=now, until=record.waits_until)
                book = replace(book, waiting=(*book.waiting, waiter))
            words = full_words(stands, book, session=session, now=now)
            return book, _placed(record, stands, words, now=now)

        return self.change(change, until=until)

    def take_turn(self, record: Record, *, until: float) -> Record:
        """Look whether it is the turn of a session that waits; return its record as it then is."""
        session, document = record.session, self.environment.document()

        def change(book: Book) -> tuple[Book, Record]:
            now, ask = self.environment.clock(), ask_of(self.environment, record)
            silent = now - record.asked >= UNASKED_SECONDS
            grant, waiter = book.grants.get(session), book.waiter(session)
            if silent:
                why = "it waited for room, and its client has not asked for it for two minutes"
                return book, concluded(record, state="ended", reason=why)
            if grant is not None:
                return book, _granted(record, grant)
            freeze = frozen(book, record.workspace, now=now)
            if freeze is not None:
                words = frozen_words(freeze, now=now)
                return book, _refused(record, words, SessionsFrozen)
            if waiter is None:
                book = with_record(book, record, ask)
            stands = standing(book, document, ask, session=session, now=now)
            if stands.fits:
                grant = Grant.begun(ask, now=now)
                return book.holding(session, grant), _granted(record, grant)
            over = now >= record.waits_until
            if over or stands.never:
                waited = now - record.started
                words = refusal_words(stands, book, ask, session=session, now=now, waited=waited)
                return book, _refused(record, words, LimitExceeded)
            words = full_words(stands, book, session=session, now=now)
            return book, _placed(record, stands, words, now=now)

        return self.change(change, until=until)

    def extend(self, record: Record, deadline: float, *, until: float) -> None:
        """Have room for a later deadline.

        Raises:
            LimitExceeded: it would cost more than is left of a total.
            SessionsFrozen: nothing is granted now.
        """
        session, document = record.session, self.environment.document()

        def change(book: Book) -> tuple[Book, None]:
            now = self.environment.clock()
            grant = book.grants.get(session)
            grant = grant or Grant.of(record, ask_of(self.environment, record))
            if deadline <= grant.until and session in book.grants:
                return book, None
            freeze = frozen(book, record.workspace, now=now)
            if freeze is not None:
                raise SessionsFrozen(
                    f"session {session} cannot be extended: {frozen_words(freeze, now=now)}"
                )
            stands = longer(book, document, session, grant, until=deadline, now=now)
            if stands.overs:
                said = full_words(stands, book, session=session, now=now)
                most = longest(book, document, session, grant, until=deadline, now=now)
                wanted, most_words = (clock_words(each, now=now) for each in (deadline, most))
                raise LimitExceeded(
                    f"session {session} cannot last until {wanted}: {said}: extend it until "
                    f"{most_words} at most"
                )
            return book.holding(session, grant.grown(until=deadline, now=now)), None

        self.change(change, until=until)

    def release(self, record: Record, *, until: float) -> None:
        """Let go of what a session held that was filed away; what it cost stays.

        Where that fails, the sweep does it.
        """

        def change(book: Book) -> tuple[Book, None]:
            return settled(book, record, now=self.environment.clock()), None

        try:
            self.change(change, until=until)
        except (SessionError, *TROUBLE) as error:
            said = str(error) if isinstance(error, SessionError) else words_of(error)
            _LOG.warning("session %s still holds its room: %s", record.session, said)

    def change(self, change: _Change[_T], *, until: float) -> _T:
        """Change the newest book until that is written, let in who may then start, and wake them.

        Args:
            change: what is to be done; raises to do nothing. It is called again on what others
                wrote meanwhile.
            until: it is not written later.

        Raises:
            BookBusy: others were quicker every time.
        """
        clock, document = self.environment.clock, self.environment.document()
        documents = Documents(self.environment)
        attempt = 0
        while True:
            stored = self._read()
            book, first = advanced(stored.book, document, now=clock())
            book, result = change(book)
            book, then = advanced(book.pruned(now=clock()), document, now=clock())
            if book == (stored.book if stored.readable else Book()):
                return result
            try:
                documents.write(BOOK, book.to_json(), replaces=stored.etag)
            except Conflict:
                pause = _RANDOM.random() * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**attempt)
                if clock() + pause >= until:
                    raise BookBusy(
                        "too many sessions start and end at once to account for one more; ask again"
                    ) from None
                self.environment.pause(pause)
                attempt += 1
                continue
            for session in (*first, *then):
                wake(self.environment, session)
            return result

    def _read(self) -> _Stored:
        found = Documents(self.environment).read(BOOK)
        if found is not None:
            try:
                return _Stored(book=Book.from_json(found.body), etag=found.etag, readable=True)
            except ValueError:
                _LOG.exception("the book of totals is damaged; what was spent so far is lost to it")
        etag = None if found is None else found.etag
        return _Stored(book=rebuilt(self.environment), etag=etag, readable=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    """The book as it was read, or made anew, with the ETag that a change must match."""

    book: Book
    etag: str | None
    readable: bool


def settled(book: Book, record: Record, *, now: float) -> Book:
    """Return the book after a session: it holds nothing, and what it cost is spent."""
    grant = book.grants.get(record.session)
    book = book.without(record.session)
    # What was reserved for a start that came too late has cost nothing.
    if grant is None or grant.since != record.started:
        return book
    return book.spending(grant, record.usd, now=now)


def _granted(record: Record, grant: Grant) -> Record:
    return replace(
        record,
        started=grant.since,
        deadline=grant.until,
        waits_until=0,
        place=0,
        held="",
    )


def _placed(record: Record, stands: Standing, words: str, *, now: float) -> Record:
    since = record.held_since if record.held else now
    return replace(record, place=max(1, stands.place), held=words, held_since=since)


def _refused(record: Record, words: str, kind: type[LimitExceeded]) -> Record:
    ended = concluded(record, state="failed", reason=words)
    return replace(ended, error=kind.__name__, place=0)

"""The book of totals as one value: what is held, waited for, spent and frozen. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, TypeVar

from starburst.contract import CONTROL_PREFIX, PROTOCOL, SESSION_ID, speaks_protocol
from starburst.errors import LimitExceeded
from starburst.untrusted.strict_json import (
    MAX_BYTES,
    Amount,
    Moment,
    fill,
    known_fields,
    read_object,
)

from .days import DAY, day_of, days_between, month_of
from .grants import Ask, Grant, Waiter

__all__ = ["ALL", "BOOK", "Book", "Freeze"]

BOOK: Final = f"{CONTROL_PREFIX}totals.json"
"""Key of the book."""

ALL: Final = "*"
"""Stands for every workspace; no name looks like it."""

_T = TypeVar("_T")
_Spent = Mapping[str, Mapping[str, Amount]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Freeze:
    """That no new session may start.

    Attributes:
        workspace: of which one, or ``*``.
        by: who said so: an officer, as their command says, or a budget.
        since: since when.
        why: in words.
        end: whether sessions that run are ended too.
        until: it ends by itself then; 0 where somebody must thaw it.
    """

    workspace: str
    by: str
    since: Moment
    why: str
    end: bool = False
    until: Moment = 0

    def lasts(self, now: float) -> bool:
        """Whether it has not ended by itself."""
        return not self.until or now < self.until


@dataclass(frozen=True, kw_only=True, slots=True)
class Book:
    """What the controller knows of everybody's use together.

    Attributes:
        grants: by session; of each that may have workers.
        waiting: sessions that wait for room, in their order.
        days, months: USD that sessions cost which have ended, by day or month, and by
            ``workspace/user``: yesterday and today, the last month and this one.
        freezes: by what put them.
    """

    grants: Mapping[str, Grant] = field(default_factory=dict)
    waiting: tuple[Waiter, ...] = ()
    days: _Spent = field(default_factory=dict)
    months: _Spent = field(default_factory=dict)
    freezes: Mapping[str, Freeze] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Return the book as JSON; raise LimitExceeded where it is too large to be read again."""
        body = json.dumps({"protocol": PROTOCOL, **asdict(self)}, separators=(",", ":")).encode()
        if len(body) > MAX_BYTES:
            raise LimitExceeded(
                f"{len(self.grants)} sessions run and {len(self.waiting)} wait, more than this "
                "environment can account for: start it again once some have ended"
            )
        return body

    @classmethod
    def from_json(cls, text: bytes) -> Book:
        """Read the book; raise ValueError where it is another protocol's or malformed."""
        fields = read_object(text)
        if not speaks_protocol(fields.pop("protocol", None)):
            raise ValueError("the book has another protocol version")
        known = _known(cls, fields)
        book = fill(
            cls,
            {
                **known,
                "grants": {
                    _session(name): _asking(Grant, entry)
                    for name, entry in _mapping(known.get("grants", {})).items()
                },
                "waiting": tuple(_asking(Waiter, one) for one in _list(known.get("waiting", ()))),
                "freezes": {
                    name: fill(Freeze, _known(Freeze, entry))
                    for name, entry in _mapping(known.get("freezes", {})).items()
                },
            },
        )
        for waiter in book.waiting:
            _session(waiter.session)
        return book

    def waiter(self, session: str) -> Waiter | None:
        """Return a session's place among those that wait, or None."""
        return next((one for one in self.waiting if one.session == session), None)

    def without(self, session: str) -> Book:
        """Return the book in which a session neither holds nor waits for anything."""
        if session not in self.grants and self.waiter(session) is None:
            return self
        return replace(
            self,
            grants={name: grant for name, grant in self.grants.items() if name != session},
            waiting=tuple(one for one in self.waiting if one.session != session),
        )

    def holding(self, session: str, grant: Grant) -> Book:
        """Return the book in which a session holds a grant, and waits no longer."""
        book = self.without(session) if self.waiter(session) else self
        return replace(book, grants={**book.grants, session: grant})

    def spending(self, grant: Grant, usd: float, *, now: float) -> Book:
        """Return the book with what a session cost that has ended by now.

        Nobody knows on which of its days: as much as can be counts for the latest, so that no
        total of today is exceeded by what was spent before.
        """
        left, days, months = usd, {**self.days}, {**self.months}
        spans = list(days_between(grant.since, max(now, grant.since)))
        for span in reversed(spans):
            part = left
            if span is not spans[0]:
                part = min(left, grant.ask.usd_per_hour * span.hours(grant.since, now))
            for spent, name in ((days, span.name), (months, month_of(span.begins).name)):
                of_span = spent.get(name, {})
                spent[name] = {**of_span, grant.ask.who: of_span.get(grant.ask.who, 0.0) + part}
            left -= part
        return replace(self, days=days, months=months)

    def pruned(self, *, now: float) -> Book:
        """Return the book without what is too old to matter."""
        days = {day_of(now).name, day_of(now - DAY).name}
        month = month_of(now)
        months = {month.name, month_of(month.begins - DAY).name}
        return replace(
            self,
            days={name: spent for name, spent in self.days.items() if name >= min(days)},
            months={name: spent for name, spent in self.months.items() if name >= min(months)},
            freezes={k: one for k, one in self.freezes.items() if one.lasts(now)},
        )


def _known(kind: type[Any], fields: object) -> dict[str, Any]:
    return known_fields(kind, _mapping(fields))


def _asking(kind: type[_T], fields: object) -> _T:
    known = _known(kind, fields)
    return fill(kind, {**known, "ask": fill(Ask, _known(Ask, known.get("ask")))})


def _mapping(fields: object) -> dict[str, Any]:
    if type(fields) is not dict:
        raise ValueError("an entry of the book is no object")
    return fields


def _list(fields: object) -> list[Any] | tuple[Any, ...]:
    if type(fields) not in (list, tuple):
        raise ValueError("those who wait are no list")
    return fields  # type: ignore[return-value]


def _session(name: str) -> str:
    if not SESSION_ID.fullmatch(name):
        raise ValueError(f"{name!r:.80} is no session")
    return name

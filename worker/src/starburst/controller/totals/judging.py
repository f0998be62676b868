"""What is held together of each total, and whether one session more fits. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Self

from starburst.contract import RuntimeDocument, Totals

from .book import Book
from .days import Span, day_of, days_between, month_of, months_between
from .grants import Ask, Grant

__all__ = ["Over", "Scope", "Usage", "fitting_workers", "scopes_of", "totals_of", "within"]

_ROUNDING: Final = 1e-6
Kind = Literal["person", "workspace", "environment"]


class Scope(NamedTuple):
    """Whose totals they are: a person's in all workspaces, a workspace's, or all of them."""

    kind: Kind
    name: str


def scopes_of(ask: Ask, document: RuntimeDocument) -> tuple[Scope, ...]:
    """Return the scopes that a session is counted in, the narrowest first."""
    return (
        Scope("person", ask.user),
        Scope("workspace", ask.workspace),
        Scope("environment", document.environment),
    )


def totals_of(scope: Scope, document: RuntimeDocument) -> Totals | None:
    """Return what a scope may use; None for a workspace that is no longer there."""
    if scope.kind == "workspace":
        workspace = document.workspaces.get(scope.name)
        return None if workspace is None else workspace.totals
    return document.user_totals if scope.kind == "person" else document.totals


def within(scope: Scope, *, workspace: str, user: str) -> bool:
    """Whether a session of a workspace's user is counted in a scope."""
    of = {"person": user, "workspace": workspace, "environment": scope.name}
    return of[scope.kind] == scope.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Over:
    """One total that a session more would exceed.

    Attributes:
        scope: whose total.
        total: its name among the fields of ``Totals``.
        used: by all others.
        wanted: by this session.
        allowed: together.
        per_worker: by each of its workers; 0 where fewer workers would not help.
        span: the day or month, where it is money.
    """

    scope: Scope
    total: str
    used: float
    wanted: float
    allowed: float
    per_worker: float
    span: Span | None = None

    @property
    def alone(self) -> bool:
        """Whether it would be exceeded if nobody else used anything."""
        return self.wanted > self.allowed + _ROUNDING

    @property
    def room(self) -> float:
        """What is left of it."""
        return max(0.0, self.allowed - self.used)


class Usage:
    """The sums of a book, to which sessions are added as they are let in.

    Args:
        document: who there is, and what they may use.
        now: the time.
    """

    def __init__(self, document: RuntimeDocument, *, now: float) -> None:
        self._document, self._now = document, now
        self._held: defaultdict[tuple[Scope, str], float] = defaultdict(float)

    @classmethod
    def of(cls, book: Book, document: RuntimeDocument, *, now: float, but: str = "") -> Self:
        """Return the sums of a book, but for what one session holds."""
        usage = cls(document, now=now)
        for session, grant in book.grants.items():
            if session != but:
                usage.add(grant)
        for spent in (book.days, book.months):
            for name, by in spent.items():
                for who, usd in by.items():
                    workspace, _, user = who.partition("/")
                    usage._spend(name, workspace, user, usd)
        return usage

    def add(self, grant: Grant) -> None:
        """Count what a session holds; its money from the beginning of this month on."""
        ask, held = grant.ask, self._held
        day, month = day_of(self._now).begins, month_of(self._now).begins
        spans = [
            *days_between(max(grant.since, day), grant.until),
            *months_between(max(grant.since, month), grant.until),
        ]
        money = [(each.name, ask.usd_within(each, grant.since, grant.until)) for each in spans]
        for scope in scopes_of(ask, self._document):
            for total, amount in _at_once(ask):
                held[scope, total] += amount
            for name, usd in money:
                held[scope, name] += usd

    def used(self, scope: Scope) -> Totals:
        """Return what a scope uses now, today and this month."""
        held, now = self._held, self._now
        return Totals(
            sessions=int(held[scope, "sessions"]),
            workers=int(held[scope, "workers"]),
            vcpu=held[scope, "vcpu"],
            memory_gb=held[scope, "memory_gb"],
            usd_per_hour=held[scope, "usd_per_hour"],
            usd_per_day=held[scope, day_of(now).name],
            usd_per_month=held[scope, month_of(now).name],
        )

    def over(self, ask: Ask, *, since: float, until: float) -> list[Over]:
        """Return the totals that a session would exceed; none where it fits.

        Args:
            ask: what it may use.
            since: when it starts.
            until: its deadline.
        """
        return [
            each
            for each in self._against(ask, since=since, until=until)
            if each.used + each.wanted > each.allowed + _ROUNDING
        ]

    def _against(self, ask: Ask, *, since: float, until: float) -> Iterator[Over]:
        spans = [*days_between(self._now, until), *months_between(self._now, until)]
        for scope in scopes_of(ask, self._document):
            totals = totals_of(scope, self._document)
            if totals is None:
                continue
            for total, amount in _at_once(ask):
                yield Over(
                    scope=scope,
                    total=total,
                    used=self._held.get((scope, total), 0.0),
                    wanted=amount,
                    allowed=getattr(totals, total),
                    per_worker=0 if total == "sessions" else amount / max(1, ask.workers),
                )
            for span in spans:
                total = "usd_per_day" if span.is_day else "usd_per_month"
                hour = ask.usd_per_hour / max(1, ask.workers)
                yield Over(
                    scope=scope,
                    total=total,
                    used=self._held.get((scope, span.name), 0.0),
                    wanted=ask.usd_within(span, since, until),
                    allowed=getattr(totals, total),
                    per_worker=hour * span.hours(since, until),
                    span=span,
                )

    def _spend(self, name: str, workspace: str, user: str, usd: float) -> None:
        for scope in (
            Scope("person", user),
            Scope("workspace", workspace),
            Scope("environment", self._document.environment),
        ):
            self._held[scope, name] += usd


def fitting_workers(overs: Sequence[Over]) -> int:
    """Return how many workers of the session's size would fit into what is left."""
    return min(
        int(each.room / each.per_worker + _ROUNDING) if each.per_worker else 0 for each in overs
    )


def _at_once(ask: Ask) -> tuple[tuple[str, float], ...]:
    return (
        ("sessions", 1),
        ("workers", ask.workers),
        ("vcpu", ask.vcpu),
        ("memory_gb", ask.memory_gb),
        ("usd_per_hour", ask.usd_per_hour),
    )

"""What is used of every total, who holds it, who waits and what is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from starburst.untrusted.strict_json import Amount, Moment, Whole, fill, known_fields

from .office import Office, odd

__all__ = [
    "EVERYTHING",
    "Freeze",
    "Holder",
    "TotalsOverview",
    "Used",
    "Waiting",
    "ask_totals",
    "in_short",
]

EVERYTHING: Final = "*"
"""In place of a workspace's name: all of the environment's."""

T = TypeVar("T")

_SHOWN: Final[Mapping[str, str]] = {
    "sessions": "sessions",
    "workers": "workers",
    "vcpu": "vCPU",
    "memory_gb": "GB",
    "usd_per_hour": "USD an hour",
    "usd_per_day": "USD today",
    "usd_per_month": "USD this month",
}
"""How each total is called where people read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Why no new session starts.

    Attributes:
        workspace: which one; ``*`` for all.
        by: who froze it, as they said: an ARN, or a budget's name.
        since: when, in seconds since the epoch.
        why: what analysts are told.
        end: whether sessions that ran were ended as well.
        until: when it thaws by itself, in seconds since the epoch; 0 for never.
    """

    workspace: str
    by: str = ""
    since: Moment = 0
    why: str = ""
    end: bool = False
    until: Moment = 0

    def __str__(self) -> str:
        """Return it as a sentence."""
        what = "every workspace" if self.workspace == EVERYTHING else self.workspace
        ended = "running sessions were ended" if self.end else "running sessions go on"
        thaws = f"until {_when(self.until)}" if self.until else "until it is thawed"
        return (
            f"{what} is frozen since {_when(self.since)}, {thaws}, by {self.by or 'nobody known'}: "
            f"{self.why or 'no reason was given'} ({ended})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What is used of the totals of one environment, workspace or person.

    Attributes:
        scope: ``environment``, ``workspace`` or ``person``.
        name: of it.
        allowed: each total, by its name in :class:`starburst.contract.Totals`.
        used: as much of each as counts now.
    """

    scope: str
    name: str
    allowed: Mapping[str, Amount] = field(default_factory=dict)
    used: Mapping[str, Amount] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return it in words."""
        parts = (
            f"{in_short(self.used.get(name, 0))} of {in_short(self.allowed[name])} {words}"
            for name, words in _SHOWN.items()
            if name in self.allowed
        )
        return f"{self.scope} {self.name}: {', '.join(parts)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A session that waits for room.

    Attributes:
        session: its id.
        workspace, user: whose it is.
        workers: how many it asks for.
        usd_per_hour: what they cost at list price.
        until: when it gives up, in seconds since the epoch.
        place: in its queue, from 1.
    """

    session: str
    workspace: str
    user: str
    workers: Whole = 0
    usd_per_hour: Amount = 0
    until: Moment = 0
    place: Whole = 0

    def __str__(self) -> str:
        """Return it in words."""
        return (
            f"place {self.place}: {self.user} in {self.workspace} waits until "
            f"{_when(self.until)} for {self.workers:,} workers at {self.usd_per_hour:,.2f} USD an "
            f"hour (session {self.session})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """What one session holds of the totals until no worker of it is left.

    Attributes:
        session: its id.
        workspace, user: whose it is.
        workers, vcpu, memory_gb, usd_per_hour: of all its workers, at list price on demand.
        until: its deadline, in seconds since the epoch.
    """

    session: str
    workspace: str
    user: str
    workers: Whole = 0
    vcpu: Amount = 0
    memory_gb: Amount = 0
    usd_per_hour: Amount = 0
    until: Moment = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsOverview:
    """The whole book of totals.

    Attributes:
        scopes: the environment, its workspaces, and people who use something.
        holders: the sessions that hold it, the largest first.
        waiting: those that wait for room, in their order.
        frozen: where no new session may start.
    """

    scopes: tuple[Used, ...]
    holders: tuple[Holder, ...]
    waiting: tuple[Waiting, ...]
    frozen: tuple[Freeze, ...]


def ask_totals(office: Office, *, workspace: str | None = None) -> TotalsOverview:
    """Return what is used of every total, of one workspace or of all."""
    answer = office.ask("totals", workspace=workspace)
    try:
        return TotalsOverview(
            scopes=_read(Used, answer["scopes"]),
            holders=tuple(
                sorted(
                    _read(Holder, answer["sessions"]), key=lambda one: (-one.workers, one.session)
                )
            ),
            waiting=_read(Waiting, answer["waiting"]),
            frozen=_read(Freeze, answer["frozen"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise odd("totals", error) from error


def _read(kind: type[T], entries: Any) -> tuple[T, ...]:  # noqa: ANN401 - of an answer
    # A later release may say more.
    return tuple(fill(kind, known_fields(kind, dict(each))) for each in entries)


def _when(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"


def in_short(value: float) -> str:
    """Return a number with two decimals, or with none where they are 0.

    Example:
        >>> in_short(1200), in_short(0.5)
        ('1,200', '0.50')
    """
    return f"{value:,.2f}".removesuffix(".00")

"""What sessions may use together: checked where it is set, derived where it is not (A1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Final

from stacks.settings.validation import between, positive, require
from starburst.contract import Limits, Totals

__all__ = ["EffectiveTotals", "Scopes", "check_session_fits", "check_totals"]

_MOST: Final = Totals(
    sessions=10_000,
    workers=100_000,
    vcpu=1_600_000,
    memory_gb=12_000_000,
    usd_per_hour=100_000,
    usd_per_day=1_000_000,
    usd_per_month=10_000_000,
)
"""Beyond this a total is a slip: a hundred thousand of the largest workers, a large budget."""

_OF_A_SESSION: Final = ("workers", "vcpu", "memory_gb", "usd_per_hour")
"""What limits and totals both bound."""

_MONEY: Final = ("usd_per_hour", "usd_per_day", "usd_per_month")

_HOURS_A_DAY: Final = 30
_HOURS_A_MONTH: Final = 300
"""Of one session at its limits; one that lasts longer than so much of a month may still run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectiveTotals:
    """The totals that hold in an environment, whether they were set or follow from limits.

    Attributes:
        environment: of all its sessions.
        user: of one person's, in all workspaces together.
        workspaces: of each workspace's, by its name.
    """

    environment: Totals
    user: Totals
    workspaces: Mapping[str, Totals]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scopes:
    """What an environment's settings say of totals.

    Attributes:
        environment, user: as set; None where they follow.
        workspaces: each workspace's, by its name; None where they follow.
        limits: what one session of each workspace may use.
    """

    environment: Totals | None
    user: Totals | None
    workspaces: Mapping[str, Totals | None]
    limits: Mapping[str, Limits]

    def check(self, me: str) -> None:
        """Refuse totals that contradict each other or what one session may use.

        Args:
            me: the environment, as a sentence about it begins.

        Raises:
            SettingsError: with the first field that does.
        """
        for name, totals in (("totals", self.environment), ("user_totals", self.user)):
            if totals is None:
                continue
            check_totals(f"{me} {name}", totals)
            for workspace, limits in self.limits.items():
                check_session_fits(f"{me} {name}", totals, limits, of=f" of workspace {workspace}")
        if self.environment is None:
            return
        parts = [(f"workspace {name}: totals", one) for name, one in self.workspaces.items()]
        for field, part in (*parts, (f"{me} user_totals", self.user)):
            if part is not None:
                _check_within(field, part, self.environment, of=f"{me} totals")

    def effective(self) -> EffectiveTotals:
        """Return what holds; nothing that follows is above the environment's own totals.

        Each workspace may have the fleets of five sessions at their limits, and a person those of
        three, at the rate of three and of two; both the money of 30 such hours a day and of 300 a
        month. So a session at its limits starts, whatever its length. The environment may have
        what its workspaces have together.
        """
        above = () if self.environment is None else (self.environment,)
        workspaces = {
            name: one or _each(min, [_follows(self.limits[name], 50, fleets=5, rates=3), *above])
            for name, one in self.workspaces.items()
        }
        whole = self.environment or _each(sum, list(workspaces.values()))
        people = [_follows(one, 20, fleets=3, rates=2) for one in self.limits.values()]
        return EffectiveTotals(
            environment=whole,
            user=self.user or _each(min, [_each(max, people), whole]),
            workspaces=workspaces,
        )


def check_totals(field: str, totals: Totals) -> None:
    """Refuse what is no number of something, and a month of less than one day.

    Args:
        field: which totals, such as ``workspace genomics: totals``.
        totals: as set.

    Raises:
        SettingsError: with the first field that is wrong.
    """
    for name in ("sessions", "workers"):
        between(f"{field}.{name}", getattr(totals, name), 1, getattr(_MOST, name))
    for name in ("vcpu", "memory_gb", *_MONEY):
        positive(f"{field}.{name}", getattr(totals, name), most=getattr(_MOST, name))
    for shorter, longer in pairwise(_MONEY):
        least, value = getattr(totals, shorter), getattr(totals, longer)
        allowed = f"{least:,} or more, as {shorter} says; raise it, or lower {shorter}"
        require(value >= least, f"{field}.{longer}", value, allowed)


def check_session_fits(field: str, totals: Totals, limits: Limits, *, of: str = "") -> None:
    """Refuse totals in which a session at its limits has no room.

    Args:
        field: which totals.
        totals: as set.
        limits: of one session.
        of: whose limits, in words.

    Raises:
        SettingsError: with the first field that is too small.
    """
    for name in _OF_A_SESSION:
        least, value = getattr(limits, name), getattr(totals, name)
        allowed = (
            f"{least:,} or more, what limits.{name} lets one session{of} have; raise it, or lower "
            "that limit"
        )
        require(value >= least, f"{field}.{name}", value, allowed)


def _check_within(field: str, part: Totals, whole: Totals, *, of: str) -> None:
    for each in fields(Totals):
        value, most = getattr(part, each.name), getattr(whole, each.name)
        allowed = f"at most the {most:,} of {of}.{each.name}; lower it, or raise that"
        require(value <= most, f"{field}.{each.name}", value, allowed)


def _follows(limits: Limits, sessions: int, *, fleets: int, rates: int) -> Totals:
    """Return totals for so many sessions, of which so many may be at their limits at once."""
    usd = limits.usd_per_hour
    return Totals(
        sessions=sessions,
        workers=fleets * limits.workers,
        vcpu=fleets * limits.vcpu,
        memory_gb=fleets * limits.memory_gb,
        usd_per_hour=rates * usd,
        usd_per_day=_HOURS_A_DAY * usd,
        usd_per_month=max(_HOURS_A_MONTH, limits.timeout_seconds / 3600) * usd,
    )


def _each(choose: Callable[[Iterable[float]], float], several: Sequence[Totals]) -> Totals:
    """Return the totals of which each number was chosen among those of several."""
    names = [each.name for each in fields(Totals)]
    chosen = {name: choose([getattr(one, name) for one in several]) for name in names}
    return Totals(**chosen)  # type: ignore[arg-type]  # sessions and workers are whole throughout

"""What one session holds of the totals, or waits for. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

from starburst.contract import RuntimeDocument
from starburst.controller.state.sessions import Record
from starburst.pricing.prices import Prices
from starburst.pricing.tariff import worker_usd
from starburst.untrusted.strict_json import Amount, Moment, Whole

from .days import Span

__all__ = ["RESERVED_SECONDS", "Ask", "Grant", "Waiter"]

RESERVED_SECONDS: Final = 120
"""A grant whose session has no record by then is given back. No invocation lives so long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """What one session may use at most.

    Attributes:
        workspace, user: whose it is.
        workers, vcpu, memory_gb, usd_per_hour: of all its workers, at list price on demand.
        seconds: from its start to its deadline.
        max_usd: its own cap, or None.
    """

    workspace: str
    user: str
    workers: Whole
    vcpu: Amount
    memory_gb: Amount
    usd_per_hour: Amount
    seconds: Amount
    max_usd: Amount | None = None

    @classmethod
    def of(cls, record: Record, document: RuntimeDocument, *, prices: Prices) -> Self:
        """Return what a record asks for; ECS wins where more workers of it live than it says."""
        workers = max(record.workers, len(record.known))
        usd = worker_usd(
            document,
            cpu=record.cpu,
            memory_gb=record.memory_gb,
            scratch_gb=record.scratch_gb,
            architecture=record.architecture,
            prices=prices,
        )
        return cls(
            workspace=record.workspace,
            user=record.user,
            workers=workers,
            vcpu=workers * record.cpu,
            memory_gb=workers * record.memory_gb,
            usd_per_hour=workers * usd,
            seconds=max(0.0, record.deadline - record.started),
            max_usd=record.max_usd,
        )

    @property
    def who(self) -> str:
        """The name under which its money is spent."""
        return f"{self.workspace}/{self.user}"

    def usd_within(self, span: Span, since: float, until: float) -> float:
        """Return what it may cost at worst within a day or a month."""
        worst = self.usd_per_hour * span.hours(since, until)
        return worst if self.max_usd is None else min(worst, self.max_usd)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """What a session holds until no worker of it is left.

    Attributes:
        ask: how much.
        since: its start; its record has the same, so that a record tells which grant is its own.
        until: its deadline.
        reserved: it holds without a record, and against an older one, until then.
    """

    ask: Ask
    since: Moment
    until: Moment
    reserved: Moment = 0

    @classmethod
    def begun(cls, ask: Ask, *, now: float) -> Self:
        """Return the grant of a session that starts now."""
        until = now + ask.seconds
        return cls(ask=ask, since=now, until=until, reserved=now + RESERVED_SECONDS)

    @classmethod
    def of(cls, record: Record, ask: Ask) -> Self:
        """Return what a session holds that has a record."""
        return cls(ask=ask, since=record.started, until=record.deadline)

    def grown(self, *, until: float, now: float) -> Self:
        """Return the grant with a later deadline; its record follows."""
        return replace(self, until=max(self.until, until), reserved=now + RESERVED_SECONDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiter:
    """A session that waits for room; the order in the book is theirs.

    Attributes:
        session: its id.
        ask: how much it needs.
        since: since when.
        until: it waits no longer.
    """

    session: str
    ask: Ask
    since: Moment
    until: Moment

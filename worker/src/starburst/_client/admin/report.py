"""What a month's sessions used, by workspace and analyst: as rows, CSV, JSON and one page."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from starburst.contract.times import RECORD_DAYS
from starburst.errors import ConfigurationError
from starburst.untrusted.spreadsheet_text import plain_cell

from .office import Office
from .overview import AdminSession, ask_sessions

__all__ = ["MonthlyReport", "ReportRow", "ask_report"]

_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_COLUMNS: Final = (
    "month",
    "workspace",
    "analyst",
    "sessions",
    "still_running",
    "failed",
    "worker_hours",
    "usd_at_list_price",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRow:
    """What one analyst used in one workspace.

    Attributes:
        workspace, analyst: who, and where.
        sessions: how many began in the month.
        still_running: how many of them have not ended: their cost is that so far.
        failed: how many of them failed.
        worker_hours: billed run time of their workers.
        usd_at_list_price: what those cost; discounts, taxes, storage and the network are no part.
    """

    workspace: str
    analyst: str
    sessions: int
    still_running: int
    failed: int
    worker_hours: float
    usd_at_list_price: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthlyReport:
    """A month of one environment.

    A session counts whole for the month in which it began, by UTC.

    Attributes:
        environment: its name.
        month: such as ``2026-11``.
        rows: by workspace and analyst.
        at: when it was asked for, in seconds since the epoch.
        over: whether the month was over by then.
        unread: ids of sessions whose records cannot be read, and why; they may be of the month and
            are in no row.
    """

    environment: str
    month: str
    rows: tuple[ReportRow, ...]
    at: float
    over: bool
    unread: Mapping[str, str]

    @property
    def usd(self) -> float:
        """What all rows cost."""
        return math.fsum(row.usd_at_list_price for row in self.rows)

    def to_csv(self) -> str:
        """Return it as CSV with a row of names, in which no cell is a formula."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for row in self.rows:
            cells = (self.month, *asdict(row).values())
            writer.writerow([plain_cell(cell) for cell in cells])
        return out.getvalue()

    def to_json(self) -> str:
        """Return it as one JSON object."""
        return json.dumps({**asdict(self), "usd_at_list_price": round(self.usd, 6)}, indent=2)

    def to_html(self) -> str:
        """Return it as one page, without scripts and without anything from elsewhere."""
        from .page import page  # noqa: PLC0415 - the page reads the report

        return page(self)


def ask_report(office: Office, month: str) -> MonthlyReport:
    """Return what the sessions used that began in a month.

    Args:
        office: who asks.
        month: such as ``2026-11``.

    Raises:
        ConfigurationError: it is no month, has not begun, or is longer ago than records are kept.
    """
    begins, ends = _span(month)
    told = ask_sessions(office, ended_since=begins.timestamp())
    now = datetime.fromtimestamp(told.at, UTC)
    if begins > now:
        raise ConfigurationError(f"month {month} has not begun: it is {now:%Y-%m-%d} by UTC")
    if now - begins > timedelta(days=RECORD_DAYS):
        first = now - timedelta(days=RECORD_DAYS)
        raise ConfigurationError(
            f"records of sessions are kept for {RECORD_DAYS} days, so since {first:%Y-%m-%d}: "
            f"month {month} is not whole any more. Keep the reports that you need"
        )
    low, high = begins.timestamp(), ends.timestamp()
    within = (one for one in told.sessions if low <= one.started < high and not one.waiting)
    return MonthlyReport(
        environment=office.environment,
        month=month,
        rows=tuple(_rows(within)),
        at=told.at,
        over=ends <= now,
        unread=told.unread,
    )


def _span(month: str) -> tuple[datetime, datetime]:
    found = _MONTH.fullmatch(month) if isinstance(month, str) else None
    year = int(found[1]) if found else 0
    if found is None or not 1970 <= year < 9999:  # noqa: PLR2004 - what a datetime can say
        raise ConfigurationError(f"month={month!r:.40} is no month such as 2026-11")
    begins = datetime(year, int(found[2]), 1, tzinfo=UTC)
    return begins, (begins + timedelta(days=31)).replace(day=1)


def _rows(sessions: Iterable[AdminSession]) -> Iterable[ReportRow]:
    of: defaultdict[tuple[str, str], list[AdminSession]] = defaultdict(list)
    for one in sessions:
        of[one.workspace, one.user].append(one)
    for (workspace, analyst), theirs in sorted(of.items()):
        yield ReportRow(
            workspace=workspace,
            analyst=analyst,
            sessions=len(theirs),
            still_running=sum(one.ended is None for one in theirs),
            failed=sum(one.state == "failed" for one in theirs),
            worker_hours=round(math.fsum(one.worker_seconds for one in theirs) / 3600, 4),
            usd_at_list_price=round(math.fsum(one.usd for one in theirs), 4),
        )

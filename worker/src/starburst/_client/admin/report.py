"""What a month's sessions used, by workspace and analyst: as rows, CSV, JSON and one page."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from starburst.contract.times import RECORD_DAYS
from starburst.errors import ConfigurationError
from starburst.untrusted.spreadsheet_text import plain_cell

from .measured import Measured, MeasuredRow, Unmeasured, ask_measured
from .office import Office
from .overview import AdminSession, ask_sessions

__all__ = ["MonthlyReport", "ReportRow", "ask_report", "differences"]

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
        measured: what job metrics counted of the month, where that add-on is on and lets who asks
            read; None else.
        unmeasured: why not, where it is not simply off.
        differences: sentences on where the two differ, and why.
    """

    environment: str
    month: str
    rows: tuple[ReportRow, ...]
    at: float
    over: bool
    unread: Mapping[str, str]
    measured: Measured | None = None
    unmeasured: str = ""
    differences: tuple[str, ...] = ()

    @property
    def usd(self) -> float:
        """What all rows cost."""
        return math.fsum(row.usd_at_list_price for row in self.rows)

    def to_csv(self) -> str:
        """Return it as CSV with a row of names, in which no cell is a formula."""
        rows = [
            [plain_cell(cell) for cell in (self.month, *asdict(row).values())] for row in self.rows
        ]
        # Python's writer quotes no \r of its own accord, and what follows one begins a row.
        returns = any("\r" in str(cell) for row in rows for cell in row)
        out = io.StringIO()
        writer = csv.writer(
            out,
            lineterminator="\n",
            quoting=csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL,
        )
        writer.writerow(_COLUMNS)
        writer.writerows(rows)
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
    measured, unmeasured = _measured(office, begins, ends)
    if measured is not None and datetime.now(UTC) - begins > timedelta(days=RECORD_DAYS):
        return _remembered(office, month, measured)
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
    rows = tuple(_rows(within))
    return MonthlyReport(
        environment=office.environment,
        month=month,
        rows=rows,
        at=told.at,
        over=ends <= now,
        unread=told.unread,
        measured=measured,
        unmeasured=unmeasured,
        differences=tuple(differences(rows, measured.rows)) if measured else (),
    )


def differences(rows: Iterable[ReportRow], measured: Iterable[MeasuredRow]) -> Iterator[str]:
    """Yield where the controller's records and the events of workers differ, and why.

    A cent, or a hundredth, is no difference: the one rounds sessions, the other workers.

    Args:
        rows: by the controller's records.
        measured: by the events.
    """
    ours = {(row.workspace, row.analyst): row for row in rows}
    theirs = {(row.workspace, row.analyst): row for row in measured}
    for key in sorted({*ours, *theirs}):
        row, other = ours.get(key), theirs.get(key)
        usd = row.usd_at_list_price if row else 0.0
        counted = other.usd_at_list_price if other else 0.0
        if abs(usd - counted) <= max(0.01, 0.01 * usd):
            continue
        yield (
            f"{key[0]}, {key[1]}: {usd:,.2f} USD by the controller's records, {counted:,.2f} by "
            f"the events of workers: {_why(row, other)}"
        )


def _why(row: ReportRow | None, other: MeasuredRow | None) -> str:
    if row is None:
        return "the controller has no session of theirs: somebody else started these workers"
    if other is None:
        return "no event of their workers is there: from before the add-on, or on its way"
    if other.unpriced:
        return f"{other.unpriced} workers have no known price"
    if row.still_running:
        return f"{row.still_running} sessions still run, and their workers count when they stop"
    if other.usd_at_list_price < row.usd_at_list_price:
        return "events of some workers are not there: from before the add-on, or on their way"
    return "the controller saw some workers last before they stopped"


def _measured(office: Office, begins: datetime, ends: datetime) -> tuple[Measured | None, str]:
    try:
        return ask_measured(office, begins, ends), ""
    except Unmeasured as why:
        return None, str(why)


def _remembered(office: Office, month: str, measured: Measured) -> MonthlyReport:
    """Return the report of a month that the controller keeps no records of any more."""
    return MonthlyReport(
        environment=office.environment,
        month=month,
        rows=tuple(
            ReportRow(
                workspace=one.workspace,
                analyst=one.analyst,
                sessions=one.recorded,
                still_running=0,
                failed=one.failed,
                worker_hours=one.recorded_hours,
                usd_at_list_price=one.recorded_usd,
            )
            for one in measured.rows
            if one.recorded
        ),
        at=datetime.now(UTC).timestamp(),
        over=True,
        unread={},
        measured=measured,
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

"""The page of a monthly report: one file without scripts, and nothing from elsewhere. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from starburst.untrusted.page_text import escaped

from .measured_page import STYLE, measured_part

if TYPE_CHECKING:
    from .report import MonthlyReport, ReportRow

__all__ = ["page"]

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 1.5rem 0 .5rem; }
th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid #8886; }
th:first-child, td:first-child, .text { text-align: left; }
tfoot td { font-weight: 600; }
.soft { opacity: .75; }
.bar { display: block; height: .5rem; background: #3157c8; min-width: 1px; }
"""
_LEGEND: Final = (
    "Cost is that of workers at list price: no discounts, taxes, storage or network. "
    "A session counts whole for the month in which it began, by UTC."
)


def page(report: MonthlyReport) -> str:
    """Return the report as HTML."""
    title = f"Starburst in {report.month}: {report.environment}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escaped(title)}</title><style>{_STYLE}{STYLE}</style></head>\n"
        f"<body><main><h1>{escaped(title)}</h1>{''.join(_body(report))}</main></body></html>\n"
    )


def _body(report: MonthlyReport) -> Iterator[str]:
    told = f"{datetime.fromtimestamp(report.at, UTC):%Y-%m-%d %H:%M} UTC"
    whole = "The month was over" if report.over else "The month was not over"
    yield f'<p class="soft">Told {told}. {whole}. {_LEGEND}</p>'
    if report.unread:
        many = len(report.unread)
        names = ", ".join(sorted(report.unread))
        yield (
            f"<p><strong>{many} {'record' if many == 1 else 'records'} cannot be read and "
            f"{'is' if many == 1 else 'are'} in no row:</strong> {escaped(names)}</p>"
        )
    yield from _tables(report)
    if report.measured is not None:
        yield from measured_part(report, report.measured)


def _tables(report: MonthlyReport) -> Iterator[str]:
    if not report.rows:
        yield "<p>No session began in this month.</p>"
        return
    sums: dict[str, list[ReportRow]] = {}
    for row in report.rows:
        sums.setdefault(row.workspace, []).append(row)
    yield _table("By workspace", sums.items(), most=report.usd, head=("Workspace",))
    each = [(f"{row.workspace}\0{row.analyst}", [row]) for row in report.rows]
    yield _table("By analyst", each, most=report.usd, head=("Workspace", "Analyst"))


def _table(
    caption: str,
    rows: Iterable[tuple[str, list[ReportRow]]],
    *,
    most: float,
    head: tuple[str, ...],
) -> str:
    named = [*rows]
    words = "".join(f'<th scope="col" class="text">{one}</th>' for one in head)
    numbers = "".join(
        f'<th scope="col">{one}</th>'
        for one in ("Sessions", "Still running", "Failed", "Worker hours", "USD", "Share")
    )
    lines = "".join(
        f"<tr>{_names(name)}{_numbers(of)}<td>{_bar(of, most=most)}</td></tr>" for name, of in named
    )
    every = [row for _, of in named for row in of]
    foot = f'<td class="text" colspan="{len(head)}">Together</td>{_numbers(every)}<td></td>'
    return (
        f"<table><caption>{caption}</caption><thead><tr>{words}{numbers}</tr></thead>"
        f"<tbody>{lines}</tbody><tfoot><tr>{foot}</tr></tfoot></table>"
    )


def _names(name: str) -> str:
    return "".join(f'<td class="text">{escaped(part)}</td>' for part in name.split("\0"))


def _numbers(rows: list[ReportRow]) -> str:
    counts = (
        sum(row.sessions for row in rows),
        sum(row.still_running for row in rows),
        sum(row.failed for row in rows),
    )
    hours = math.fsum(row.worker_hours for row in rows)
    usd = math.fsum(row.usd_at_list_price for row in rows)
    cells = (*(f"{one:,}" for one in counts), f"{hours:,.1f}", f"{usd:,.2f}")
    return "".join(f"<td>{one}</td>" for one in cells)


def _bar(rows: list[ReportRow], *, most: float) -> str:
    share = math.fsum(row.usd_at_list_price for row in rows) / most if most else 0.0
    return f'<span class="bar" style="width:{100 * share:.1f}%"></span>'

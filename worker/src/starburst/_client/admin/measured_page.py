"""The part of a monthly report's page that job metrics fill: tiles, days, runs. Pure."""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from starburst.untrusted.page_text import escaped

if TYPE_CHECKING:
    from .measured import Measured, Run
    from .report import MonthlyReport

__all__ = ["STYLE", "measured_part"]

STYLE: Final = """
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; }
.tiles div { border: 1px solid #8886; border-radius: .5rem; padding: .75rem 1rem; }
.tiles dt { font-size: .85rem; opacity: .75; }
.tiles dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; }
.days { width: 100%; height: auto; margin: .5rem 0; }
.days rect { fill: #3157c8; }
.days text { font: 11px system-ui, sans-serif; fill: currentColor; opacity: .75; }
.days line { stroke: currentColor; opacity: .3; }
@media (prefers-color-scheme: dark) { .days rect { fill: #8ea6f5; } }
.scrolls { overflow-x: auto; }
"""

_WIDTH: Final = 900
_HEIGHT: Final = 200
_LEFT: Final = 56
_BOTTOM: Final = 24
_TOP: Final = 10
_LABELLED: Final = (1, 5, 10, 15, 20, 25, 30)


def measured_part(report: MonthlyReport, measured: Measured) -> Iterator[str]:
    """Yield the sections of a report's page on what job metrics counted."""
    yield "<h2>By the events of workers</h2>"
    yield (
        '<p class="soft">Job metrics count each worker once when it has stopped, at the list price '
        "of then. Days are those of the stops.</p>"
    )
    yield _tiles(measured)
    yield _days(report.month, measured)
    yield from _differences(report)
    if measured.runs:
        yield _runs(measured.runs)


def _tiles(measured: Measured) -> str:
    rows = measured.rows
    workers = sum(row.workers for row in rows)
    unpriced = sum(row.unpriced for row in rows)
    tiles = {
        "US dollars, list price": f"{measured.usd:,.2f}",
        "Sessions": f"{sum(row.sessions for row in rows):,}",
        "Workers": f"{workers:,}",
        "Worker hours": f"{math.fsum(row.worker_hours for row in rows):,.1f}",
        "Analysts": f"{len({row.analyst for row in rows} - {'untagged'}):,}",
        **({"Workers without a price": f"{unpriced:,}"} if unpriced else {}),
    }
    each = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles.items())
    return f'<dl class="tiles">{each}</dl>'


def _days(month: str, measured: Measured) -> str:
    """Return a bar for each day of the month, which a table says to who cannot see it."""
    cost = {int(one.day[-2:]): one.usd_at_list_price for one in measured.days}
    if not cost:
        return "<p>No worker stopped in this month.</p>"
    count = calendar.monthrange(*map(int, month.split("-")))[1]
    most = max(cost.values()) or 1.0
    step, floor = (_WIDTH - _LEFT) / count, _HEIGHT - _BOTTOM
    bars, names = [], []
    for day in range(1, count + 1):
        left, height = _LEFT + (day - 1) * step, (floor - _TOP) * cost.get(day, 0.0) / most
        if height:
            bars.append(
                f'<rect x="{left + 2:.1f}" y="{floor - height:.1f}" width="{step - 4:.1f}" '
                f'height="{height:.1f}" rx="2"><title>{month}-{day:02}: {cost[day]:,.2f} USD'
                "</title></rect>"
            )
        if day in _LABELLED:
            middle = left + step / 2
            names.append(
                f'<text x="{middle:.1f}" y="{_HEIGHT - 6}" text-anchor="middle">{day}</text>'
            )
    lines = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{value:,.2f}</text>'
        for at, value in ((floor, 0.0), ((floor + _TOP) / 2, most / 2), (_TOP, most))
    )
    dear = max(cost, key=lambda day: cost[day])
    told = f"US dollars by day: {len(cost)} days with cost, the dearest {month}-{dear:02}"
    drawn = (
        f'<svg class="days" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{told}, {cost[dear]:,.2f}">{lines}{"".join(bars)}{"".join(names)}</svg>'
    )
    rows = "".join(
        f'<tr><td class="text">{month}-{day:02}</td><td>{usd:,.2f}</td></tr>'
        for day, usd in sorted(cost.items())
    )
    return (
        f"<figure><figcaption>US dollars by day</figcaption>{drawn}"
        "<details><summary>The days as a table</summary><table><thead><tr>"
        '<th scope="col" class="text">Day</th><th scope="col">USD</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></details></figure>"
    )


def _differences(report: MonthlyReport) -> Iterator[str]:
    if not report.differences:
        yield "<p>The controller's records say the same, to a hundredth.</p>"
        return
    told = "".join(f"<li>{escaped(sentence)}.</li>" for sentence in report.differences)
    yield f"<h3>Where the controller's records differ</h3><ul>{told}</ul>"


def _runs(runs: Sequence[Run]) -> str:
    words = "".join(
        f'<th scope="col" class="text">{one}</th>'
        for one in ("Session", "Workspace", "Analyst", "State")
    )
    numbers = "".join(f'<th scope="col">{one}</th>' for one in ("Workers", "Hours", "USD"))
    lines = "".join(
        "<tr>"
        + "".join(
            f'<td class="text">{escaped(text)}</td>'
            for text in (one.session, one.workspace, one.analyst, one.state)
        )
        + f"<td>{one.workers:,}</td><td>{one.worker_hours:,.1f}</td>"
        f"<td>{one.usd_at_list_price:,.2f}</td></tr>"
        for one in runs
    )
    return (
        '<div class="scrolls" tabindex="0" role="region" aria-label="The dearest sessions"><table>'
        f"<caption>The dearest sessions</caption><thead><tr>{words}{numbers}</tr></thead>"
        f"<tbody>{lines}</tbody></table></div>"
    )

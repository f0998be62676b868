"""Charts of a report as SVG: shapes only, stretched to the page; words stand beside them. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starburst._client.history.course import lower_edge
from starburst.untrusted.page_text import escaped

from .facts import step
from .words import count, dollars, duration, memory, several

if TYPE_CHECKING:
    from starburst._client.history.course import Bar

    from .facts import Facts, Moment

__all__ = ["ROWS", "axis", "cost", "histogram", "timeline", "working"]

_WIDTH: Final = 1000
ROWS: Final = 160
"""Most workers that the timeline shows one by one."""

_HEIGHTS: Final = ((6, 30), (16, 22), (40, 16), (90, 8), (ROWS, 5))
"""Up to how many workers a row is how high."""

_TITLED: Final = 1_500
"""Up to so many bars, each says what it is when it is pointed at."""

_LAST_MARK: Final = 0.93
_NARROW: Final = 100
"""A bar of so small a part of the time shows that one task failed; a wider one, that most did."""
_TICKS: Final = 6
_HISTOGRAM: Final = 28


@dataclass(slots=True)
class _Run:
    """Bars that are drawn as one."""

    left: float
    right: float
    kind: str


def axis(whole: float, said: Callable[[float], str] = duration) -> str:
    """Return the words below a chart whose width is so many seconds."""
    each = step(whole, _TICKS)
    marks = [n * each for n in range(int(whole / each + 1e-9) + 1)]
    words = "".join(
        f'<span style="left:{100 * mark / whole:.2f}%">{said(mark) if mark else "0"}</span>'
        for mark in marks
        if mark <= whole * _LAST_MARK
    )
    return f'<div class="axis" aria-hidden="true">{words}</div>'


def _grid(whole: float, height: float) -> str:
    each = step(whole, _TICKS)
    marks = (n * each for n in range(1, int(whole / each + 1e-9) + 1))
    path = "".join(f"M{_WIDTH * mark / whole:.1f} 0V{height:g}" for mark in marks)
    return f'<path class="grid" d="{path}"/>'


def _svg(height: float, shapes: str, *, label: str) -> str:
    return (
        f'<svg role="img" aria-label="{escaped(label)}" viewBox="0 0 {_WIDTH} {height:g}" '
        f'preserveAspectRatio="none" style="height:{height:g}px">{shapes}</svg>'
    )


def timeline(facts: Facts) -> str:
    """Return when which worker was at work, one row each."""
    shown = facts.workers[:ROWS]
    height = next(high for most, high in _HEIGHTS if len(shown) <= most)
    rows = {place: row for row, (place, _) in enumerate(shown)}
    found: dict[int, list[Bar]] = {place: [] for place in rows}
    for bar in facts.bars:
        if bar.worker in found:
            found[bar.worker].append(bar)
    scale = _WIDTH / facts.elapsed
    titled = sum(map(len, found.values())) <= _TITLED
    thin = height <= _HEIGHTS[-2][1]
    shapes = [_grid(facts.elapsed, height * len(shown))]
    for place, bars in found.items():
        tall = height * (0.8 if thin else 0.72)
        top = rows[place] * height + (height - tall) / 2
        worker = facts.story.workers[place]
        left = (max(worker.first, facts.began) - facts.began) * scale
        wide = max((worker.last - facts.began) * scale - left, 0.5)
        shapes.append(
            f'<rect class="there" x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" '
            f'height="{tall:.1f}"/>'
        )
        if titled:
            shapes += _titled(bars, facts, row=rows[place], top=top, tall=tall)
        else:
            shapes += _merged(bars, facts, top=top, tall=tall, least=3.0 if thin else 1.5)
    label = f"Timeline of {several(len(shown), 'worker')} over {duration(facts.elapsed)}"
    svg = _svg(height * len(shown), "".join(shapes), label=label)
    names = "" if thin else "".join(f"<li>w{n + 1}</li>" for n in range(len(shown)))
    left_out = len(facts.workers) - len(shown)
    rest = (
        f'<p class="note">The first {ROWS} of {count(len(facts.workers))} workers are drawn.</p>'
        if left_out > 0
        else ""
    )
    return (
        f'<div class="timeline{" thin" * thin}" style="--row:{height}px"><ol aria-hidden="true">'
        f"{names}</ol><div>{svg}{axis(facts.elapsed)}</div></div>{rest}"
    )


def _kind(bar: Bar, facts: Facts) -> str:
    narrow = bar.seconds < facts.elapsed / _NARROW
    if bar.failed and (narrow or 2 * bar.failed >= bar.count):
        return "bad"
    if bar.count == 1 and facts.is_straggler(bar.seconds):
        return "slow"
    return "again" if bar.retries and (narrow or 2 * bar.retries >= bar.count) else "ok"


def _titled(
    bars: Sequence[Bar], facts: Facts, *, row: int, top: float, tall: float
) -> Iterator[str]:
    scale = _WIDTH / facts.elapsed
    for number, bar in enumerate(bars):
        left, wide = (bar.began - facts.began) * scale, max(bar.seconds * scale, 0.8)
        shade = " odd" * (number % 2)
        yield (
            f'<rect class="{_kind(bar, facts)}{shade}" x="{left:.2f}" y="{top:.1f}" '
            f'width="{wide:.2f}" height="{tall:.1f}"><title>{_title(bar, row)}</title></rect>'
        )


def _title(bar: Bar, row: int) -> str:
    last = bar.first + bar.count - 1
    name = f"task {count(bar.first)}" if bar.count == 1 else f"tasks {bar.first:,} to {last:,}"
    words = [f"{name} on w{row + 1}: {duration(bar.seconds)}"]
    if bar.peak:
        words.append(f"peak {memory(bar.peak)}")
    if bar.retries:
        words.append(f"retried {bar.retries} times" if bar.retries > 1 else "retried once")
    if bar.failed:
        words.append("failed" if bar.count == 1 else f"{bar.failed:,} failed")
    return escaped(", ".join(words))


def _merged(
    bars: Sequence[Bar], facts: Facts, *, top: float, tall: float, least: float
) -> Iterator[str]:
    """Draw bars that lie closer than the eye tells apart as one, in one path a colour."""
    scale = _WIDTH / facts.elapsed
    paths: dict[str, list[str]] = {}
    run: _Run | None = None

    def draw(each: _Run) -> None:
        wide = max(each.right - each.left, least / 2)
        path = f"M{each.left:.1f} {top:.1f}h{wide:.1f}v{tall:.1f}h-{wide:.1f}z"
        paths.setdefault(each.kind, []).append(path)

    for bar in bars:
        left = (bar.began - facts.began) * scale
        right, kind = left + bar.seconds * scale, _kind(bar, facts)
        if run is not None and left - run.right < least and kind == run.kind:
            run.right = max(run.right, right)
        elif run is not None and right - run.left < least:  # too near to be told apart
            run.right, run.kind = (
                max(run.right, right),
                "bad" if "bad" in (kind, run.kind) else kind,
            )
        else:
            if run is not None:
                draw(run)
            run = _Run(left, right, kind)
    if run is not None:
        draw(run)
    for kind, parts in paths.items():
        yield f'<path class="{kind}" d="{"".join(parts)}"/>'


def working(facts: Facts) -> str:
    """Return how many workers were there, and how many of them computed, over time."""
    moments, height = facts.moments(), 110
    most = max((moment.present for moment in moments), default=1.0) or 1.0

    def area(value: Callable[[Moment], float]) -> str:
        wide = _WIDTH / len(moments)
        points = "".join(
            f"L{n * wide:.1f} {height * (1 - value(m) / most):.1f}"
            f"L{(n + 1) * wide:.1f} {height * (1 - value(m) / most):.1f}"
            for n, m in enumerate(moments)
        )
        return f"M0 {height}{points}L{_WIDTH} {height}z"

    shapes = (
        f'<path class="there" d="{area(lambda m: m.present)}"/>'
        f'<path class="ok" d="{area(lambda m: m.working)}"/>{_grid(facts.elapsed, height)}'
    )
    label = f"Workers over time, up to {most:.0f}"
    return (
        f'<div class="chart"><p class="top-mark">{most:.0f}</p>'
        f"{_svg(height, shapes, label=label)}{axis(facts.elapsed)}</div>"
    )


def cost(facts: Facts) -> str:
    """Return what each minute cost, as columns: computing, and waiting."""
    moments, height = facts.moments(facts.minute), 110
    rate = facts.second_usd
    most = max((m.present * m.seconds for m in moments), default=1.0) or 1.0
    span = moments[-1].began + moments[-1].seconds
    wide, shapes = _WIDTH * facts.minute / span, []
    gap = min(4.0, wide / 6)
    for number, moment in enumerate(moments):
        usd = moment.present * moment.seconds * rate
        used = moment.working * moment.seconds * rate
        said = f"from {duration(moment.began)} on: {dollars(usd)}, of which {dollars(used)} at work"
        shapes.append(f"<g><title>{escaped(said)}</title>")
        for kind, value in (("there", moment.present), ("ok", moment.working)):
            high = height * value * moment.seconds / most
            shapes.append(
                f'<rect class="{kind}" x="{number * wide + gap / 2:.1f}" '
                f'y="{height - high:.1f}" width="{wide - gap:.1f}" height="{high:.1f}"/>'
            )
        shapes.append("</g>")
    label = f"Cost over time, up to {dollars(most * rate)} each {duration(facts.minute)}"
    return (
        f'<div class="chart"><p class="top-mark">{escaped(dollars(most * rate))}</p>'
        f"{_svg(height, ''.join(shapes), label=label)}{axis(span)}</div>"
    )


def histogram(bins: Counter[int], said: Callable[[float], str], *, noun: str) -> str:
    """Return how many tasks lie between which values; each column is as much wider as the last.

    Args:
        bins: how many, by number of bin.
        said: how a value is said.
        noun: what the values are, for those who cannot see.
    """
    if not bins:
        return ""
    low, high = min(bins), max(bins)
    each = max(1, math.ceil((high - low + 1) / _HISTOGRAM))
    number = max(6, math.ceil((high - low + 1) / each))
    columns = [0] * number
    for place, many in bins.items():
        columns[(place - low) // each] += many
    most, height, wide = max(columns), 110, _WIDTH / number
    shapes = []
    for n, many in enumerate(columns):
        if not many:
            continue
        tall = max(2.0, height * many / most)
        first, last = lower_edge(low + n * each), lower_edge(low + (n + 1) * each)
        title = f"{several(many, 'task')}: {said(first)} to {said(last)}"
        shapes.append(
            f'<rect class="ok" x="{n * wide + wide * 0.06:.1f}" y="{height - tall:.1f}" '
            f'width="{wide * 0.88:.1f}" height="{tall:.1f}"><title>{escaped(title)}</title></rect>'
        )
    marks = sorted({round(n * number / 4) for n in range(4)})
    words = "".join(
        f'<span style="left:{100 * n / number:.1f}%">{said(lower_edge(low + n * each))}</span>'
        for n in marks
    )
    svg = _svg(height, "".join(shapes), label=f"Distribution of {noun}")
    return (
        f'<div class="chart"><p class="top-mark">{several(most, "task")}</p>{svg}'
        f'<div class="axis first" aria-hidden="true">{words}</div></div>'
    )

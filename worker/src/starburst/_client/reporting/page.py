"""The page of a report: one file without scripts, and without anything from elsewhere. Pure."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from starburst.untrusted.page_text import escaped

from . import drawing, tables
from .findings import findings
from .words import about, clock, count, dollars, duration, memory, percent, several

if TYPE_CHECKING:
    from .facts import Facts

__all__ = ["page"]

_UNKNOWN: Final = "?"
_OVER: Final = ("ended", "failed")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def page(facts: Facts) -> str:
    """Return the report as HTML."""
    title = f"Burst report {facts.manifest.session}"
    style = (files("starburst._client.reporting") / "page.css").read_text(encoding="utf-8")
    body = "".join((_head(facts), _tiles(facts), _outstanding(facts), *_parts(facts)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escaped(title)}</title><style>\n{style}</style></head>\n"
        f"<body><main>{body}{_foot(facts)}</main></body></html>\n"
    )


def _head(facts: Facts) -> str:
    tally, wanted = facts.tally, facts.manifest
    crumb = f"{facts.environment} / {wanted.workspace} / {wanted.user}"
    name = wanted.labels.get("name") or wanted.labels.get("analysis")
    head = f"{several(tally.total, 'task')} on {several(wanted.workers, 'worker')}"
    good = tally.done - tally.failed - tally.cancelled
    left = tally.total - tally.done
    shares = [
        ("ok", good, "with a result"),
        ("bad", tally.failed, "failed"),
        ("soft", tally.cancelled, "cancelled"),
        ("open", left, "not done"),
    ]
    strip = "".join(
        f'<i class="{kind}" style="flex:{many} 1 0"></i>' for kind, many, _ in shares if many
    )
    key = "".join(
        f'<li class="k-{kind}">{count(many)} {said}</li>' for kind, many, said in shares if many
    )
    return (
        f'<header><p class="crumb">{escaped(crumb)} · {clock(facts.began)}</p>'
        f"<h1>{escaped(name or head, most=120)}</h1>"
        f'<p class="lead">{_lead(facts, good=good, left=left, named=bool(name))}</p>'
        f'<div class="share" aria-hidden="true">{strip}</div><ul class="key">{key}</ul></header>'
    )


def _lead(facts: Facts, *, good: int, left: int, named: bool) -> str:
    tally = facts.tally
    if not tally.total:
        return "No task has been submitted yet."
    many = "The task has" if tally.total == 1 else f"All {tally.total:,} tasks have"
    all_good = f"{many} a result"
    some = f"<strong>{count(good)} of {several(tally.total, 'task')}</strong> have a result"
    words = f"<strong>{all_good}</strong>" if good == tally.total else some
    on = f" on {several(facts.manifest.workers, 'worker')}" if named else ""
    if facts.elapsed:
        words += f", after <strong>{duration(facts.elapsed)}</strong>{on}"
    if facts.status is not None:
        words += f", for <strong>{escaped(dollars(facts.usd))}</strong>"
    state = "" if facts.status is None else facts.status.state
    if left and state not in _OVER:
        words += f". The session goes on: {several(left, 'task')} to do"
    elif left:
        words += f". The session {state} before the rest was done"
    return words + "."


def _tiles(facts: Facts) -> str:
    story, tiles, done = facts.story, [], facts.tally.done
    began = f"first task after {duration(facts.until_first)}" if done else "no task is done yet"
    tiles.append(("Took", duration(facts.elapsed), began))
    faster = f"{facts.speed_up:.1f} at a time on average" if facts.elapsed else ""
    tiles.append(("Computing", duration(story.seconds), faster))
    each = f"{escaped(dollars(facts.usd / done * 1000))} for a thousand tasks" if done else ""
    if facts.status is None:
        tiles.append(("Cost", _UNKNOWN, "the controller has not reported yet"))
    else:
        tiles.append(("Cost", escaped(dollars(facts.usd)), each))
    given = facts.manifest.memory_gb
    peak = memory(facts.peak) if facts.peak else _UNKNOWN
    tiles.append(("Peak memory", peak, f"of {given:g} GB for each worker"))
    slow = facts.slowest[0].seconds if facts.slowest else 0.0
    longest = f"the longest {duration(slow)}" if slow else ""
    tiles.append(("A task, median", duration(facts.median) if facts.median else _UNKNOWN, longest))
    use = _UNKNOWN if facts.use is None else escaped(percent(facts.use))
    tiles.append(("Used", use, "of the time that is paid for"))
    lost = 0 if facts.status is None else facts.status.workers_lost
    started = len(facts.workers) if facts.status is None else facts.status.workers_started
    tiles.append(("Workers", count(started), f"{lost} lost" if lost else "none lost"))
    late = facts.stragglers
    tiles.append(("Stragglers", count(late), "took three times the median, or more"))
    found = "".join(
        f"<div><dt>{name}</dt><dd>{value}</dd><dd>{said}</dd></div>" for name, value, said in tiles
    )
    return f'<dl class="tiles">{found}</dl>'


def _outstanding(facts: Facts) -> str:
    found = findings(facts)
    if not found:
        return ""
    items = "".join(
        f'<li class="k-{each.tone}"><b>{each.head}</b>{_sentence(each.text)}</li>' for each in found
    )
    return f'<section><h2>What stands out</h2><ul class="findings">{items}</ul></section>'


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _parts(facts: Facts) -> list[str]:
    parts = []
    if facts.elapsed and facts.workers:
        parts.append(_timeline(facts))
        parts.append(_pair(_working(facts), _cost(facts)))
        parts.append(_pair(*_distributions(facts)))
    elif facts.story.tasks:
        parts.append(
            _section(
                "When tasks ran is not known",
                "Their workers are of an earlier release, which does not write it down.",
                "",
            )
        )
    if facts.story.kinds:
        parts.append(
            _section(
                "Errors by kind",
                "Each opens to the traceback of the first task that raised it.",
                tables.errors(facts),
                anchor="errors",
            )
        )
    if facts.slowest:
        parts.append(
            _section(
                "Slowest inputs",
                "Tasks are numbered from 0, in the order in which they were submitted.",
                tables.slowest(facts),
            )
        )
    asked = _section("What was asked", "The session's terms.", tables.asked(facts))
    again = tables.again(facts)
    parts.append(
        _pair(asked, _section("What it would cost again", "By how workers are bought.", again))
        if again
        else asked
    )
    return parts


def _timeline(facts: Facts) -> str:
    untold = facts.story.tasks - facts.story.timed
    note = (
        f'<p class="note">{several(untold, "task")} did not run to their end on a worker, so their '
        "times are not known.</p>"
        if untold > 0
        else ""
    )
    keys = [("ok", "at work"), ("there", "waiting for work")]
    keys += [("slow", "straggler")] if facts.stragglers else []
    keys += [("again", "ran again")] if any(bar.retries for bar in facts.bars) else []
    keys += [("bad", "failed")] if facts.story.kinds else []
    key = "".join(f'<li class="k-{kind}">{said}</li>' for kind, said in keys)
    return _section(
        "Timeline",
        "One row for each worker, from when the session was asked for to the last task's end.",
        f'{drawing.timeline(facts)}<ul class="key">{key}</ul>{note}{tables.workers(facts)}',
    )


def _working(facts: Facts) -> str:
    return _section(
        "Workers at work",
        "How many were there, and how many of them computed.",
        drawing.working(facts),
    )


def _cost(facts: Facts) -> str:
    if not facts.second_usd:
        return ""
    moments = facts.moments(facts.minute)
    shown = sum(m.present * m.seconds for m in moments) * facts.second_usd
    each = "by minute" if facts.minute == 60 else f"every {duration(facts.minute)}"  # noqa: PLR2004
    rest = facts.usd - shown
    note = (
        f'<p class="note">{escaped(dollars(rest))} more went into starting, into waiting at the '
        "end, and into the first minute, which AWS bills in full.</p>"
        if rest > facts.usd / 20
        else ""
    )
    return _section(
        f"Cost {each}",
        "What workers cost while they computed (dark) and while they waited (light).",
        drawing.cost(facts) + note,
    )


def _distributions(facts: Facts) -> tuple[str, str]:
    story = facts.story
    long = drawing.histogram(story.durations, about, noun="how long tasks took")
    large = drawing.histogram(story.peaks, memory, noun="how much memory tasks had")
    return (
        _section("How long tasks took", "How many, on a logarithmic scale.", long),
        _section(
            "How much memory",
            "How many tasks, by the peak of their process, on a logarithmic scale.",
            large,
        )
        if large
        else "",
    )


def _pair(one: str, other: str) -> str:
    return f'<div class="pair">{one}{other}</div>' if one and other else one + other


def _section(head: str, said: str, content: str, *, anchor: str = "") -> str:
    name = f' id="{anchor}"' if anchor else ""
    return f"<section{name}><h2>{head}</h2><p>{said}</p>{content}</section>"


def _foot(facts: Facts) -> str:
    wanted = facts.manifest
    where = ", environment='" + facts.environment + "'" if not facts.local else ""
    note = " Tasks ran on this machine; the cost is AWS's list price." if facts.local else ""
    return (
        f"<footer><p>Session <code>{escaped(wanted.session)}</code>, as of {clock(facts.now)}. "
        f"<code>starburst.attach({escaped(repr(wanted.session))}{escaped(where)})</code> finds it "
        f"again.{note}</p>"
        "<p>Times are by the workers' own clocks, memory is that of a task's process without those "
        "that it started, and cost is at list price. This page holds no results; it shows the "
        "inputs and errors that are printed above.</p></footer>"
    )

"""What stands out in how a session went, in sentences that say what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from starburst.untrusted.page_text import escaped

from .facts import STRAGGLER
from .words import count, dollars, duration, memory, percent, several

if TYPE_CHECKING:
    from .facts import Facts

__all__ = ["Finding", "findings"]

_SHARE: Final = 0.1
_TAIL_SECONDS: Final = 2.0
_LITTLE_USE: Final = 0.5
_NEARLY_FULL: Final = 0.9
_SHORT_SECONDS: Final = 0.005
_START_SHARE: Final = 0.3
_MINUTE: Final = 60
_MIB_A_GB: Final = 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands out: how much it matters, a few words, and a sentence, as HTML."""

    tone: Literal["ok", "slow", "bad"]
    head: str
    text: str


def findings(facts: Facts) -> list[Finding]:
    """Return what stands out, the worst first."""
    found = [
        *_failures(facts),
        *_losses(facts),
        *_memory(facts),
        *_tail(facts),
        *_start(facts),
        *_use(facts),
    ]
    order = ("bad", "slow", "ok")
    return sorted(found, key=lambda each: order.index(each.tone))


def _failures(facts: Facts) -> Iterator[Finding]:
    kinds = sorted(facts.story.kinds.values(), key=lambda kind: -kind.count)
    if not kinds:
        return
    most, total = kinds[0], sum(kind.count for kind in kinds)
    which = f"with <code>{escaped(most.name, most=80)}</code>"
    if len(kinds) > 1:
        which = f"{count(most.count)} of them {which}"
    yield Finding(
        "bad",
        f"{several(total, 'task')} failed",
        f"{which}; the first is task {count(most.number)}. "
        '<a href="#errors">See what they raised</a>.',
    )


def _losses(facts: Facts) -> Iterator[Finding]:
    lost = 0 if facts.status is None else facts.status.workers_lost
    if lost:
        yield Finding(
            "slow",
            f"{several(lost, 'worker')} stopped with an error",
            "Their tasks ran again elsewhere. On Spot, AWS takes workers back; otherwise the usual "
            "cause is memory.",
        )
    if facts.story.retries:
        share = facts.story.retries / max(1, facts.story.tasks)
        yield Finding(
            "slow" if share > _SHARE else "ok",
            f"{several(facts.story.retries, 'run')} beyond the first",
            "Tasks ran again because they raised and <code>retries=</code> was given, or because "
            "they took their process down.",
        )


def _memory(facts: Facts) -> Iterator[Finding]:
    given = facts.manifest.memory_gb * _MIB_A_GB
    share = facts.peak / given
    if share > _NEARLY_FULL:
        yield Finding(
            "slow",
            f"Memory was nearly full: {memory(facts.peak)} of {memory(given)}",
            "A task that needs a little more would take its worker down: ask for more with "
            "<code>memory=</code>.",
        )
    elif facts.smaller is not None and facts.hour_usd is not None:
        gb, usd = facts.smaller
        saved = facts.billed / 3600 * (facts.hour_usd[0] - usd)
        worth = (
            f" and would have saved {escaped(dollars(saved))} on demand"
            if saved > _SHARE / 10
            else ""
        )
        yield Finding(
            "ok",
            f"Memory peaked at {memory(facts.peak)} of {memory(given)}",
            f"<code>memory={gb:g}</code> holds that with room to spare{worth}.",
        )


def _tail(facts: Facts) -> Iterator[Finding]:
    tail = facts.tail()
    if tail < max(_TAIL_SECONDS, _SHARE * facts.elapsed):
        return
    slow = facts.slowest[0] if facts.slowest else None
    why = ""
    if slow is not None and facts.is_straggler(slow.seconds):
        times = slow.seconds / facts.median
        why = (
            f"Task {count(slow.number)} took {duration(slow.seconds)}, {times:.0f} times the "
            "median. "
        )
    yield Finding(
        "slow",
        f"The end was long: {duration(tail)}, {escaped(percent(tail / facts.elapsed))} of the time",
        f"Fewer than half of the workers had work then. {why}Put the inputs that take longest "
        "first, or cut them into smaller ones.",
    )


def _start(facts: Facts) -> Iterator[Finding]:
    until = facts.until_first
    if until > max(_TAIL_SECONDS, _START_SHARE * facts.elapsed):
        yield Finding(
            "ok",
            f"The first task began after {duration(until)}",
            "Workers have to start, which takes about a minute in AWS. One session for several "
            "calls of <code>map</code> starts them once.",
        )


def _use(facts: Facts) -> Iterator[Finding]:
    each = facts.story.seconds / max(1, facts.story.tasks)
    if facts.use is None or facts.use > _LITTLE_USE or not facts.elapsed:
        return
    if each < _SHORT_SECONDS and facts.story.tasks > STRAGGLER:
        why = (
            f"A task took {duration(each)} on average: work this short is often done sooner on "
            "your own machine."
        )
    elif facts.elapsed < _MINUTE:
        why = (
            "A worker is billed for its start too, and for a minute at least: work as short as "
            "this costs less on fewer workers."
        )
    else:
        why = "Fewer workers would have been nearly as fast, and cheaper."
    yield Finding(
        "ok", f"Workers computed for {escaped(percent(facts.use))} of the time they cost", why
    )

"""How a session went, as its results tell it: bounded, whatever the number of its tasks. Pure."""

from __future__ import annotations

import heapq
import math
import threading
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Final

from starburst._protocol.sealed.failure import Failure
from starburst._protocol.sealed.result_nodes import ResultNode

__all__ = ["Bar", "Course", "Kind", "Slow", "Story", "WorkerCourse", "lower_edge"]

_MOST_BARS: Final = 20_000
_MOST_WORKERS: Final = 1_000
_MOST_KINDS: Final = 20
_SLOWEST: Final = 25
_FIRST_RESOLUTION: Final = 0.1
_MIXED: Final = 500.0
"""Tasks that failed or ran again are drawn apart from others, unless bars are longer than this."""
_STEPS: Final = 8
"""Bins of durations and sizes for each doubling, so that an edge is off by 9 % at most."""
_SHORTEST: Final = 1e-6
_OTHERS: Final = "other kinds"
_REST: Final = "others"
"""Workers beyond the most."""


@dataclass(slots=True)
class WorkerCourse:
    """What one worker did.

    Attributes:
        name: its ECS task; ``others`` for those beyond the first thousand.
        tasks, failed, retries: how many.
        busy: seconds in tasks.
        first, last: when its first task began and its last ended, seconds since the epoch.
        peak: the most memory of a task's process, MiB.
    """

    name: str
    tasks: int = 0
    failed: int = 0
    retries: int = 0
    busy: float = 0.0
    first: float = math.inf
    last: float = 0.0
    peak: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """Tasks that ran one after the other on one worker, to be drawn as one.

    Attributes:
        worker: its place in the list of workers.
        first: number of the first task in the session.
        count: how many.
        began, seconds: when, and for how long.
        peak: MiB.
        failed: how many of them.
        retries: runs beyond their first.
    """

    worker: int
    first: int
    count: int
    began: float
    seconds: float
    peak: int
    failed: int
    retries: int


@dataclass(frozen=True, order=True, slots=True)
class Slow:
    """One of the tasks that took longest."""

    seconds: float
    number: int
    worker: int
    peak: int
    failed: bool
    input: str


@dataclass(slots=True)
class Kind:
    """Failures of one kind: how many, and the first of them."""

    name: str
    count: int
    number: int
    text: str
    traceback: str


@dataclass(slots=True)
class Story:
    """What is known of a session's tasks.

    Attributes:
        workers: those that committed something.
        bars: when they worked.
        slowest: the tasks that took longest.
        kinds: failures by kind.
        durations, peaks: how many tasks, by :func:`lower_edge` of seconds and MiB.
        tasks: with a result or a failure.
        timed: of those, how many a worker told the time of.
        retries: runs beyond the first.
        seconds: in the function, over all workers.
    """

    workers: list[WorkerCourse] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    slowest: list[Slow] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    durations: Counter[int] = field(default_factory=Counter)
    peaks: Counter[int] = field(default_factory=Counter)
    tasks: int = 0
    timed: int = 0
    retries: int = 0
    seconds: float = 0.0


class Course:
    """Takes in result nodes; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._story = Story()
        self._places: dict[str, int] = {}
        self._resolution = _FIRST_RESOLUTION

    def take(self, first: int, node: ResultNode) -> None:
        """Take in a node of a chunk whose first task has the number ``first``."""
        with self._lock:
            story = self._story
            worker = self._worker(node.worker)
            count = node.covered - node.lo
            story.tasks += count
            story.retries += node.retries
            story.seconds += node.seconds
            worker.tasks += count
            worker.retries += node.retries
            failures = {n: f for n, f in node.failures.items() if f.kind != "cancelled"}
            worker.failed += len(failures)
            for number, failure in failures.items():
                self._fail(first + number, failure)
            place = self._places.get(worker.name, 0)
            for span in node.spans:
                stop = span.first + span.count
                if not node.lo <= span.first < stop <= node.covered:
                    continue  # of none of its tasks
                failed = sum(n in failures for n in range(span.first, stop)) if failures else 0
                bar = Bar(
                    worker=place,
                    first=first + span.first,
                    count=span.count,
                    began=span.began,
                    seconds=span.seconds,
                    peak=span.peak,
                    failed=failed,
                    retries=span.retries,
                )
                self._add(bar, worker, span.input)
            if len(story.bars) > _MOST_BARS:
                self._coarsen()

    def story(self) -> Story:
        """Return what is known by now, for its taker alone: the same in whichever order it came."""
        with self._lock:
            story = deepcopy(self._story)
        _in_order(story)
        return story

    def _worker(self, name: str) -> WorkerCourse:
        if name not in self._places and len(self._places) >= _MOST_WORKERS:
            name = _REST
        if name not in self._places:
            self._places[name] = len(self._story.workers)
            self._story.workers.append(WorkerCourse(name))
        return self._story.workers[self._places[name]]

    def _fail(self, number: int, failure: Failure) -> None:
        kinds, name = self._story.kinds, failure.type_name
        if name not in kinds and len(kinds) >= _MOST_KINDS:
            name = _OTHERS
        found = kinds.get(name)
        if found is None or number < found.number:
            count = 0 if found is None else found.count
            kinds[name] = Kind(name, count, number, failure.text, failure.traceback)
        kinds[name].count += 1

    def _add(self, bar: Bar, worker: WorkerCourse, said: str) -> None:
        story, each = self._story, bar.seconds / bar.count
        story.bars.append(bar)
        story.timed += bar.count
        story.durations[_bin(each)] += bar.count
        if bar.peak:
            story.peaks[_bin(bar.peak)] += bar.count
        worker.busy += bar.seconds
        worker.first = min(worker.first, bar.began)
        worker.last = max(worker.last, bar.began + bar.seconds)
        worker.peak = max(worker.peak, bar.peak)
        if bar.count == 1:
            slow = Slow(each, bar.first, bar.worker, bar.peak, bool(bar.failed), said)
            if len(story.slowest) < _SLOWEST:
                heapq.heappush(story.slowest, slow)
            else:
                heapq.heappushpop(story.slowest, slow)

    def _coarsen(self) -> None:
        """Make one of short bars that follow each other on a worker, until half are left."""
        bars = self._story.bars
        while len(bars) > _MOST_BARS // 2:
            bars.sort(key=lambda bar: (bar.worker, bar.began))
            merged: list[Bar] = []
            for bar in bars:
                last = merged[-1] if merged else None
                if last is not None and self._joins(last, bar):
                    merged[-1] = replace(
                        last,
                        count=last.count + bar.count,
                        seconds=max(last.seconds, bar.began + bar.seconds - last.began),
                        peak=max(last.peak, bar.peak),
                        failed=last.failed + bar.failed,
                        retries=last.retries + bar.retries,
                    )
                else:
                    merged.append(bar)
            bars[:] = merged
            self._resolution *= 2

    def _joins(self, last: Bar, bar: Bar) -> bool:
        gap = bar.began - last.began - last.seconds
        together = bar.began + bar.seconds - last.began
        near = last.worker == bar.worker and gap < self._resolution / 4
        alike = self._resolution > _MIXED or _looks(last) == _looks(bar)
        return near and alike and together < self._resolution


def _in_order(story: Story) -> None:
    """Put workers into the order in which they began, and all that names one by its place."""
    came = story.workers

    def begun(at: int) -> tuple[bool, float, str]:
        return came[at].name == _REST, came[at].first, came[at].name

    order = sorted(range(len(came)), key=begun)
    places = {at: place for place, at in enumerate(order)}
    story.workers = [came[at] for at in order]
    story.bars = [replace(bar, worker=places[bar.worker]) for bar in story.bars]
    story.bars.sort(key=lambda bar: (bar.worker, bar.began, bar.first))
    story.slowest = [replace(slow, worker=places[slow.worker]) for slow in story.slowest]
    story.slowest.sort(reverse=True)


def _looks(bar: Bar) -> tuple[bool, bool]:
    return bar.failed > 0, bar.retries > 0


def _bin(value: float) -> int:
    return math.floor(_STEPS * math.log2(max(value, _SHORTEST)))


def lower_edge(number: int) -> float:
    """Return the least that falls into a bin.

    Example:
        >>> lower_edge(8)
        2.0
    """
    return math.exp2(number / _STEPS)

"""What a report is made of, and what follows from it: times, shares, cost. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from starburst._client.history.course import lower_edge

if TYPE_CHECKING:
    from starburst._client.history.course import Bar, Slow, Story, WorkerCourse
    from starburst._client.tasks.task_list import Tally
    from starburst._protocol.manifest import Manifest
    from starburst._protocol.status import StatusDocument

__all__ = ["STRAGGLER", "Facts", "Moment", "quantile", "step"]

STRAGGLER: Final = 3
"""A task that took this many times the median is one."""

_BUCKETS: Final = 80
_CLOCKS_SECONDS: Final = 120.0
"""So far apart may the clocks of a client and of workers be."""

_STEPS: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * each for each in (1, 2, 5, 10, 15, 30)),
    *(3600 * each for each in (1, 2, 3, 6, 12, 24, 48, 120, 240)),
)
_COLUMNS: Final = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """What went on in one part of a session's time.

    Attributes:
        began, seconds: which part, from the session's start on.
        working: workers that computed, on average.
        present: workers that were there: from their first task's begin to their last one's end.
    """

    began: float
    seconds: float
    working: float
    present: float


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a page says.

    Attributes:
        environment: its name.
        local: whether it is the local one.
        manifest: what was asked.
        status: the controller's latest word, if there is any.
        tally: how far the tasks are.
        story: what results tell; see :meth:`of`.
        now: when the report is made, seconds since the epoch.
        hour_usd: list price of one worker's hour: on demand, on Spot; None where that is not known.
        smaller: a smaller memory that would do, GB, and the price of an hour with it.
    """

    environment: str
    local: bool
    manifest: Manifest
    status: StatusDocument | None
    tally: Tally
    story: Story
    now: float
    hour_usd: tuple[float, float] | None = None
    smaller: tuple[float, float] | None = None

    @property
    def began(self) -> float:
        """When the session was asked for."""
        return self.manifest.created

    @cached_property
    def bars(self) -> Sequence[Bar]:
        """What workers told of their tasks' times, without what cannot be."""
        least, most = self.began - _CLOCKS_SECONDS, self.now + _CLOCKS_SECONDS
        sound = (b for b in self.story.bars if least <= b.began and b.began + b.seconds <= most)
        shifted = (b if b.began >= self.began else replace(b, began=self.began) for b in sound)
        return sorted(shifted, key=lambda bar: bar.began)

    @cached_property
    def workers(self) -> Sequence[tuple[int, WorkerCourse]]:
        """Those whose times are known, in the order of their first tasks, with their places."""
        least, most = self.began - _CLOCKS_SECONDS, self.now + _CLOCKS_SECONDS
        named = enumerate(self.story.workers)
        known = [(n, w) for n, w in named if least <= w.first and 0 < w.last <= most]
        return sorted(known, key=lambda each: each[1].first)

    @cached_property
    def elapsed(self) -> float:
        """Seconds from the session's start to the end of the last task that is known."""
        ends = (bar.began + bar.seconds for bar in self.bars)
        return max(max(ends, default=self.began) - self.began, 0.0)

    @property
    def until_first(self) -> float:
        """Seconds until the first task began."""
        return max(0.0, self.bars[0].began - self.began) if self.bars else 0.0

    @property
    def speed_up(self) -> float:
        """How much longer one worker would have computed than all of this took."""
        return self.story.seconds / self.elapsed if self.elapsed else 0.0

    @property
    def usd(self) -> float:
        """What the workers have cost, at list price."""
        return 0.0 if self.status is None else self.status.usd

    @property
    def billed(self) -> float:
        """Seconds of all workers that count for the price."""
        return 0.0 if self.status is None else self.status.worker_seconds

    @property
    def second_usd(self) -> float:
        """What a second of a worker has cost on average."""
        return self.usd / self.billed if self.billed else 0.0

    @property
    def use(self) -> float | None:
        """Share of the billed time in which workers computed."""
        return min(1.0, self.story.seconds / self.billed) if self.billed else None

    @cached_property
    def median(self) -> float:
        """Seconds that a task took: half of them less."""
        found = quantile(self.story.durations, 0.5)
        return min(found, self.slowest[0].seconds) if self.slowest else found

    @property
    def peak(self) -> int:
        """The most memory of a task's process, MiB; 0 where it is not known."""
        return max((worker.peak for worker in self.story.workers), default=0)

    @property
    def stragglers(self) -> int:
        """How many tasks took several times the median, and a second or more."""
        least = max(STRAGGLER * self.median, 1.0)
        found = self.story.durations.items()
        return sum(count for number, count in found if lower_edge(number) >= least)

    def is_straggler(self, seconds: float) -> bool:
        """Whether a task that took so long is one of them."""
        return bool(self.median) and seconds >= max(STRAGGLER * self.median, 1.0)

    @property
    def slowest(self) -> Sequence[Slow]:
        """The tasks that took longest, of those that were told one by one."""
        return self.story.slowest

    def moments(self, seconds: float | None = None) -> list[Moment]:
        """Return what went on, part by part.

        Args:
            seconds: of each part; None for eighty of them.
        """
        if not self.elapsed:
            return []
        width = self.elapsed / _BUCKETS if seconds is None else seconds
        number = max(1, math.ceil(self.elapsed / width - 1e-9))
        working, present = [0.0] * number, [0.0] * number
        for bar in self.bars:
            _spread(working, bar.began - self.began, bar.seconds, width)
        for _, worker in self.workers:
            first = max(worker.first, self.began)
            _spread(present, first - self.began, worker.last - first, width)
        return [
            Moment(began=n * width, seconds=width, working=w / width, present=max(p, w) / width)
            for n, (w, p) in enumerate(zip(working, present, strict=True))
        ]

    @property
    def minute(self) -> float:
        """Seconds of a part of the cost: a minute, unless that makes too few or too many."""
        if self.elapsed < 4 * 60:
            return step(self.elapsed, 24)
        return max(60.0, step(self.elapsed, _COLUMNS))

    def tail(self) -> float:
        """Return for how many of the last seconds fewer than half of the workers computed."""
        moments = self.moments()
        most = max((moment.working for moment in moments), default=0.0)
        idle = 0.0
        for moment in reversed(moments):
            if moment.working >= most / 2:
                break
            idle += moment.seconds
        return idle if most > 1 else 0.0


def _spread(parts: list[float], began: float, seconds: float, width: float) -> None:
    """Add a time to the parts that it falls into."""
    stop = began + seconds
    first, last = int(began / width), min(int(stop / width), len(parts) - 1)
    for n in range(max(0, first), last + 1):
        parts[n] += max(0.0, min(stop, (n + 1) * width) - max(began, n * width))


def step(whole: float, most: int) -> float:
    """Return a round number of seconds, of which no more than ``most`` make up the whole.

    Example:
        >>> step(74, 6), step(7200, 6), step(0.5, 6)
        (15, 1800, 0.1)
    """
    if whole < most:  # parts of seconds
        exact = max(whole, 1e-6) / most
        power = 10.0 ** math.floor(math.log10(exact))
        return next(round(n * power, 9) for n in (1, 2, 5, 10) if n * power >= exact - 1e-12)
    return next((each for each in _STEPS if whole / each <= most), _STEPS[-1])


def quantile(bins: Counter[int], share: float) -> float:
    """Return the value below which such a share of what was counted lies; 0 without any."""
    left = share * bins.total()
    for number in sorted(bins):
        left -= bins[number]
        if left <= 0:
            return lower_edge(number) * 2 ** (1 / 16)
    return 0.0

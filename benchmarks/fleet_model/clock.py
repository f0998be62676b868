"""Virtual time: events in order, and a meter that knows how many requests each second saw."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

__all__ = ["Bucket", "Clock", "Meter"]


class Clock:
    """Runs what is due, in order of time; of two at once, what was planned first."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Plan an action; one in the past is due now."""
        heapq.heappush(self._due, (max(moment, self.now), next(self._numbers), action))

    def run(self, until: Callable[[], bool]) -> None:
        """Go on until there is nothing left to happen, or ``until()``."""
        while self._due and not until():
            self.now, _, action = heapq.heappop(self._due)
            action()


@dataclass
class Bucket:
    """A token bucket, as AWS throttles with."""

    burst: float
    rate: float
    level: float = field(init=False)
    filled: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.burst

    def take(self, count: int, now: float) -> bool:
        """Take so many tokens; False, and none taken, where there are fewer."""
        self.level = min(self.burst, self.level + (now - self.filled) * self.rate)
        self.filled = now
        if self.level < count:
            return False
        self.level -= count
        return True


class Meter:
    """Requests by action, such as ``s3:PutObject``: in all, and in each second."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self.billed: Counter[str] = Counter()
        self._seconds: defaultdict[str, Counter[int]] = defaultdict(Counter)

    def note(self, action: str, at: float, *, count: int = 1, billed: int | None = None) -> None:
        """Count requests; SQS bills one with a large body as several."""
        self.total[action] += count
        self.billed[action] += count if billed is None else billed
        self._seconds[action][int(at)] += count

    def peak(self, actions: Iterable[str]) -> int:
        """Return the most that one second saw of these actions together."""
        seconds: Counter[int] = Counter()
        for action in actions:
            seconds.update(self._seconds[action])
        return max(seconds.values(), default=0)

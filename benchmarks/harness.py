"""Timing several sides in turn, and a row of the table for what came out.

A machine's speed drifts, so that only what ran in the same minutes is compared: every side has its
turn in each round, one alone at a time, and its best run counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import starburst

from .peers import Peer, Side, SideFailed, opened
from .work import WORK

if TYPE_CHECKING:
    from starburst._client.session import Session

__all__ = ["FLEET", "Row", "Runs", "Sides", "best_of", "ours", "peer", "take_turns", "warm"]

Sides: TypeAlias = Mapping[str, tuple[Callable[[], AbstractContextManager[Side]], int]]
"""By name, how to start each side, and how many tasks it gets."""

FLEET: Final[Mapping[str, Any]] = {"workers": 2, "cpu": 1, "memory": 4, "progress": False}
"""Of every session that is timed: two worker processes, as every side has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        workload: what was done.
        goal: what is wanted, as the project set it.
        ours: what was measured here.
        theirs: what was measured there, with the peer's name.
        ratio: ours against theirs.
        met: whether the goal is; None where there is none, or it could not be told.
    """

    workload: str
    goal: str
    ours: str
    theirs: str
    ratio: str = ""
    met: bool | None = None


@dataclass(slots=True)
class Runs:
    """How long one side took.

    Attributes:
        tasks: in each run.
        seconds: of each run.
        failure: why there is no time.
    """

    tasks: int
    seconds: list[float] = field(default_factory=list)
    failure: str = ""

    @property
    def best(self) -> float:
        """The shortest run; infinite where there is none."""
        return min(self.seconds, default=float("inf"))

    @property
    def rate(self) -> float:
        """Tasks a second in the best run."""
        return self.tasks / self.best


@contextmanager
def ours() -> Iterator[Side]:
    """Open a session of two workers that have run a task each: as warm as every other side."""
    with starburst.session(**FLEET) as session:
        warm(session)

        def side(workload: str, count: int) -> float:
            work = WORK[workload]
            inputs = work.inputs(count)
            began = time.perf_counter()
            futures = session.map(work.function, inputs)
            results = [future.result() for future in futures]
            seconds = time.perf_counter() - began
            if results != list(work.results(inputs)):
                raise SystemExit(f"wrong results of {workload}: the time means nothing")
            return seconds

        yield side


def warm(session: Session) -> None:
    """Wait until both workers run: a task that sleeps keeps one from taking the other's."""
    for future in [session.submit(time.sleep, 0.5) for _ in range(2)]:
        future.result()


def peer(which: Peer) -> Callable[[], AbstractContextManager[Side]]:
    """Return what starts a peer."""
    return lambda: opened(which)


def take_turns(
    workload: str,
    sides: Sides,
    *,
    rounds: int,
) -> dict[str, Runs]:
    """Time sides in turn.

    Args:
        workload: of :data:`benchmarks.work.WORK`.
        sides: what to time.
        rounds: how often each has its turn.
    """
    runs = {name: Runs(tasks) for name, (_, tasks) in sides.items()}
    for _ in range(rounds):
        for name, (start, tasks) in sides.items():
            if runs[name].failure:
                continue
            try:
                with start() as side:
                    runs[name].seconds.append(side(workload, tasks))
            except SideFailed as error:
                runs[name].failure = str(error)
    return runs


def best_of(count: int, work: Callable[[], object]) -> float:
    """Return the shortest of some runs, in seconds."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)

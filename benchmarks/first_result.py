"""How soon the first of many results is there, once workers run."""

from __future__ import annotations

import time

import starburst

from .harness import FLEET, Row, warm
from .work import WORK

__all__ = ["measure"]

_TRIVIAL_SECONDS = 0.25
_QUARTER_SECONDS = 0.5


def measure(*, trivial: int = 10_000, quarter: int = 20, rounds: int = 3) -> list[Row]:
    """Return the rows of this workload: a burst of trivial tasks, and one of slower ones."""
    rows = []
    for name, count, most, what in (
        ("trivial", trivial, _TRIVIAL_SECONDS, f"first result of {trivial:,} trivial tasks"),
        ("quarter", quarter, _QUARTER_SECONDS, f"first result of {quarter} tasks of 0.25 s"),
    ):
        seconds = min(_first(name, count) for _ in range(rounds))
        rows.append(
            Row(
                workload=f"{what}, workers running",
                goal=f"≤ {most:g} s",
                ours=f"{seconds:.2f} s",
                theirs="",
                met=seconds <= most,
            )
        )
    began = time.perf_counter()
    starburst.map(WORK["trivial"].function, range(2), **FLEET)
    rows.append(
        Row(
            workload="`map` of two tasks, workers started and stopped",
            goal="",
            ours=f"{time.perf_counter() - began:.2f} s",
            theirs="",
        )
    )
    return rows


def _first(name: str, count: int) -> float:
    """Return the seconds from handing tasks in to the first result, in a session of its own.

    A session of its own: workers that know how long a function takes are no longer asked first.
    """
    work = WORK[name]
    with starburst.session(**FLEET) as session:
        warm(session)
        began = time.perf_counter()
        session.map(work.function, work.inputs(count))[0].result()
        return time.perf_counter() - began

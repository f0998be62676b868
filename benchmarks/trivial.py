"""10,000 tasks that do nothing, given one by one: what the way there and back costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import starburst

from .harness import FLEET, Row, Runs, Sides, best_of, ours, peer, take_turns
from .peers import DASK, LITHOPS, POOL, RAY, Peer
from .work import nothing

__all__ = ["PEERS", "measure"]

PEERS: Final = (LITHOPS, DASK, RAY, POOL)

_LITHOPS_FACTOR = 60
_SECONDS = 3.0


def measure(*, tasks: int = 10_000, rounds: int = 2, peers: Sequence[Peer] = PEERS) -> list[Row]:
    """Return the rows of this workload."""
    # Lithops takes the same time for each task, so that a tenth of them tells its rate.
    sides: Sides = {
        "ours": (ours, tasks),
        **{p.name: (peer(p), tasks // 10 if p is LITHOPS else tasks) for p in peers},
    }
    runs = take_turns("trivial", sides, rounds=rounds)
    mine = runs.pop("ours")
    workload = f"{tasks:,} trivial tasks, sealed and durable"
    rows = [
        Row(
            workload=workload,
            goal=f"≤ {_SECONDS:g} s warm",
            ours=f"{mine.best:.2f} s ({mine.rate:,.0f} a second)",
            theirs="",
            met=mine.best <= _SECONDS,
        )
    ]
    goals = {LITHOPS.name: _LITHOPS_FACTOR, DASK.name: 1}
    rows += [_against(mine, name, run, goals.get(name)) for name, run in runs.items()]
    whole = best_of(rounds, lambda: starburst.map(nothing, range(tasks), **FLEET))
    rows.append(
        Row(
            workload=f"{tasks:,} trivial tasks in one `map`",
            goal="",
            ours=f"{whole:.2f} s with starting and stopping the workers",
            theirs="",
        )
    )
    return rows


def _against(mine: Runs, name: str, theirs: Runs, factor: float | None) -> Row:
    failed = bool(theirs.failure)
    goal = "" if factor is None else f"≥ {factor:g} times its rate"
    ratio = mine.rate / theirs.rate if theirs.seconds else 0.0
    return Row(
        workload="… against " + name,
        goal=goal,
        ours=f"{mine.rate:,.0f} a second",
        theirs=theirs.failure if failed else f"{theirs.rate:,.0f} a second",
        ratio="" if failed else f"{ratio:,.2f} times",
        met=None if failed or factor is None else ratio >= factor,
    )

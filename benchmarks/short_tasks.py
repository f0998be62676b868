"""200 tasks of a quarter of a second: how much of two workers' time is work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .harness import Row, Sides, ours, peer, take_turns
from .peers import DASK, LITHOPS, POOL, RAY, Peer

__all__ = ["PEERS", "measure"]

PEERS: Final = (POOL, DASK, RAY, LITHOPS)

_SECONDS = 0.25
_WORKERS = 2
_SHARE = 0.99


def measure(
    *,
    tasks: int = 200,
    fewer: int = 40,
    rounds: int = 1,
    peers: Sequence[Peer] = PEERS,
) -> list[Row]:
    """Return the rows of this workload.

    Args:
        tasks: for us and for the side that has a goal.
        fewer: for the others: efficiency does not depend on how many there are.
        rounds: of each.
        peers: the other sides.
    """
    sides: Sides = {
        "ours": (ours, tasks),
        **{p.name: (peer(p), tasks if p is POOL else fewer) for p in peers},
    }
    runs = take_turns("quarter", sides, rounds=rounds)
    mine = runs.pop("ours")
    rows = []
    for name, run in runs.items():
        own = _efficiency(mine.tasks, mine.best)
        theirs = _efficiency(run.tasks, run.best)
        ratio = own / theirs if theirs else 0.0
        judged = name == POOL.name and not run.failure
        rows.append(
            Row(
                workload=f"{tasks} tasks of {_SECONDS} s against {name}",
                goal=f"≥ {_SHARE:.0%} of its efficiency" if name == POOL.name else "",
                ours=f"{own:.1%} efficient ({mine.best:.2f} s)",
                theirs=run.failure or f"{theirs:.1%} ({run.tasks} tasks, {run.best:.2f} s)",
                ratio="" if run.failure else f"{ratio:.1%}",
                met=ratio >= _SHARE if judged else None,
            )
        )
    return rows


def _efficiency(tasks: int, seconds: float) -> float:
    return tasks * _SECONDS / _WORKERS / seconds

"""1,000 tasks of very uneven length: how well the last ones are shared out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .harness import Row, Sides, ours, peer, take_turns
from .peers import DASK, POOL, RAY, Peer
from .work import uneven_seconds

__all__ = ["PEERS", "measure"]

PEERS: Final = (POOL, DASK, RAY)

_WORKERS = 2
_OVER = 0.04


def measure(*, tasks: int = 1000, rounds: int = 2, peers: Sequence[Peer] = PEERS) -> list[Row]:
    """Return the rows of this workload."""
    lengths = uneven_seconds(tasks)
    ideal = max(sum(lengths) / _WORKERS, *lengths)
    sides: Sides = {"ours": (ours, tasks), **{p.name: (peer(p), tasks) for p in peers}}
    runs = take_turns("uneven", sides, rounds=rounds)
    mine = runs.pop("ours")
    over = mine.best / ideal - 1
    others = [
        f"{name}: {run.failure or f'{run.best / ideal - 1:+.1%}'}" for name, run in runs.items()
    ]
    return [
        Row(
            workload=f"{tasks:,} tasks of {min(lengths) * 1000:.1f} ms to {max(lengths):.1f} s",
            goal=f"within {_OVER:.0%} of the ideal {ideal:.1f} s",
            ours=f"{mine.best:.2f} s ({over:+.1%})",
            theirs="; ".join(others),
            met=over <= _OVER,
        )
    ]

"""``make nemesis TOTALS=1``: fifty starts at once, over an S3 that fails, seed by seed."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.controller.totals.fifty import Outcome, fifty

__all__ = ["play_totals"]

_KINDS = ((0, 0), (15, 0), (5, 15))
"""Deaths and faults in a hundred, in turn."""


def play_totals(seeds: range, *, jobs: int) -> int:
    """Play the seeds and say what came of them; 1 where a total was exceeded."""
    began, played, failed = time.monotonic(), 0, 0
    counts = dict.fromkeys(("granted", "refused", "died", "failed"), 0)
    with ProcessPoolExecutor(jobs) as pool:
        for seed, outcome in zip(seeds, _outcomes(pool, seeds), strict=True):
            played += 1
            for name in counts:
                counts[name] += getattr(outcome, name)
            if outcome.wrong:
                failed += 1
                print(f"seed {seed} failed; make nemesis TOTALS=1 SEEDS=1 FIRST={seed} replays it")
                for sentence in outcome.wrong:
                    print(f"  {sentence}")
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    took = time.monotonic() - began
    print(f"{played:,} seeds of 50 starts at one instant, {took:,.0f} s: {said}")
    print(f"{failed:,} seeds failed" if failed else "no total was exceeded at any moment")
    return 1 if failed else 0


def _outcomes(pool: ProcessPoolExecutor, seeds: range) -> Iterator[Outcome]:
    return pool.map(_play, seeds, chunksize=8)


@functools.cache
def _quiet() -> None:
    logging.getLogger("starburst").setLevel(logging.CRITICAL)


def _play(seed: int) -> Outcome:
    _quiet()
    deaths, faults = _KINDS[seed % len(_KINDS)]
    return fifty(seed, deaths=deaths, faults=faults)

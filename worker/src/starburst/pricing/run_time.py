"""How long a fleet will run, from the times of a few of its calls. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["WORKER_START_SECONDS", "RunTime", "run_time", "spread"]

WORKER_START_SECONDS: Final = 90
"""Fargate takes 60 to 90 s to pull the image and start a worker; the longer time is counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTime:
    """How long which workers will run.

    Attributes:
        hours: of each worker, its start included.
        workers: how many of them have work.
        assumptions: sentences that this rests on.
    """

    hours: float
    workers: int
    assumptions: tuple[str, ...]


def run_time(seconds: Sequence[float], *, calls: int, workers: int) -> RunTime:
    """Return how long ``calls`` calls take.

    Args:
        seconds: what some of them took, on this computer; one at least.
        calls: how many there are in all, 1 or more.
        workers: how many there may be.

    Example:
        >>> found = run_time([36.0], calls=400, workers=4)
        >>> found.hours == (90 + 100 * 36) / 3600
        True
    """
    mean = statistics.fmean(seconds)
    busy = min(workers, calls)
    work = math.ceil(calls / busy) * mean
    notes = [
        f"{len(seconds)} of {calls} calls were run and timed on this computer: {mean:.3g} s on "
        f"average ({min(seconds):.3g} to {max(seconds):.3g} s).",
        "A worker is taken to be as fast as this computer and to run one call at a time.",
        f"Each worker starts in {WORKER_START_SECONDS} s (Fargate: 60 to 90 s), which is billed, "
        "and all start together.",
        "Fargate bills by the second, at least one minute a worker.",
        "The calls are spread evenly; sending inputs and results is not counted.",
    ]
    if busy < workers:
        notes.append(f"{calls} calls occupy {busy} workers, not {workers}.")
    return RunTime(
        hours=(WORKER_START_SECONDS + work) / 3600, workers=busy, assumptions=tuple(notes)
    )


def spread(count: int, samples: int) -> list[int]:
    """Return at most ``samples`` indexes below ``count``, spread evenly from the first to the last.

    Example:
        >>> spread(100, 4), spread(3, 10), spread(9, 1)
        ([0, 33, 66, 99], [0, 1, 2], [0])
    """
    chosen = min(count, samples)
    if chosen == 1:
        return [0]
    return [round(i * (count - 1) / (chosen - 1)) for i in range(chosen)]

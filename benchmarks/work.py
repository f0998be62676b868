"""The work that every side does, and how its answers are checked.

Each side runs these very functions: they need the standard library and NumPy, and nothing of ours.
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["WORK", "Work", "block", "nap", "nothing", "uneven_seconds"]

_MEDIAN_SECONDS: Final = 0.006
_SPREAD: Final = 1.5
_SEED: Final = 1


def nothing(x: int) -> int:
    """Return what was given: the task costs nothing, so that only its way there and back shows."""
    return x


def nap(seconds: float) -> float:
    """Sleep: a task whose length no neighbour on this machine can change."""
    time.sleep(seconds)
    return seconds


def block(megabytes: int) -> Any:  # noqa: ANN401 - an array, without importing NumPy here
    """Return float64 of noise, which does not compress; made once a process."""
    return _noise(megabytes)


@functools.cache
def _noise(megabytes: int) -> Any:  # noqa: ANN401
    import numpy as np  # noqa: PLC0415 - peers without arrays need no NumPy

    return np.random.default_rng(_SEED).random(megabytes * 125_000)


def uneven_seconds(count: int) -> list[float]:
    """Return lengths of a log-normal kind: most are short, and few make most of the sum.

    Example:
        >>> lengths = uneven_seconds(1000)
        >>> max(lengths) > 50 * sorted(lengths)[500]
        True
    """
    draw = random.Random(_SEED)  # noqa: S311 - the same lengths for every side
    return [_MEDIAN_SECONDS * draw.lognormvariate(0, _SPREAD) for _ in range(count)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One workload.

    Attributes:
        function: what is called.
        inputs: makes the inputs of so many tasks.
        results: what must come back for them.
    """

    function: Callable[[Any], Any]
    inputs: Callable[[int], Sequence[Any]]
    results: Callable[[Sequence[Any]], Sequence[Any]]


WORK: Final[dict[str, Work]] = {
    "trivial": Work(function=nothing, inputs=range, results=list),
    "quarter": Work(function=nap, inputs=lambda count: [0.25] * count, results=list),
    "uneven": Work(function=nap, inputs=uneven_seconds, results=list),
}

"""What tasks have in common: small functions that differ, one large array, and what is let go."""

from __future__ import annotations

import functools
import time
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeAlias

import numpy as np

import starburst
from benchmarks.harness import FLEET, Row, warm

__all__ = ["measure"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_CALLS = 300
_ROUNDS = 4
_SHARERS = 200
_SLOWER = 1.5
_RESULTS = 20
_KEPT_MB = 60.0


def measure(*, megabytes: int = 32) -> list[Row]:
    """Return the rows of this workload.

    Args:
        megabytes: of the array that tasks share.
    """
    with starburst.session(**FLEET) as session:
        warm(session)
        rows = _small_functions(session)
        rows += _one_array(session, np.random.default_rng(1).random(megabytes << 17))
    return [*rows, _memory()]


def add(a: int, b: int) -> int:
    """Return a sum."""
    return a + b


class Adder:
    """Adds what it was made with."""

    def __init__(self, a: int) -> None:
        self.a = a

    def add(self, b: int) -> int:
        """Return a sum."""
        return self.a + b


_MADE: dict[str, Callable[[starburst.Session, int], Future[int]]] = {
    "plain calls": lambda session, n: session.submit(add, n, 1),
    "partials": lambda session, n: session.submit(functools.partial(add, n), 1),
    "lambdas": lambda session, n: session.submit(lambda b: n + b, 1),
    "bound methods": lambda session, n: session.submit(Adder(n).add, 1),
}


def _small_functions(session: starburst.Session) -> list[Row]:
    """Time every kind in turn: only what ran in the same seconds is compared."""
    times: dict[str, list[float]] = {name: [] for name in _MADE}
    for _ in range(_ROUNDS):
        for name, submit in _MADE.items():
            times[name].append(_seconds(session, submit))
    plain = min(times.pop("plain calls"))
    return [
        Row(
            workload=f"{_CALLS} submits of {name} that differ",
            goal=f"≤ {_SLOWER:g} times plain ones",
            ours=f"{min(seconds):.2f} s",
            theirs=f"plain submits: {plain:.2f} s",
            ratio=f"{min(seconds) / plain:.2f}",
            met=min(seconds) <= _SLOWER * plain,
        )
        for name, seconds in times.items()
    ]


def _seconds(
    session: starburst.Session, submit: Callable[[starburst.Session, int], Future[int]]
) -> float:
    """Return the seconds from the first submit to the last result."""
    began = time.perf_counter()
    futures = [submit(session, n) for n in range(_CALLS)]
    found = [future.result() for future in futures]
    seconds = time.perf_counter() - began
    if found != [n + 1 for n in range(_CALLS)]:
        raise SystemExit("wrong sums: the time of a wrong run means nothing")
    return seconds


def read(array: Numbers, n: int) -> float:
    """Return a number of an array."""
    return float(array[n])


def _one_array(session: starburst.Session, x: Numbers) -> list[Row]:
    def put() -> list[Any]:
        handle = session.put(x)
        return [session.submit(read, handle, n) for n in range(_SHARERS)]

    doors: dict[str, Callable[[], Sequence[Any]]] = {
        "submits that capture it": lambda: [
            session.submit(lambda n: float(x[n]), n) for n in range(_SHARERS)
        ],
        "inputs that carry it": lambda: session.map(
            lambda pair: float(pair[0][pair[1]]), [(x, n) for n in range(_SHARERS)]
        ),
        "put, and tasks that read it": put,
    }
    rows = []
    for name, door in doors.items():
        x[0] += 1  # new each time
        began = time.perf_counter()
        found = [future.result() for future in door()]
        seconds = time.perf_counter() - began
        if found != list(x[:_SHARERS]):
            raise SystemExit("wrong numbers: the time of a wrong run means nothing")
        rows.append(
            Row(
                workload=f"an array of {x.nbytes / 1e6:.0f} MB: {_SHARERS} {name}",
                goal="",
                ours=f"{seconds:.1f} s",
                theirs="",
            )
        )
    return rows


def _memory() -> Row:
    """Take results one by one and drop them; a process pool keeps one or two."""
    tracemalloc.start()
    try:
        with starburst.Executor(**FLEET) as pool:
            for result in pool.map(lambda n: bytes([n]) * (10 << 20), range(_RESULTS)):
                del result
            kept = tracemalloc.get_traced_memory()[0] / 1e6
    finally:
        tracemalloc.stop()
    return Row(
        workload=f"{_RESULTS} results of 10 MB, taken from an executor and dropped",
        goal=f"≤ {_KEPT_MB:.0f} MB kept",
        ours=f"{kept:.0f} MB",
        theirs="",
        met=kept <= _KEPT_MB,
    )

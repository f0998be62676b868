"""What a side does: start, say so, then time each workload that it is asked for.

A line of JSON in, a line of JSON out. It imports nothing of ours but the work, because it runs
with a peer's packages.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from benchmarks.work import WORK

__all__ = ["Run", "serve"]

Run: TypeAlias = Callable[[Callable[[Any], Any], Sequence[Any]], Sequence[Any]]
"""Calls a function on every input, on two worker processes; returns the results in order."""


def serve(start: Callable[[], AbstractContextManager[Run]], *, package: str | None = None) -> None:
    """Start a side and serve until standard input closes.

    Args:
        start: starts the workers, and stops them at the end.
        package: whose version to tell; None for Python's.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the peer prints is no answer
    began = time.perf_counter()
    with start() as run:
        run(WORK["trivial"].function, range(2))
        version = importlib.metadata.version(package) if package else sys.version.split()[0]
        started = {"seconds": time.perf_counter() - began, "version": version}
        print(json.dumps(started), file=answers)
        for line in sys.stdin:
            name, count = json.loads(line)
            print(json.dumps({"seconds": _time(run, name, count)}), file=answers)


def _time(run: Run, name: str, count: int) -> float:
    work = WORK[name]
    inputs = work.inputs(count)
    began = time.perf_counter()
    results = run(work.function, inputs)
    seconds = time.perf_counter() - began
    if list(results) != list(work.results(inputs)):
        raise SystemExit(f"wrong results of {name}: the time of a wrong run means nothing")
    return seconds

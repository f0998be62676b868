"""Python's own ProcessPoolExecutor: no network, no storage, nothing survives it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from benchmarks.sides.serve import Run, serve


@contextmanager
def _start() -> Iterator[Run]:
    with ProcessPoolExecutor(2) as pool:
        yield lambda function, inputs: list(pool.map(function, inputs))


if __name__ == "__main__":
    serve(_start)

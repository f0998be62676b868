"""An executor keeps no result that nobody holds any more."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.executor import StarburstExecutor

TASKS = 48
MEGABYTE = 1 << 20


def block(n: int) -> bytes:
    return bytes([n]) * MEGABYTE


def mapped(pool: StarburstExecutor) -> Iterator[bytes]:
    return pool.map(block, range(TASKS))


def submitted(pool: StarburstExecutor) -> Iterator[bytes]:
    futures = [pool.submit(block, n) for n in range(TASKS)]
    while futures:
        yield futures.pop(0).result(60)


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("take", [mapped, submitted])
def test_results_that_were_taken_and_dropped_are_gone(
    connection: Connection, take: Callable[[StarburstExecutor], Iterator[Any]]
) -> None:
    with StarburstExecutor(connection, workers=1, progress=False) as pool:
        pool.submit(abs, -1).result(60)
        gc.collect()
        tracemalloc.start()
        try:
            results = take(pool)
            for n in range(TASKS):
                assert next(results) == block(n)
            gc.collect()
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert kept < 16 * MEGABYTE  # of 48; a few are on their way at any time

"""A long task keeps nobody waiting: what follows it in its range goes to others while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from starburst._client.access.connection import Connection
from starburst._protocol.sizing import Budgets
from starburst.errors import WorkerLost
from tests.runtime.fleet import Fleet
from tests.runtime.worker.long_tasks import CHUNK, TASKS, Bench

MakeBench: TypeAlias = Callable[..., Bench]

# A task is long soon.
pytestmark = [
    pytest.mark.usefixtures("forked"),
    pytest.mark.timings(
        first_pause_seconds=0.0001,
        budgets=Budgets(
            longest_seconds=0.02, shortest_seconds=0.02, probe_seconds=0.02, long_task_seconds=0.05
        ),
    ),
]


@pytest.fixture(autouse=True)
def large_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few tasks make a chunk of several."""
    monkeypatch.setattr("starburst._protocol.sizing.CHUNKS_PER_WORKER", 1)


@pytest.fixture
def benches(connection: Connection, fleet: Fleet, tmp_path: Path) -> Iterator[MakeBench]:
    """Make the bench that a test needs; it is closed however the test ends."""
    with ExitStack() as stack:

        def make(**terms: Any) -> Bench:
            bench = Bench(connection, fleet, tmp_path, **terms)
            stack.callback(bench.close)
            return bench

        yield make


@pytest.fixture
def bench(benches: MakeBench) -> Bench:
    return benches()


def test_a_range_whose_last_task_is_long_is_committed_once_and_only_once(
    benches: MakeBench,
) -> None:
    bench = benches(long=2)
    bench._thread.start()
    bench.tell()
    bench.end()
    assert bench.nodes() == [f"{CHUNK}/000000-000003"]
    bench.drain()
    assert [future.result(timeout=60) for future in bench.futures] == list(range(TASKS))


@pytest.mark.parametrize("early", [0, 1])
def test_a_task_that_kills_its_process_gets_its_attempts_before_and_after(
    benches: MakeBench, early: int
) -> None:
    """Its deaths before the rest was handed on count as well."""
    bench = benches(long=0, attempts=3)
    if early:
        bench.tell(b"k")
    bench.begin()
    for _ in range(3 - early):
        bench.tell(b"k")
    bench.drain()
    with pytest.raises(WorkerLost, match="3 times"):
        bench.futures[0].result(timeout=60)
    assert [future.result(timeout=60) for future in bench.others()] == [1, 2, 3, 4, 5]
    bench.end()
    assert bench.starts().count(0) == 3
    bench.nodes()


@pytest.mark.timings(cancel_list_seconds=0.0)
def test_a_cancel_stops_the_task_and_takes_nothing_from_those_behind_it(bench: Bench) -> None:
    bench.begin()
    assert bench.session.cancel([bench.futures[0]]) == 1
    bench.end()
    bench.drain()
    assert [future.result(timeout=60) for future in bench.others()] == [1, 2, 3, 4, 5]
    bench.nodes()

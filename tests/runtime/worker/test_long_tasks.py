"""A long task keeps nobody waiting: what follows it in its range goes to others while it runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from botocore.exceptions import EndpointConnectionError

from starburst._client.access.connection import Connection
from starburst._protocol.sizing import Budgets
from starburst.errors import WorkerLost
from starburst.worker.child.outcome import failed_node
from starburst.worker.child.range_run import lost
from starburst.worker.leases.lease import Lease, QueueRefused
from starburst.worker.supervisor import Supervisor
from tests.runtime.fleet import Fleet, leased
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


def results(bench: Bench) -> list[int]:
    return [future.result(timeout=60) for future in bench.futures]


def test_a_range_whose_last_task_is_long_is_committed_once_and_only_once(
    benches: MakeBench,
) -> None:
    bench = benches(long=2)
    bench._thread.start()
    bench.tell()
    bench.end()
    assert bench.nodes() == [f"{CHUNK}/000000-000003"]
    bench.drain()
    assert results(bench) == list(range(TASKS))


def test_no_commit_is_spent_on_it_while_the_queue_has_work_for_everybody(bench: Bench) -> None:
    asked = threading.Event()

    def backlog(**_: object) -> int:
        asked.set()
        return 2

    bench.worker.leases.backlog = backlog  # type: ignore[method-assign]
    bench._thread.start()
    assert asked.wait(30)
    bench.tell()
    bench.end()
    assert f"{CHUNK}/000000-000001" not in bench.nodes()
    bench.drain()
    assert results(bench) == list(range(TASKS))


def test_a_worker_that_dies_after_it_handed_on_costs_one_more_start_of_its_task_alone(
    bench: Bench,
) -> None:
    bench.begin()
    bench.drain()
    bench.fall()
    assert not bench.futures[0].done()
    bench.tell()
    bench.drain()
    assert results(bench) == list(range(TASKS))
    assert sorted(bench.starts()) == [0, *range(TASKS)]
    bench.nodes()


@pytest.mark.timings(grace_seconds=-1.0)
def test_a_worker_told_to_stop_leaves_the_long_task_alone_to_others(bench: Bench) -> None:
    bench.begin()
    bench.worker.stop(signal.SIGTERM, None)
    bench.end()
    assert bench.nodes() == [f"{CHUNK}/000000-000003"]
    bench.tell()
    bench.drain()
    assert results(bench) == list(range(TASKS))
    assert bench.nodes().count(f"{CHUNK}/000000-000001") == 1
    assert bench.starts().count(0) == 2


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


def once(bench: Bench, owner: Any, name: str, error: Exception) -> threading.Event:
    """Have a method fail the first time; return what is set then."""
    act, failed = getattr(owner, name), threading.Event()

    def fail(*args: Any, **words: Any) -> Any:
        if failed.is_set():
            return act(*args, **words)
        failed.set()
        raise error

    setattr(owner, name, fail)
    return failed


@pytest.mark.parametrize("step", ["commit", "hand_on"])
def test_trouble_with_handing_on_is_made_good_when_the_task_has_ended(
    bench: Bench, step: str
) -> None:
    worker = bench.worker
    owner, error = {
        "commit": (worker.store, EndpointConnectionError(endpoint_url="https://s3")),
        "hand_on": (worker.leases, QueueRefused("SQS refused")),
    }[step]
    failed = once(bench, owner, step, error)
    bench._thread.start()
    assert failed.wait(30)
    bench.tell()
    bench.end()
    assert bench.nodes()[:2] == [f"{CHUNK}/000000-000001", f"{CHUNK}/000000-000003"]
    bench.drain()
    assert results(bench) == list(range(TASKS))
    assert sorted(bench.starts()) == list(range(TASKS))


@pytest.mark.timings(grace_seconds=-1.0)
@pytest.mark.parametrize("step", ["commit", "hand_on"])
def test_a_worker_told_to_stop_after_such_trouble_loses_nothing(bench: Bench, step: str) -> None:
    worker = bench.worker
    owner = worker.store if step == "commit" else worker.leases
    failed = once(bench, owner, step, QueueRefused("SQS refused"))
    bench._thread.start()
    assert failed.wait(30)
    worker.stop(signal.SIGTERM, None)
    bench.end()
    bench.tell()
    bench.drain()
    assert results(bench) == list(range(TASKS))
    bench.nodes()


@pytest.mark.parametrize("deliveries", [1, 2])
def test_a_worker_that_was_overtaken_drops_its_long_task(
    benches: MakeBench, deliveries: int
) -> None:
    """By one that did all of the range, or by one that cut it."""
    bench = benches(long=1)
    rival = bench.supervisor()  # to it the lease seemed lapsed
    bench.tell()
    rival.work(Lease(message=bench.lease.message, receipt="x", deliveries=deliveries))
    rival.settling.settle()
    rival.child.end()
    bench.handed_on.clear()
    bench.worker.leases.backlog = lambda **_: 0  # type: ignore[method-assign]
    bench.begin()
    bench.tell()
    bench.end()
    assert f"{CHUNK}/000000-000002" not in bench.nodes()
    bench.tell(b"rr")  # its message was sent by both
    bench.drain()
    assert results(bench) == list(range(TASKS))
    bench.nodes()


def test_a_lease_near_sqs_limit_is_queued_anew_for_the_task_that_runs(bench: Bench) -> None:
    bench.begin()
    bench.worker.settling.background.finish(lambda: None)
    bench.drain()
    bench.lease.received -= 11.6 * 3600
    bench.lease.renewed -= 60
    bench.worker.leases.keep(bench.lease)
    anew = leased(bench.worker)
    assert anew is not None
    assert (anew.message.chunk, anew.message.lo, anew.message.hi) == (CHUNK, 0, 1)
    bench.worker.leases.give_back(anew)
    bench.tell()
    bench.end()
    bench.drain()
    assert results(bench) == list(range(TASKS))
    bench.nodes()


def queued_anew(bench: Bench) -> tuple[Supervisor, Lease]:
    """Let twelve hours pass for the task that runs; return a rival with a lease on it."""
    bench.begin()
    bench.worker.settling.background.finish(lambda: None)
    bench.drain()
    bench.lease.received -= 11.6 * 3600
    bench.lease.renewed -= 60
    bench.worker.leases.keep(bench.lease)
    rival = bench.supervisor()
    anew = leased(rival)
    assert anew is not None
    assert (anew.message.lo, anew.message.hi, anew.deliveries) == (0, 1, 1)
    return rival, anew


@pytest.mark.timings(overtaken_seconds=0.0)
def test_what_was_queued_anew_and_is_done_meanwhile_is_not_run_to_its_end(bench: Bench) -> None:
    rival, anew = queued_anew(bench)
    bench.tell()
    bench.end()
    rival.work(anew)  # nobody tells its task how to end
    rival.settling.settle()
    rival.child.end()
    assert anew.ended
    bench.drain()
    assert results(bench) == list(range(TASKS))
    assert bench.nodes().count(f"{CHUNK}/000000-000001") == 1


@pytest.mark.timings(overtaken_seconds=0.0)
def test_a_task_that_another_worker_has_ended_is_not_run_to_its_end(bench: Bench) -> None:
    rival, anew = queued_anew(bench)
    node = failed_node(0, 1, lost("elsewhere"), worker="w")
    rival.settling.commits.commit(anew, node)
    bench.end()  # nobody tells its task how to end
    with pytest.raises(WorkerLost, match="elsewhere"):
        bench.futures[0].result(timeout=60)
    assert [future.result(timeout=60) for future in bench.others()] == [1, 2, 3, 4, 5]
    bench.nodes()

"""A worker runs the next range while it commits the last: no lease lapses, no result is dropped."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst._protocol.sealed.result_nodes import ResultNode
from starburst.worker.leases.background_commit import BackgroundCommit
from starburst.worker.supervisor import Supervisor
from tests.runtime.fleet import Fleet, leased
from tests.session_internals import flush, in_one_pack, queue_url

pytestmark = pytest.mark.usefixtures("forked")


def square(x: int) -> int:
    return x * x


class Bench:
    """A session whose eight chunks wait, and one worker that a test drives by hand."""

    def __init__(self, connection: Connection, fleet: Fleet) -> None:
        fleet.launch = False
        options = SessionOptions(workers=2, idle_timeout=20)
        self.session: Session = open_session(connection, options, progress=False)
        with in_one_pack(self.session):
            self.futures = self.session.map(square, range(8))
        flush(self.session)
        self.worker: Supervisor = fleet.supervisor(
            self.session.manifest.keys, queue_url(self.session)
        )
        self.fleet = fleet
        self.gate = threading.Event()
        self.commits = 0
        self.error: BaseException | None = None
        self._commit = self.worker.store.commit
        self.worker.store.commit = self.commit  # type: ignore[method-assign]

    def commit(self, chunk: str, node: ResultNode, **terms: Any) -> ResultNode:
        """Wait until the test lets the commit go, or fail it."""
        assert self.gate.wait(60)
        self.commits += 1
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return self._commit(chunk, node, **terms)

    def results(self) -> list[int]:
        """Let another worker do what is left; return everything."""
        self.gate.set()
        self.worker.settling.close()
        self.worker.child.end()
        self.fleet.add_worker(self.session.manifest.keys, queue_url(self.session))
        return [future.result(timeout=60) for future in self.futures]


@pytest.fixture
def bench(connection: Connection, fleet: Fleet) -> Iterator[Bench]:
    bench = Bench(connection, fleet)
    yield bench
    bench.session.cleanup()


def test_the_next_range_runs_while_the_last_is_committed(bench: Bench) -> None:
    worker = bench.worker
    assert worker.turn(1)
    lease = leased(worker)
    assert lease is not None
    run = worker.ranges.run(lease)
    assert run is not None
    assert run.node("w") is not None
    assert bench.commits == 0  # the first commit still waits
    worker.leases.release(lease)
    assert bench.results() == [x * x for x in range(8)]


def test_both_leases_are_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = bench.worker
    assert worker.turn(1)
    kept: list[str] = []
    monkeypatch.setattr(worker.leases, "keep", lambda lease: kept.append(lease.message.chunk))
    lease = leased(worker)
    assert lease is not None
    worker.settling.keep(lease)
    assert len(set(kept)) == 2
    worker.leases.release(lease)
    assert bench.results() == [x * x for x in range(8)]


@pytest.mark.timings(first_pause_seconds=0.0001)
def test_a_commit_that_met_trouble_is_queued_anew_and_the_result_after_it_stands(
    bench: Bench,
) -> None:
    bench.error = EndpointConnectionError(endpoint_url="https://s3")
    bench.gate.set()
    assert bench.worker.turn(1)
    assert bench.worker.turn(1)
    bench.worker.settling.settle()
    assert bench.commits == 2
    assert bench.results() == [x * x for x in range(8)]


@pytest.mark.timings(first_pause_seconds=0.0001, most_failures=3)
def test_trouble_in_every_commit_ends_the_worker(bench: Bench) -> None:

    def fail(*_: object, **__: object) -> ResultNode:
        raise EndpointConnectionError(endpoint_url="https://s3")

    bench.gate.set()
    bench.worker.store.commit = fail  # type: ignore[method-assign]
    with pytest.raises(Exception, match="AWS failed 3 times in a row"):
        bench.worker.run()
    assert bench.results() == [x * x for x in range(8)]


def test_a_worker_that_is_stopped_finishes_its_commit(bench: Bench) -> None:
    worker = bench.worker
    assert worker.turn(1)
    worker.stop(signal.SIGTERM, None)
    bench.gate.set()
    worker.run()
    assert bench.commits == 1
    bench.fleet.add_worker(bench.session.manifest.keys, queue_url(bench.session))
    assert [future.result(timeout=60) for future in bench.futures] == [x * x for x in range(8)]


def test_one_commit_is_under_way_at_a_time_and_none_after_the_end() -> None:
    background, lease = BackgroundCommit(), object()
    start: Any = background.start
    start(lease, lambda: None)
    with pytest.raises(RuntimeError, match="under way"):
        start(lease, lambda: None)
    assert background.finish(lambda: None) is None
    background.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        start(lease, lambda: None)

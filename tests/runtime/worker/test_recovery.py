"""What becomes of a lease whose worker died: nothing lost, nothing committed twice."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst.errors import IntegrityError, WorkerLost
from starburst.worker.leases.lease import Lease
from starburst.worker.supervisor import Supervisor
from tests.runtime.fleet import BUCKET, Fleet, leased
from tests.session_internals import flush, in_one_pack

pytestmark = pytest.mark.usefixtures("forked")

OPTIONS = SessionOptions(workers=1, idle_timeout=20)


def square(x: int) -> int:
    return x * x


class Bench:
    """One session without workers, and one supervisor to drive by hand."""

    def __init__(self, connection: Connection, fleet: Fleet, tasks: int) -> None:
        fleet.launch = False
        self.session: Session = open_session(connection, OPTIONS, progress=False)
        with in_one_pack(self.session):  # so that all travel in one pack, however slow
            self.futures = self.session.map(square, range(tasks))
        flush(self.session)
        name = f"starburst-test-study-{self.session.id}"
        self.url = fleet.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        self.fleet = fleet
        self.supervisor: Supervisor = fleet.supervisor(self.session.manifest.keys, self.url)

    def lease(self, deliveries: int = 1) -> Lease:
        lease = leased(self.supervisor)
        assert lease is not None
        lease.deliveries = deliveries
        return lease

    def work(self, lease: Lease) -> None:
        self.supervisor.work(lease)
        self.supervisor.settling.settle()

    def drain(self) -> None:
        while (lease := leased(self.supervisor, wait=0)) is not None:
            self.work(lease)
        self.supervisor.child.end()


@pytest.fixture
def bench(connection: Connection, fleet: Fleet) -> Bench:
    return Bench(connection, fleet, tasks=8)


def test_a_single_task_is_given_up_after_its_attempts_with_its_reason(
    connection: Connection, fleet: Fleet
) -> None:
    bench = Bench(connection, fleet, tasks=1)
    lease = bench.lease()
    for worker in ("w2", "w3"):  # the first attempt is not written down
        bench.fleet.supervisor(bench.session.manifest.keys, bench.url).store.attempts.begin(
            lease.task_range, worker=worker
        )
    lease.deliveries = 4
    bench.work(lease)
    with pytest.raises(WorkerLost, match="died 3 times"):
        bench.futures[0].result(timeout=30)
    bench.session.cleanup()


def test_a_record_of_an_attempt_that_arrives_damaged_is_read_again(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one more worker would be lost to a task that kills them."""
    bench = Bench(connection, fleet, tasks=1)
    task_range = bench.lease().task_range
    attempts = bench.supervisor.store.attempts
    attempts.begin(task_range, worker="w2")
    get = fleet.s3.get_object
    damaged: list[str] = []

    def get_object(**wanted: str) -> dict[str, Any]:
        answer: dict[str, Any] = get(**wanted)
        if wanted["Key"] in damaged:
            return answer
        damaged.append(wanted["Key"])
        return {**answer, "Body": io.BytesIO(answer["Body"].read()[:-1])}

    monkeypatch.setattr(fleet.s3, "get_object", get_object)
    assert attempts.workers(task_range) == {"w2"}
    assert damaged
    bench.drain()
    bench.session.cleanup()


def test_two_workers_with_the_same_lease_commit_once(bench: Bench) -> None:
    lease = bench.lease()
    rival = bench.fleet.supervisor(bench.session.manifest.keys, bench.url)
    rival.work(Lease(message=lease.message, receipt=lease.receipt, deliveries=1))
    rival.settling.settle()
    rival.child.end()
    first = bench.fleet.s3.list_object_versions(Bucket=BUCKET)["Versions"]
    bench.work(lease)
    assert bench.fleet.s3.list_object_versions(Bucket=BUCKET)["Versions"] == first
    bench.drain()
    assert [f.result(timeout=30) for f in bench.futures] == [x * x for x in range(8)]
    bench.session.cleanup()


def test_a_forged_copy_in_a_message_gives_way_to_what_the_client_signed(bench: Bench) -> None:
    lease = bench.lease()
    lease.message = dataclasses.replace(lease.message, inline=b"\x80\x04evil" * 40)
    bench.work(lease)
    bench.drain()
    assert [f.result(timeout=30) for f in bench.futures] == [x * x for x in range(8)]
    bench.session.cleanup()


def test_tasks_whose_function_is_damaged_end_typed(bench: Bench) -> None:
    keys = bench.session.manifest.keys
    (entry,) = bench.fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=keys.functions)["Contents"]
    bench.fleet.s3.put_object(Bucket=BUCKET, Key=entry["Key"], Body=b"\x80\x04evil" * 40)
    bench.drain()
    assert len(bench.futures) == 8
    for future in bench.futures:
        with pytest.raises(IntegrityError, match="function"):
            future.result(timeout=60)
    bench.session.cleanup()


def test_workers_that_left_before_there_was_work_are_launched_again(
    connection: Connection, fleet: Fleet
) -> None:
    """So that no client hangs that was slow to send its first task."""
    often = dataclasses.replace(connection, timings=Timings(silence_seconds=0.1))
    terms = SessionOptions(workers=2, idle_timeout=1)
    with open_session(often, terms, progress=False) as session:
        for worker in [*fleet.workers]:
            worker.join()
        assert session.submit(square, 3).result(timeout=60) == 9

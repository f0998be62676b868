"""What becomes of a lease whose worker died: nothing lost, nothing committed twice."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst._protocol.sealed.chunks import ChunkMessage
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

    def waiting(self) -> int:
        """How many messages there are, leased or not."""
        said = self.fleet.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(said["Attributes"][name]) for name in counts)

    def nodes(self) -> list[str]:
        prefix = self.session.manifest.keys.results
        listed = self.fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [entry["Key"].removeprefix(prefix) for entry in listed]


@pytest.fixture
def bench(connection: Connection, fleet: Fleet) -> Bench:
    return Bench(connection, fleet, tasks=8)


def test_a_range_that_took_its_worker_down_is_cut(bench: Bench) -> None:
    bench.work(bench.lease(deliveries=2))
    assert bench.nodes() == ["p000001-00000/000000-000002"]
    bench.drain()
    assert [f.result(timeout=30) for f in bench.futures] == [x * x for x in range(8)]
    bench.session.cleanup()


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


def test_a_worker_that_died_after_its_commit_leaves_only_its_message_to_delete(
    bench: Bench,
) -> None:
    lease = bench.lease()
    supervisor = bench.supervisor
    commits = supervisor.settling.commits
    finish, commits._finish = commits._finish, lambda *_: None  # type: ignore[method-assign]
    bench.work(lease)
    commits._finish = finish  # type: ignore[method-assign]
    committed = bench.nodes()
    lease.deliveries = 2
    bench.work(lease)
    assert bench.nodes() == committed
    bench.drain()
    assert [f.result(timeout=30) for f in bench.futures] == [x * x for x in range(8)]
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


def forged(message: ChunkMessage, **change: Any) -> ChunkMessage:
    return dataclasses.replace(message, **change)


def test_a_forged_copy_in_a_message_gives_way_to_what_the_client_signed(bench: Bench) -> None:
    lease = bench.lease()
    lease.message = forged(lease.message, inline=b"\x80\x04evil" * 40)
    bench.work(lease)
    bench.drain()
    assert [f.result(timeout=30) for f in bench.futures] == [x * x for x in range(8)]
    bench.session.cleanup()


def test_tasks_whose_input_is_damaged_in_s3_end_typed_and_the_others_go_on(bench: Bench) -> None:
    key = f"{bench.session.manifest.keys.inputs}p000001"
    body = bytearray(bench.fleet.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    lease = bench.lease()
    body[lease.message.offset + 100] ^= 1
    bench.fleet.s3.put_object(Bucket=BUCKET, Key=key, Body=bytes(body))
    lease.message = forged(lease.message, inline=None)
    bench.work(lease)
    bench.drain()
    for future in bench.futures[:2]:
        with pytest.raises(IntegrityError, match="input"):
            future.result(timeout=30)
    assert [f.result(timeout=30) for f in bench.futures[2:]] == [x * x for x in range(2, 8)]
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


@pytest.mark.parametrize("deliveries", [1, 2])
def test_a_forged_object_at_a_results_key_ends_its_tasks_and_not_the_worker(
    bench: Bench, deliveries: int
) -> None:
    lease = bench.lease(deliveries)
    key = f"{bench.session.manifest.keys.results}{lease.message.chunk}/000000-000002"
    bench.fleet.s3.put_object(Bucket=BUCKET, Key=key, Body=b"\x80\x04evil" * 40)
    bench.work(lease)
    bench.drain()
    for future in bench.futures[:2]:
        with pytest.raises(IntegrityError):
            future.result(timeout=30)
    assert [f.result(timeout=30) for f in bench.futures[2:]] == [x * x for x in range(2, 8)]
    assert bench.waiting() == 0
    bench.session.cleanup()


def test_a_message_that_names_no_chunk_is_dropped(bench: Bench) -> None:
    message = bench.lease().message
    bench.fleet.sqs.purge_queue(QueueUrl=bench.url)
    for change in ({"chunk": "../../x"}, {"pack": "p000002"}, {"hi": 10**12}, {"offset": -1}):
        body = forged(message, **change).to_body()
        bench.fleet.sqs.send_message(QueueUrl=bench.url, MessageBody=body)
        assert bench.supervisor.leases.receive(wait=1) is None
    assert bench.waiting() == 0
    bench.session.cleanup()


def test_a_lease_near_sqs_limit_is_queued_anew_and_ends_once(bench: Bench) -> None:
    lease = bench.lease()
    before = bench.waiting()
    lease.received -= 11.6 * 3600
    lease.renewed -= 60
    bench.supervisor.leases.keep(lease)
    assert bench.waiting() == before  # one message still stands for the range: a fresh one
    bench.work(lease)
    bench.drain()
    assert [f.result(timeout=30) for f in bench.futures] == [x * x for x in range(8)]
    versions = bench.fleet.s3.list_object_versions(Bucket=BUCKET)["Versions"]
    assert len({v["Key"] for v in versions}) == len(versions)
    bench.session.cleanup()


def test_a_message_for_another_chunks_range_runs_nothing(bench: Bench) -> None:
    message = bench.lease().message
    bench.work(Lease(message=message.over(0, message.hi + 5), receipt="none", deliveries=1))
    assert bench.nodes() == []
    bench.session.cleanup()


def test_a_queue_that_holds_nonsense_is_cleared_of_it(bench: Bench) -> None:
    bench.fleet.sqs.purge_queue(QueueUrl=bench.url)
    bench.fleet.sqs.send_message(QueueUrl=bench.url, MessageBody="{'not': 'ours'}")
    assert bench.supervisor.leases.receive(wait=1) is None
    left = bench.fleet.sqs.get_queue_attributes(QueueUrl=bench.url, AttributeNames=["All"])
    assert left["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "0"
    bench.session.cleanup()

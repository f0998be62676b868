"""A thief of a worker's role fills the places of results and attempts with what nobody can read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection
from starburst._protocol.sealed.chunks import LedgerEntry, pack_name
from starburst._protocol.sealed.result_nodes import attempt_name
from starburst.errors import IntegrityError
from starburst.worker.leases.requeue import send_again
from starburst.worker.objects.store import NoSuchChunk
from tests.runtime.conftest import connection, fleet, forked, sdk
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.worker.long_tasks import CHUNK, TASKS, Bench

__all__ = ["connection", "fleet", "forked", "sdk"]

pytestmark = pytest.mark.usefixtures("forked")

FIRST = f"{CHUNK}/000000-000001"


@pytest.fixture
def bench(connection: Connection, fleet: Fleet, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(connection, fleet, tmp_path)
    yield made
    made.close()


@pytest.mark.timings(overtaken_seconds=0.5)
def test_junk_in_the_place_of_a_range_that_runs_for_long_ends_no_worker(bench: Bench) -> None:
    bench._thread.start()
    while not (bench.directory / "starts").exists():
        time.sleep(0.05)
    bench.fleet.s3.put_object(Bucket=BUCKET, Key=f"{bench.keys.results}{FIRST}", Body=b"junk")
    bench.end()
    assert bench.lease.ended


def archive(s3: Any, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer as S3 does for an object that was put with the storage class GLACIER."""
    get = s3.get_object

    def get_object(**wanted: str) -> object:
        if wanted["Key"].endswith(names):
            said = {
                "Error": {"Code": "InvalidObjectState", "Message": "The operation is not valid"},
                "ResponseMetadata": {"HTTPStatusCode": 403},
            }
            raise ClientError(said, "GetObject")  # type: ignore[arg-type]
        return get(**wanted)

    monkeypatch.setattr(s3, "get_object", get_object)


def test_an_archived_object_ends_no_look_for_lost_ranges(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = bench.supervisor()
    attempt = attempt_name("p000001-00001", 0, 1, number=1)
    for name in (FIRST, attempt):
        bench.fleet.s3.put_object(Bucket=BUCKET, Key=bench.keys.results + name, Body=b"junk")
    archive(worker.store._s3, (FIRST, attempt), monkeypatch)
    sent = send_again(worker.leases, worker.store, live=frozenset(), tick=lambda: None)
    assert sent == TASKS - 1
    with pytest.raises(IntegrityError, match="cannot be read"):
        worker.store.node(CHUNK, 0, 1)
    assert worker.store.attempts.workers(("p000001-00001", 0, 1)) == set()


def test_an_archived_result_ends_its_own_task_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(bench.fleet.s3, (FIRST,), monkeypatch)
    bench.fleet.s3.put_object(Bucket=BUCKET, Key=bench.keys.results + FIRST, Body=b"junk")
    bench.tell()
    bench.fleet.add_worker(bench.keys, bench.url)
    bench.worker.leases.give_back(bench.lease)
    with pytest.raises(IntegrityError, match="cannot be read"):
        bench.futures[0].result(timeout=60)
    assert [future.result(timeout=60) for future in bench.futures[1:]] == list(range(1, TASKS))


class Large:
    """A session of one chunk that takes long to walk."""

    class attempts:
        workers = staticmethod(lambda *_: set())

    def ledger(self, pack: str) -> dict[str, LedgerEntry]:
        if pack != pack_name(1):
            raise NoSuchChunk(pack)
        name = f"{pack}-00000"
        return {name: LedgerEntry(name=name, first=0, tasks=2, offset=9, length=9)}

    def children(self, name: str, lo: int, hi: int) -> tuple[tuple[int, int], ...] | None:
        raise NotImplementedError


def test_leases_are_kept_while_a_large_chunk_is_looked_through() -> None:
    walking, kept = threading.Event(), threading.Event()
    ticks = 0

    class Walked(Large):
        def children(self, name: str, lo: int, hi: int) -> None:
            walking.set()
            assert kept.wait(60), "nobody kept the leases"

    class Queue:
        hand_on = staticmethod(lambda _: None)

    def tick() -> None:
        nonlocal ticks
        ticks += walking.is_set()
        if ticks == 3:
            kept.set()

    send_again(Queue(), Walked(), live=frozenset(), tick=tick)  # type: ignore[arg-type]
    assert ticks >= 3
    assert not [t for t in threading.enumerate() if t.name.startswith("starburst-requeue")]


def test_a_worker_that_is_told_to_stop_ends_the_walk_of_a_large_chunk() -> None:
    """ECS waits for two minutes, and a commit may wait behind the walk."""
    walked = 0

    class Endless(Large):
        def children(self, name: str, lo: int, hi: int) -> tuple[tuple[int, int], ...] | None:
            nonlocal walked
            walked += 1
            time.sleep(0.01)
            return ((lo, hi),) if walked < 10_000 else None

    class Told(BaseException):
        pass

    def tick() -> None:
        if walked > 3:
            raise Told

    with pytest.raises(Told):
        send_again(None, Endless(), live=frozenset(), tick=tick)  # type: ignore[arg-type]
    assert 3 < walked < 10_000, "it walked on to the end"

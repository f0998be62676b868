"""What a task can do to itself, its worker and its neighbours: each ends typed, and alone."""

from __future__ import annotations

import errno
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst.errors import ResultTooLarge, UnpicklableInput, UnsafeResult, WorkerLost
from starburst.worker.child.range_run import RangeRun
from starburst.worker.leases.lease import Lease
from starburst.worker.ranges import Ranges
from tests.runtime.fleet import BUCKET, Fleet, leased
from tests.session_internals import core, flush, in_one_pack, queue_url

ONE = SessionOptions(workers=1, idle_timeout=20)


def square(x: int) -> int:
    return x * x


def outcomes(connection: Connection, function: Any, inputs: Any) -> list[Any]:
    with open_session(connection, ONE, progress=False) as session:
        session.map(function, inputs)
        return session.collect(timeout=60, return_exceptions=True)


@pytest.mark.parametrize("kind", ["bytes", "text", "list"])
@pytest.mark.usefixtures("forked")
def test_a_result_too_large_fails_alone_and_says_what_to_do(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("starburst.worker.child.range_run.MAX_RESULT_BYTES", 1 << 20)

    def grow(x: int) -> object:
        if x != 3:
            return x
        return {"bytes": bytes(2 << 20), "text": "a" * (2 << 20), "list": ["b" * 99] * 30_000}[kind]

    outcome = outcomes(connection, grow, range(6))
    assert isinstance(outcome[3], ResultTooLarge)
    assert "summary" in str(outcome[3])
    if kind != "list":  # what only encoding shows is blamed on its batch
        assert [x for i, x in enumerate(outcome) if i != 3] == [0, 1, 2, 4, 5]


@pytest.mark.usefixtures("forked")
def test_a_result_that_does_not_say_how_large_it_is_is_refused_like_any_other(
    connection: Connection,
) -> None:
    def closed(x: int) -> object:
        class DataSet:
            @property
            def nbytes(self) -> int:
                raise ValueError("its file is closed")

            def __sizeof__(self) -> int:
                raise ValueError("its file is closed")

        return DataSet() if x == 1 else x

    outcome = outcomes(connection, closed, range(3))
    assert isinstance(outcome[1], UnsafeResult)
    assert (outcome[0], outcome[2]) == (0, 2)


def test_what_ends_the_process_by_an_error_is_not_said_to_be_a_want_of_memory(
    connection: Connection,
) -> None:
    def sabotage(x: int) -> int:
        def refuse(*_: object, **__: object) -> None:
            raise RuntimeError("nothing can be sent")

        sys.modules["__main__"].encode_batch = refuse  # type: ignore[attr-defined]
        return x

    (outcome,) = outcomes(connection, sabotage, [1])
    assert isinstance(outcome, WorkerLost)
    assert "exited with code 1" in str(outcome)


@pytest.mark.usefixtures("forked")
def test_an_input_that_cannot_travel_is_refused_at_the_call_and_the_session_goes_on(
    connection: Connection, fleet: Fleet
) -> None:
    with open_session(connection, ONE, progress=False) as session:
        with pytest.raises(UnpicklableInput, match="lock"):
            session.submit(square, threading.Lock())  # type: ignore[arg-type]
        lock = threading.Lock()
        with pytest.raises(UnpicklableInput, match="lock"):
            session.submit(lambda x: (x, lock), 1)
        assert not session.futures
        session.map(square, range(4))
        assert session.collect(timeout=60) == [0, 1, 4, 9]


def fill_the_disk(x: int) -> list[str]:
    """Leave a file behind; in one task, write to a disk that is full."""
    here = Path(tempfile.gettempdir())
    found = sorted(path.name for path in here.iterdir())
    (here / f"left-{x}").mkdir()
    (here / f"left-{x}" / "data").write_bytes(bytes(1000))
    if x == 2:
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(b"no more room")
    return found


@pytest.mark.usefixtures("forked")
def test_a_full_disk_is_the_tasks_own_error_and_leaves_room_for_the_next(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    outcome = outcomes(connection, fill_the_disk, range(5))
    assert outcome[:2] == [[], ["left-0"]]
    assert type(outcome[2]) is OSError
    assert outcome[2].errno == errno.ENOSPC
    assert outcome[3:] == [[], ["left-3"]]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("forked")
def test_a_worker_whose_disk_is_full_from_the_start_runs_what_needs_none(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    assert outcomes(connection, square, range(4)) == [0, 1, 4, 9]


class Fallen(Exception):
    """The whole worker died."""


class Frail(Ranges):
    """Runs ranges as a worker that dies, without a word, of a task that leaves a mark."""

    mark: Path

    def range_run(self, lease: Lease, chunk: Any) -> RangeRun:
        run = super().range_run(lease, chunk)
        keep = run.tick

        def tick() -> None:
            if self.mark.exists():
                self.mark.unlink()
                raise Fallen
            keep()

        run.tick = tick
        return run


def poison(task: tuple[int, str, str]) -> int:
    """Note the start; number 5 takes down its process, or its worker."""
    number, how, directory = task
    note = os.open(f"{directory}/starts", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(note, f"{number}\n".encode())
    os.close(note)
    if number == 5:
        if how == "worker":
            Path(directory, "mark").touch()
            threading.Event().wait(60)
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.fixture
def bench(connection: Connection, fleet: Fleet, tmp_path: Path) -> tuple[Connection, Fleet, Path]:
    return connection, fleet, tmp_path


@pytest.mark.parametrize(
    ("how", "pieces", "most"), [("process", 64, 3), ("worker", 64, 3 + 1), ("worker", 4, 3 + 2)]
)
@pytest.mark.usefixtures("forked")
def test_a_poison_is_started_no_oftener_than_its_attempts_and_the_cuts_of_its_range(
    bench: tuple[Connection, Fleet, Path],
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    pieces: int,
    most: int,
) -> None:
    """Its chunk has ten tasks: 64 pieces isolate it in one cut, four in two."""
    monkeypatch.setattr("starburst._protocol.sealed.result_nodes._MAX_CHILDREN", pieces)
    connection, fleet, tmp_path = bench
    tasks = 40
    fleet.launch = False
    session = open_session(connection, ONE, progress=False)
    with in_one_pack(session):
        futures = session.map(poison, [(i, how, str(tmp_path)) for i in range(tasks)])
    flush(session)
    keys, url = session.manifest.keys, queue_url(session)
    deaths = 0
    while not all(future.done() for future in futures):
        worker = fleet.supervisor(keys, url, ranges=Frail)
        assert isinstance(worker.ranges, Frail)
        worker.ranges.mark = tmp_path / "mark"
        lease: Lease | None = None
        try:
            while (lease := leased(worker, wait=0)) is not None:
                worker.work(lease)
                worker.settling.settle()
            core(session).tasks.wait(0.2, lambda: all(future.done() for future in futures))
        except Fallen:
            deaths += 1
            assert lease is not None
            fleet.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=lease.receipt, VisibilityTimeout=0
            )
        finally:
            worker.child.end()
    with pytest.raises(WorkerLost):
        futures[5].result()
    assert [f.result() for f in futures if f is not futures[5]] == [
        x for x in range(tasks) if x != 5
    ]
    started = (tmp_path / "starts").read_text().split().count("5")
    assert started <= most
    assert deaths == (started if how == "worker" else 0)
    versions = fleet.s3.list_object_versions(Bucket=BUCKET, Prefix=keys.results)["Versions"]
    assert len({version["Key"] for version in versions}) == len(versions)
    session.cleanup()

"""Real worker processes, struck by SIGKILL and SIGTERM in the middle of their work."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst.contract import SessionKeys, WorkerVariable
from starburst.contract.times import OVERDUE_SECONDS
from tests.nemesis.environment import document
from tests.runtime.fleet import BUCKET, REGION, Fleet
from tests.session_internals import flush, in_one_pack, queue_url

TASKS = 30
ROOT = Path(__file__).parents[2]
PATIENCE = 240
"""Real seconds, for what is only ever slow."""


@dataclasses.dataclass
class Processes:
    """Worker processes at an emulator that listens on loopback."""

    endpoint: str
    fleet: Fleet
    log: Path
    alive: list[subprocess.Popen[bytes]] = dataclasses.field(default_factory=list)

    def connection(self) -> Connection:
        return Connection(
            document=document(self.fleet.key_arn),
            workspace="study",
            user="alice",
            s3=self.fleet.s3,
            sqs=self.fleet.sqs,
            kms=self.fleet.kms,
            functions=self.fleet,  # type: ignore[arg-type]
        )

    def judge(self, keys: SessionKeys) -> None:
        """Find every result written once, and no worker that ended with a traceback."""
        found = self.fleet.s3.list_object_versions(Bucket=BUCKET, Prefix=keys.results)["Versions"]
        assert len({version["Key"] for version in found}) == len(found)
        assert "Traceback" not in self.log.read_text()

    def launch(self, keys: SessionKeys, url: str, **more: str) -> subprocess.Popen[bytes]:
        place = {
            WorkerVariable.WORKSPACE: keys.workspace,
            WorkerVariable.BUCKET: BUCKET,
            WorkerVariable.KEY_ARN: self.fleet.key_arn,
            WorkerVariable.SESSION_PREFIX: keys.prefix,
            WorkerVariable.QUEUE_URL: url,
            WorkerVariable.LONGEST_SECONDS: "86400",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "nemesis",
            "AWS_SECRET_ACCESS_KEY": "nemesis",
            **more,
        }
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "starburst.worker"],
                env={**os.environ, **place},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        self.alive.append(worker)
        return worker


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    reset = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")  # noqa: S310
    urllib.request.urlopen(reset).close()  # noqa: S310
    aws = boto3.session.Session(
        region_name=REGION, aws_access_key_id="nemesis", aws_secret_access_key="nemesis"
    )
    clients = {name: aws.client(name, endpoint_url=endpoint) for name in ("s3", "sqs", "kms")}
    s3: Any = clients["s3"]
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    kms: Any = clients["kms"]
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    fleet = Fleet(s3=s3, sqs=clients["sqs"], kms=kms, key_arn=arn, launch=False)
    held = Processes(endpoint, fleet, tmp_path / "log")
    yield held
    for worker in held.alive:
        worker.kill()
        worker.wait()
    server.stop()


def note(task: tuple[int, str]) -> int:
    """Say that the task has begun, and take a while."""
    index, directory = task
    Path(directory, f"{index}-{time.monotonic_ns()}").touch()
    time.sleep(0.15)
    return index * index


@contextlib.contextmanager
def hastened(chunk: str = "") -> Iterator[None]:
    """Let leases expire soon: SQS's clock is the emulator's, thirty seconds.

    A living worker's, too: so where something hangs on how often a task ran, this comes once its
    worker is dead, and names the chunk that this one had. Who has it then keeps it.
    """
    from moto.sqs.models import sqs_backends  # noqa: PLC0415 - only where the server runs

    (queue,) = sqs_backends["123456789012"][REGION].queues.values()
    counts = {m.id: m.approximate_receive_count for m in queue._messages if chunk in m.body}
    over = threading.Event()

    def hasten() -> None:
        while not over.wait(0.5):
            for message in list(queue._messages):
                seen = counts.get(message.id)
                if not chunk or message.approximate_receive_count == seen:
                    message.visible_at = min(message.visible_at, time.time() * 1000 + 2000)

    clock = threading.Thread(target=hasten)
    clock.start()
    try:
        yield
    finally:
        over.set()
        clock.join()


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
def test_workers_struck_in_mid_chunk_lose_nothing_and_commit_nothing_twice(
    processes: Processes, tmp_path: Path, blow: signal.Signals
) -> None:
    connection = processes.connection()
    begun = tmp_path / "begun"
    begun.mkdir()
    options = SessionOptions(workers=2, idle_timeout=60, attempts=9)
    session = open_session(connection, options, progress=False)
    keys, url = session.manifest.keys, queue_url(session)
    with hastened():
        session.map(note, [(i, str(begun)) for i in range(TASKS)])
        flush(session)
        for round_ in range(4):
            workers = [processes.launch(keys, url) for _ in range(2)]
            if round_ < 3:
                _await_starts(begun, len(list(begun.iterdir())) + 3)
                for worker in workers:
                    worker.send_signal(blow)
                    worker.wait(PATIENCE)
        results = [future.result(timeout=PATIENCE) for future in session.futures]
    assert results == [i * i for i in range(TASKS)]
    processes.judge(keys)
    session.cleanup()


def test_a_worker_killed_between_its_put_and_its_delete_costs_nothing(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.sqs.models import SQSBackend  # noqa: PLC0415 - only where the server runs

    asked, struck = threading.Event(), threading.Event()
    delete = SQSBackend.delete_message

    def late(backend: SQSBackend, *args: Any, **words: Any) -> None:
        if struck.is_set():
            delete(backend, *args, **words)
            return
        asked.set()
        struck.wait(PATIENCE)  # who asked is dead by then, and the message is as it was

    monkeypatch.setattr(SQSBackend, "delete_message", late)
    fleet = processes.fleet
    options = SessionOptions(workers=1, idle_timeout=60)
    session = open_session(processes.connection(), options, progress=False)
    keys, url = session.manifest.keys, queue_url(session)
    try:
        future = session.submit(note, (3, str(tmp_path)))
        flush(session)
        worker = processes.launch(keys, url)
        assert asked.wait(PATIENCE)
        # It is committed, and its message is still there.
        assert future.result(timeout=PATIENCE) == 9
        worker.kill()
        worker.wait()
        struck.set()
        with hastened():
            processes.launch(keys, url)
            _await_empty(fleet, url)
    finally:
        struck.set()
    assert len(list(tmp_path.glob("3-*"))) == 1  # nothing ran again
    processes.judge(keys)
    session.cleanup()


def hold_on(task: tuple[int, str]) -> int:
    """Say which worker runs the task; the first one goes on only when it is told."""
    index, directory = task
    Path(directory, f"{index}-{os.getppid()}-{time.monotonic_ns()}").touch()
    while index == 0 and not Path(directory, "told").exists():
        time.sleep(0.02)
    return index * index


def test_a_worker_killed_right_after_an_early_commit_loses_nothing_of_what_it_was_to_hand_on(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its long task runs, its node stands, and no message speaks of what follows."""
    from moto.sqs.models import SQSBackend  # noqa: PLC0415 - only where the server runs

    asked, struck = threading.Event(), threading.Event()
    send = SQSBackend.send_message_batch

    def late(backend: SQSBackend, *args: Any, **words: Any) -> Any:
        if "p000001-00000" in str((args, words)) and not struck.is_set():
            asked.set()
            struck.wait(PATIENCE)
            raise ConnectionAbortedError  # who asked is dead by then
        return send(backend, *args, **words)

    begun = tmp_path / "begun"
    begun.mkdir()
    fleet = processes.fleet
    options = SessionOptions(workers=2, idle_timeout=60)
    session = open_session(processes.connection(), options, progress=False)
    keys, url = session.manifest.keys, queue_url(session)
    try:
        with in_one_pack(session):  # one pack, of chunks of two tasks
            futures = session.map(hold_on, [(i, str(begun)) for i in range(10)])
        flush(session)
        monkeypatch.setattr(SQSBackend, "send_message_batch", late)
        workers = [processes.launch(keys, url) for _ in range(2)]
        assert asked.wait(PATIENCE)
        (first,) = begun.glob("0-*")
        (holder,) = (w for w in workers if w.pid == int(first.name.split("-")[1]))
        holder.kill()
        holder.wait()
        struck.set()
        with hastened("p000001-00000"):
            (begun / "told").touch()
            results = [future.result(timeout=PATIENCE) for future in futures]
            _await_empty(fleet, url)
    finally:
        struck.set()
    assert results == [i * i for i in range(10)]
    runs = [len(list(begun.glob(f"{i}-*"))) for i in range(10)]
    assert runs == [2, *[1] * 9]
    placed = fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{keys.results}p000001-00000/")
    assert [entry["Key"].rsplit("/", 1)[1] for entry in placed["Contents"]] == [
        "000000-000001",
        "000000-000002",
        "000001-000002",
    ]
    processes.judge(keys)
    session.cleanup()


@pytest.mark.parametrize("skew", [-900, 900])
def test_without_any_controller_a_worker_whose_clock_is_wrong_ends_when_its_session_has(
    processes: Processes, tmp_path: Path, skew: int
) -> None:
    wrong = f"import time; right = time.time; time.time = lambda: right() + {skew}"
    (tmp_path / "sitecustomize.py").write_text(wrong)
    options = SessionOptions(workers=1, idle_timeout=3600)
    session = open_session(processes.connection(), options, progress=False)
    end = int(time.time()) + 3
    worker = processes.launch(
        session.manifest.keys,
        queue_url(session),
        PYTHONPATH=str(tmp_path),
        **{WorkerVariable.DEADLINE: str(end - OVERDUE_SECONDS)},
    )
    assert worker.wait(PATIENCE) == 0
    said = [json.loads(line) for line in processes.log.read_text().split("\n") if line[:1] == "{"]
    at = {line["event"]: line["at"] - skew for line in said}
    assert end <= at["ends itself"] <= at["stopped"]
    session.cleanup()


def _await_empty(fleet: Fleet, url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        said = fleet.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        if not any(int(said[name]) for name in counts):
            return
        assert time.monotonic() < deadline, "a message stays in the queue"
        time.sleep(0.1)


def _await_starts(directory: Path, count: int) -> None:
    """Wait until so many tasks have begun; fail where they do not."""
    deadline = time.monotonic() + PATIENCE
    while len(list(directory.iterdir())) < count:
        assert time.monotonic() < deadline, "no task begins"
        time.sleep(0.02)

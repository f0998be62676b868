"""One run: a session, a fleet that dies and is replaced, a client that may die too."""

from __future__ import annotations

import base64
import contextlib
import functools
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TypeVar
from unittest import mock

import boto3
from moto import mock_aws

from starburst.client.attaching import attach_session
from starburst.client.connection import Connection
from starburst.client.options import SessionOptions
from starburst.client.session import Session, open_session
from starburst.contract import Limits, RuntimeDocument, SessionKeys, WorkspaceDocument
from starburst.errors import SessionError, StarburstError
from starburst.result_nodes import Batch, ResultNode, node_key
from starburst.session_key import SessionKey
from starburst.worker.lease import Lease, Leases
from starburst.worker.span import Span
from starburst.worker.store import Store
from starburst.worker.supervisor import Supervisor
from tests.runtime.fleet import BUCKET, REGION, Fleet

from .history import History, check
from .injector import CANARY, FaultyS3, FaultySQS, Killed, Sky, leased
from .plan import Plan
from .workload import expected, perform

__all__ = ["document", "run"]

_WORKERS: Final = 2
_SPOILED_CHUNK: Final = 1
_PATIENCE: Final = 60.0
_TRIES: Final = 20

_T = TypeVar("_T")


class _Struck(Supervisor):
    """A worker to which SIGTERM and SIGKILL may come while a range is in its hands."""

    sky: Sky
    hands: FaultySQS

    def _run(self, lease: Lease) -> Span | None:
        if self.sky.plan.strikes("told-to-stop", leased(lease.message)):
            self.stop(15, None)
        return super()._run(lease)

    def _span(self, lease: Lease, chunk: Any) -> Span:
        span = super()._span(lease, chunk)
        keep = span.tick

        def tick() -> None:
            self.hands.strike_dead("while it runs", leased(lease.message))
            keep()

        span.tick = tick
        return span


class World:
    """Everything of one run."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        self.plan = plan
        self.directory = directory
        s3, sqs, kms = _clients()
        s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        arn = kms.create_key()["KeyMetadata"]["Arn"]
        self.sky = Sky(s3=s3, sqs=sqs, plan=plan)
        self.fleet = Fleet(s3=s3, sqs=sqs, kms=kms, key_arn=arn, launch=False)
        self.over = threading.Event()
        self.client_may_die = threading.Event()
        self.client_died = threading.Event()
        self.workers: list[threading.Thread] = []
        self.errors: list[BaseException] = []

    def connection(self, *, doomed: bool = False) -> Connection:
        """Return a fresh client's connection; a doomed one dies where it queues tasks."""

        def dies(_: str) -> bool:
            if doomed and self.client_may_die.is_set():
                self.client_died.set()
                return True
            return False

        return Connection(
            document=document(self.fleet.key_arn),
            workspace="study",
            user="alice",
            s3=FaultyS3(self.sky, "client", mortal=False),  # type: ignore[arg-type]
            sqs=FaultySQS(self.sky, "client", mortal=False, doomed=dies),  # type: ignore[arg-type]
            kms=self.fleet.kms,
            functions=self.fleet,  # type: ignore[arg-type]
        )

    def launch(self, keys: SessionKeys, url: str, *, number: int) -> None:
        """Start a worker in a thread; should it die, another takes its place."""
        thread = threading.Thread(target=self._live, args=(keys, url, number), daemon=True)
        self.workers.append(thread)
        thread.start()

    def _live(self, keys: SessionKeys, url: str, number: int) -> None:
        life = 0
        while not self.over.is_set():
            life += 1
            hands = FaultySQS(self.sky, f"worker {number}.{life}", mortal=True)
            try:
                self._supervisor(keys, url, hands).run()
            except (Killed, SessionError):
                continue  # dead, or AWS failed it too often: the controller replaces it
            except Exception as error:
                self.errors.append(error)
                return
            finally:
                for receipt in list(hands.held):
                    self.sky.expire(url, receipt)

    def _supervisor(self, keys: SessionKeys, url: str, hands: FaultySQS) -> Supervisor:
        with self.sky.lock:
            manifest = self.fleet.manifest(keys)
            key = SessionKey.unwrap(self.fleet.kms, self.fleet.key_arn, manifest, signing=False)
        s3: Any = FaultyS3(self.sky, hands.who, mortal=True, held=hands.held)
        sqs: Any = hands
        public = base64.b64decode(manifest.public_key)
        store = Store(s3, BUCKET, keys=keys, key=key.data, public=public)
        worker = _Struck(manifest, Leases(sqs, url), store=store, worker=hands.who)
        worker.sky, worker.hands = self.sky, hands
        return worker

    def spoil(self, session: Session) -> range:
        """Damage in S3 what the plan says; return the numbers of the tasks that it costs."""
        if not self.plan.spoiled:
            return range(0)
        entry = session._ledger.open_entries[_SPOILED_CHUNK]
        keys = session.manifest.keys
        place = keys.inputs + entry.name.partition("-")[0]
        if self.plan.spoiled == "input":
            body = bytearray(self.sky.s3.get_object(Bucket=BUCKET, Key=place)["Body"].read())
            body[entry.offset + entry.length // 2] ^= 1
            self.sky.s3.put_object(Bucket=BUCKET, Key=place, Body=bytes(body))
        else:
            key = node_key(keys, entry.name, lo=0, hi=entry.tasks)
            body = self._wrong_node(session, entry.tasks)
            self.sky.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return range(entry.first, entry.first + entry.tasks)

    def _wrong_node(self, session: Session, tasks: int) -> bytes:
        if self.plan.spoiled == "forged":
            return b"\x80\x04" + CANARY * 20
        node = ResultNode(
            lo=0,
            hi=tasks,
            covered=tasks,
            children=(),
            batches=[Batch(first=0, count=tasks, format="data", parts=[CANARY])],
            failures={},
        )
        sealed = node.seal(
            session=session.id, chunk="p000001-00099", key=session._collector._key, attempt=1
        )
        return bytes(sealed if self.plan.spoiled == "swapped" else sealed[: len(sealed) // 2])

    def attach(self, session: str) -> Session:
        """Attach as a person does: again, where it failed."""
        return _insist(lambda: attach_session(self.connection(), session, progress=False))

    def play(self) -> History:
        """Run the plan to its end and return what happened."""
        plan = self.plan
        options = SessionOptions(
            workers=_WORKERS,
            idle_timeout=60,
            attempts=plan.attempts,
            timeout=2 if plan.hangs else None,
        )
        connection = self.connection(doomed=plan.client_dies)
        session = _insist(lambda: open_session(connection, options, progress=False))
        tasks = [(i, kind, str(self.directory)) for i, kind in enumerate(plan.kinds)]
        half = len(tasks) // 2
        session.map(perform, tasks[:half])
        session._dispatcher.flush()
        spoiled = self.spoil(session)
        keys = session.manifest.keys
        url = session._queue_url()
        for number in range(_WORKERS):
            self.launch(keys, url, number=number)
        self.client_may_die.set()
        session.map(perform, tasks[half:])
        if plan.client_dies:
            assert self.client_died.wait(_PATIENCE), "the client did not get to send"
            session._collector.close()
            session = self.attach(session.id)
        outcomes = [_outcome(future, _PATIENCE) for future in session.futures]
        waiting = self._settle(url)
        history = History(
            plan=plan,
            expected=[
                expected(i, "spoiled" if i in spoiled else kind)
                for i, kind in enumerate(plan.kinds)
            ],
            outcomes=outcomes,
            chunks=dict(session._ledger._chunks),
            keys=keys,
            key=session._collector._key,
            s3=self.sky.s3,
            deliveries=list(self.sky.deliveries),
            directory=self.directory,
            waiting=waiting,
            errors=self.errors,
        )
        self.over.set()
        plan.calm = True
        session.cleanup()
        for worker in self.workers:
            worker.join(_PATIENCE)
        return history

    def _settle(self, url: str) -> int:
        """Wait until no message is left; return how many were, when patience ended."""
        deadline = time.monotonic() + _PATIENCE / 4
        while True:
            with self.sky.changed:
                said = self.sky.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
                counts = said["Attributes"]
                left = len(self.sky.late) + sum(
                    int(counts[f"ApproximateNumberOfMessages{which}"])
                    for which in ("", "NotVisible")
                )
                if not left or time.monotonic() > deadline:
                    return left
                self.sky.changed.wait(0.2)


@functools.cache
def _clients() -> tuple[Any, Any, Any]:
    """Return clients of S3, SQS and KMS; moto plays all of them, in each run anew."""
    aws = boto3.session.Session(
        region_name=REGION, aws_access_key_id="nemesis", aws_secret_access_key="nemesis"
    )
    return aws.client("s3"), aws.client("sqs"), aws.client("kms")


def _insist(act: Callable[[], _T]) -> _T:
    """Act as a person does who is told that AWS failed: again."""
    for _ in range(_TRIES):
        with contextlib.suppress(StarburstError):
            return act()
    return act()


def _outcome(future: Any, seconds: float) -> object:
    try:
        return future.exception(seconds) or future.result()
    except TimeoutError:
        return "never ended"


def document(key_arn: str) -> RuntimeDocument:
    """Return the runtime document of the run's environment."""
    return RuntimeDocument(
        environment="test",
        account="123456789012",
        region=REGION,
        bucket=BUCKET,
        key_arn=key_arn,
        controller="arn:aws:lambda:eu-west-1:123456789012:function:starburst-test-controller",
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        architecture="X86_64",
        workspaces={
            "study": WorkspaceDocument(
                analyst_role_arn="arn:aws:iam::123456789012:role/analyst",
                task_definition="study",
                limits=Limits(),
            )
        },
    )


@contextlib.contextmanager
def _hurried(plan: Plan) -> Iterator[None]:
    """Shorten what the runtime waits for, and set its clocks wrong; patience is not tested here."""
    skewed = SimpleNamespace(time=lambda: time.time() + plan.skew)
    patches = [
        mock.patch("starburst.worker.supervisor._FIRST_PAUSE", 0.0001),
        mock.patch("starburst.worker.supervisor.log"),
        mock.patch("starburst.worker.span._BUDGET_SECONDS", 0.05),
        mock.patch("starburst.worker.span.MAX_RESULT_BYTES", 1 << 20),
        mock.patch("starburst.client.collect._SILENCE_SECONDS", 0.5),
        mock.patch("starburst.client.session.time", skewed),
        mock.patch("moto.kms.models.generate_private_key"),  # slow, and of no use to this key
    ]
    if not plan.inline:
        patches.append(mock.patch("starburst.chunks.INLINE_BYTES", 0))
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        stack.enter_context(_canary())
        yield


@contextlib.contextmanager
def _canary() -> Iterator[None]:
    """Fail whoever gives a parser bytes that carry the canary."""
    import pickle  # noqa: PLC0415

    import msgpack  # noqa: PLC0415

    def watched(parse: Any) -> Any:
        def watch(data: Any, *args: Any, **words: Any) -> Any:
            if CANARY in bytes(data):
                os.abort()  # louder than any exception that could be swallowed
            return parse(data, *args, **words)

        return watch

    with (
        mock.patch("msgpack.unpackb", watched(msgpack.unpackb)),
        mock.patch("pickle.loads", watched(pickle.loads)),
    ):
        yield


def run(seed: int) -> tuple[History, list[str]]:
    """Run one seed; return what happened, and what was wrong with it."""
    plan = Plan(seed)
    with tempfile.TemporaryDirectory() as directory, mock_aws(), _hurried(plan):
        history = World(plan, Path(directory)).play()
        return history, check(history)

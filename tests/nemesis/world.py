"""One run: a session, a fleet that dies and is replaced, a client that may die too."""

from __future__ import annotations

import base64
import contextlib
import functools
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import boto3
from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.attaching import attach_session
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.session_key import SessionKey
from starburst.contract import (
    CONTROL_PREFIX,
    Limits,
    RuntimeDocument,
    SessionKeys,
    WorkspaceDocument,
)
from starburst.errors import SessionError, StarburstError
from starburst.worker.child.range_run import Span
from starburst.worker.leases.lease import Lease, Leases, Request
from starburst.worker.objects.store import Store
from starburst.worker.supervisor import Supervisor
from tests.quick_moto import quick_aws
from tests.runtime.fleet import BUCKET, REGION
from tests.session_internals import chunks, core, data_key, flush, in_one_pack, queue_url

from .cloud import Cloud, Ending
from .forked_children import children
from .history import History, check
from .injector import Fatal, FaultyS3, FaultySQS, Killed, Sky, leased
from .instrumentation import hurried
from .lasting_damage import spoil
from .plan import Plan
from .workload import expected, fatal, perform

__all__ = ["document", "run"]

_WORKERS: Final = 2
_USER: Final = "alice"
_NEIGHBOUR: Final = "bob"
_NEIGHBOURS_TASKS: Final = 4
_PATIENCE: Final = 60.0
_VAIN_SWEEPS: Final = 12
_HANG_SECONDS: Final = 0.1
"""The time limit of a task that hangs; on a slow machine the others may take longer."""

_TRIES: Final = 20
_LONGEST_SESSION: Final = 8 * 86_400.0

_T = TypeVar("_T")


class _Struck(Supervisor):
    """A worker to which SIGTERM and SIGKILL may come while a range is in its hands."""

    world: World
    hands: FaultySQS
    told: Callable[[], bool]

    def _wait_for_work(self, seconds: float) -> Lease | Request | None:
        self._listen()
        return None if self._last is not None else super()._wait_for_work(seconds)

    def _run(self, lease: Lease) -> Span | None:
        if self.world.plan.strikes("told-to-stop", leased(lease.message)):
            self.stop(15, None)
        return super()._run(lease)

    def _span(self, lease: Lease, chunk: Any) -> Span:
        span = super()._span(lease, chunk)
        keep, patient = span.tick, span.manifest
        impatient = replace(patient, task_timeout_seconds=_HANG_SECONDS)

        def tick() -> None:
            self._listen()
            if self._child is not None:
                mark = fatal(self.world.directory, self._child._process.pid)
                if mark.exists():
                    raise Fatal
                running = self._child.board.running()
                hangs = running is not None and self._kind(span.first + running[0]) == "hang"
                span.manifest = impatient if hangs else patient
            self.hands.strike_dead("while it runs", leased(lease.message))
            keep()

        span.tick = tick
        return span

    def _kind(self, number: int) -> str:
        mine = self._manifest.keys.user == _USER
        return self.world.plan.kinds[number] if mine else "square"

    def _listen(self) -> None:
        """Hear SIGTERM: ECS was asked to stop this task."""
        if self._last is None and self.told():
            self.stop(15, None)


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
        self.kms = kms
        self.document = document(kms.create_key()["KeyMetadata"]["Arn"])
        self.sky = Sky(s3=s3, sqs=sqs, plan=plan)
        self.cloud = Cloud(self.sky, self.document, _WORKERS, self._live)
        self.client_may_die = threading.Event()
        self.client_died = threading.Event()
        self.errors: list[BaseException] = []
        self.erased = "nothing/"

    def connection(self, *, user: str = _USER, doomed: bool = False) -> Connection:
        """Return a fresh client's connection; a doomed one dies where it queues tasks."""

        def dies(_: str) -> bool:
            if doomed and self.client_may_die.is_set():
                self.client_died.set()
                return True
            return False

        return Connection(
            document=self.document,
            workspace="study",
            user=user,
            s3=FaultyS3(self.sky, "client", mortal=False),  # type: ignore[arg-type]
            sqs=FaultySQS(self.sky, "client", mortal=False, doomed=dies),  # type: ignore[arg-type]
            kms=self.kms,
            functions=self.cloud,  # type: ignore[arg-type]
            timings=Timings(silence_seconds=1.0),
        )

    def _live(self, task: Mapping[str, Any], keys: SessionKeys, url: str) -> Ending:
        """Be one worker, from its first breath to its last."""
        if self.plan.strikes("unfit", "a worker"):
            return Ending(exit_code=1)
        hands = FaultySQS(self.sky, f"worker {int(task['taskArn'][-32:], 16)}", mortal=True)
        hands.task = str(task["taskArn"])[-32:]
        worker = self._supervisor(keys, url, hands)
        worker.told = lambda: task["desiredStatus"] == "STOPPED"
        try:
            worker.run()
        except Fatal:
            return Ending(exit_code=137, reason="OutOfMemoryError: Container killed")
        except Killed:
            return Ending(exit_code=137) if self.plan.blame() else Ending.taken()
        except SessionError:
            return Ending(exit_code=1)  # AWS failed it too often
        except Exception as error:
            self.errors.append(error)
            return Ending(exit_code=1)
        finally:
            for receipt in list(hands.held):
                self.sky.expire(url, receipt)
        return Ending()

    def _supervisor(self, keys: SessionKeys, url: str, hands: FaultySQS) -> _Struck:
        with self.sky.lock:
            body = self.sky.s3.get_object(Bucket=BUCKET, Key=keys.manifest)["Body"].read()
            manifest = Manifest.from_json(body)
            key = SessionKey.unwrap(self.kms, self.document.key_arn, manifest, signing=False)
        s3: Any = FaultyS3(
            self.sky,
            hands.who,
            mortal=True,
            held=hands.held,
            dead=hands.dead,
            folder=keys.prefix,
        )
        sqs: Any = hands
        public = base64.b64decode(manifest.public_key)
        store = Store(s3, BUCKET, keys=keys, key=key.data, public=public)
        worker = _Struck(manifest, Leases(sqs, url), store=store, worker=hands.task)
        worker.world, worker.hands = self, hands
        hands.committing = lambda: worker._behind.lease
        return worker

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
            timeout=_PATIENCE if plan.hangs else None,
        )
        connection = self.connection(doomed=plan.client_dies)
        session = _insist(lambda: open_session(connection, options, progress=False))
        tasks = [(i, kind, str(self.directory)) for i, kind in enumerate(plan.kinds)]
        half = len(tasks) // 2
        _submit(session, tasks[:half])
        flush(session)
        spoiled = spoil(session, plan.spoiled, self.sky.s3)
        neighbour = self._neighbour() if plan.neighbour else None
        self.cloud.ready.set()
        self.client_may_die.set()
        _submit(session, tasks[half:])
        if plan.client_dies:
            assert self.client_died.wait(_PATIENCE), "the client did not get to send"
            core(session).collector.close()
            session = self.attach(session.id)
        beside = [] if neighbour is None else self._part_from(neighbour)
        outcomes = [self._outcome(future) for future in session.futures]
        url = queue_url(session)
        waiting = self._settle(url)
        history = History(
            plan=plan,
            expected=[
                expected(i, "spoiled" if i in spoiled else kind)
                for i, kind in enumerate(plan.kinds)
            ],
            outcomes=outcomes,
            collected=[_collected(session) for _ in range(2)],
            chunks=dict(chunks(session)),
            keys=session.manifest.keys,
            key=data_key(session),
            s3=self.sky.s3,
            deliveries=[name for queue, name in self.sky.deliveries if queue == url],
            sent=Counter({name: n for (queue, name), n in self.sky.sent.items() if queue == url}),
            directory=self.directory,
            waiting=waiting,
            errors=self.errors,
            most_workers=(self.cloud.most, _WORKERS),
        )
        history.wrong = check(history) + beside
        history.wrong += self._end(session)
        history.wrong += [f"the controller raised {error!r}" for error in self.cloud.errors]
        return history

    def _neighbour(self) -> Session:
        """Open another user's session, with tasks of its own."""
        place = self.directory / _NEIGHBOUR
        place.mkdir()
        options = SessionOptions(workers=_WORKERS, idle_timeout=60, attempts=self.plan.attempts)
        connection = self.connection(user=_NEIGHBOUR)
        session = _insist(lambda: open_session(connection, options, progress=False))
        _submit(session, [(i, "square", str(place)) for i in range(_NEIGHBOURS_TASKS)])
        return session

    def _part_from(self, neighbour: Session) -> list[str]:
        """Erase the other session in the middle of the run; return what was wrong with it."""
        outcomes = [self._outcome(future) for future in neighbour.futures]
        _insist(lambda: neighbour.cleanup(force=True))
        self.erased = neighbour.manifest.keys.prefix
        wanted = [expected(i, "square") for i in range(_NEIGHBOURS_TASKS)]
        return [] if outcomes == wanted else [f"the neighbour's tasks ended with {outcomes}"]

    def _outcome(self, future: Future[Any]) -> object:
        """Wait for a task's end; give up where nothing at all happens any more."""
        vain = self._vain()
        while not vain():
            with contextlib.suppress(TimeoutError):
                return future.exception(1.0) or future.result()
        return "never ended"

    def _vain(self) -> Callable[[], bool]:
        """Return what says whether there was a minute, and many a sweep, without any lease."""
        seen, sweeps, since = -1, 0, 0.0

        def vain() -> bool:
            nonlocal seen, sweeps, since
            if len(self.sky.deliveries) != seen:
                seen, sweeps, since = len(self.sky.deliveries), self.cloud.sweeps, time.monotonic()
            late = time.monotonic() - since > _PATIENCE
            return late and self.cloud.sweeps - sweeps > _VAIN_SWEEPS

        return vain

    def _end(self, session: Session) -> list[str]:
        """End the session, or let its deadline do so; return what two sweeps left behind.

        Sessions whose start the client gave up must be gone by then too.
        """
        self.plan.calm = True
        self.cloud.close()
        if self.plan.client_leaves:
            session.detach()
        else:
            session.cleanup()
        self.cloud.pass_time(_LONGEST_SESSION)
        self.cloud.sweep()
        self.cloud.sweep()
        wrong = [f"nobody told {t['taskArn']} to stop" for t in self.cloud.staying]
        for thread in self.cloud.threads:
            thread.join(_PATIENCE)
        self.cloud.sweep()
        wrong += [
            f"{task['taskArn']} never stopped"
            for task in self.cloud.tasks.values()
            if task["lastStatus"] != "STOPPED"
        ]
        wrong += [f"{url} still exists" for url in self.sky.sqs.list_queues().get("QueueUrls", [])]
        records = self.sky.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{CONTROL_PREFIX}active/")
        wrong += [f"{entry['Key']} is still active" for entry in records.get("Contents", [])]
        erased = self.sky.s3.list_object_versions(Bucket=BUCKET, Prefix=self.erased)
        left = {entry["Key"] for entry in erased.get("Versions", [])}
        # A sweep may look while objects are erased; the status it writes tells of no task.
        wrong += [f"{key} was erased" for key in left if not key.endswith("/status.json")]
        wrong += [f"process {pid} still runs a task" for pid in children()]
        return wrong

    def _settle(self, url: str) -> int:
        """Wait until no message is left; return how many were, when nothing happened any more."""
        vain = self._vain()
        while True:
            self.sky.reveal()
            with self.sky.changed:
                try:
                    said = self.sky.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
                except ClientError:
                    return 0  # it went with its session, whose tasks say so
                counts = said["Attributes"]
                left = len(self.sky.late) + sum(
                    int(counts[f"ApproximateNumberOfMessages{which}"])
                    for which in ("", "NotVisible")
                )
                if not left or vain():
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


def _submit(session: Session, tasks: Sequence[tuple[int, str, str]]) -> None:
    """Submit tasks as one pack, however slowly: a client that dies with the first has sent all."""
    with in_one_pack(session):
        session.map(perform, tasks)


def _collected(session: Session) -> list[object]:
    return session.collect(timeout=_PATIENCE, return_exceptions=True)


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
                limits=Limits(timeout_seconds=7 * 86_400),
                worker_role_arn="arn:aws:iam::123456789012:role/worker",
            )
        },
    )


def run(seed: int) -> tuple[History, list[str]]:
    """Run one seed; return what happened, and what was wrong with it."""
    plan = Plan(seed)
    with tempfile.TemporaryDirectory() as directory, quick_aws(), hurried(plan):
        history = World(plan, Path(directory)).play()
        return history, history.wrong

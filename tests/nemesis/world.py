"""One run: a session, a fleet that dies and is replaced, a client that may die too."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst.contract import CONTROL_PREFIX, SessionKeys, queue_name
from starburst.controller.state.timings import Timings as ControllerTimings
from starburst.errors import SessionError, StarburstError
from starburst.worker.child.process import Child
from starburst.worker.settings.timings import Timings
from tests.quick_moto import quick_aws
from tests.runtime.fleet import BUCKET
from tests.session_internals import chunks, core, data_key, flush, in_one_pack

from .abandoned import abandon
from .clock import Clock, children_of, running
from .cloud import Cloud, Ending
from .controllers_aws import Line
from .environment import clients, document
from .faulty import Fatal, Killed
from .faulty_s3 import FaultyS3
from .faulty_sqs import FaultySQS
from .forked_children import children, fork_server, popen
from .history import History, check
from .instrumentation import CLIENT_TIMINGS, CONTROLLER_TIMINGS, WORKER_TIMINGS, instrumented
from .lasting_damage import damage
from .order.notes import Notes, What
from .order.rules import broken
from .order.story import Story
from .plan import Plan
from .sky import Sky
from .watching import watched
from .workers import USER, Erased, Signals, worker
from .workload import expected, perform

__all__ = ["World", "run"]

_WORKERS: Final = 2
_NEIGHBOUR: Final = "bob"
_NEIGHBOURS_TASKS: Final = 4
_PATIENCE: Final = 600.0
"""Real seconds, for what is only ever slow."""

_VAIN_SECONDS: Final = 8 * 3600.0
"""Each request to send again that comes to nothing makes the next one wait twice as long."""

_IDLE_SECONDS: Final = 300
_SETTLE_SECONDS: Final = 15.0
_TRIES: Final = 20
_MINUTE: Final = 60.0
_TRY_SECONDS: Final = 30.0
_LONGEST_SESSION: Final = 8 * 86_400.0

_T = TypeVar("_T")


class World:
    """Everything of one run.

    Args:
        plan: what happens in it.
        directory: where tasks leave marks.
        clock: its time.
        notes: of what happens in it.
        worker_timings, controller_timings: what these wait for.
        start_child: starts the process that runs a worker's tasks.
    """

    def __init__(
        self,
        plan: Plan,
        directory: Path,
        *,
        clock: Clock,
        notes: Notes | None = None,
        worker_timings: Timings | None = None,
        controller_timings: ControllerTimings | None = None,
        start_child: Callable[[], Child] = Child,
    ) -> None:
        self.plan = plan
        self._others = frozenset(children())
        self.directory = directory
        self._worker_timings = worker_timings or Timings()
        self._start_child = start_child
        s3, sqs, kms = clients()
        s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.kms = kms
        self.document = document(kms.create_key()["KeyMetadata"]["Arn"])
        self.sky = Sky(
            s3=s3, sqs=sqs, plan=plan, clock=clock, notes=notes or Notes(clock.monotonic)
        )
        clock.working = lambda: self.sky.in_real_time > 0
        self.cloud = Cloud(
            self.sky,
            self.document,
            self._live,
            timings=controller_timings or ControllerTimings(),
        )
        self._clients = itertools.count(1)
        self.client_may_die = threading.Event()
        self.client_died = threading.Event()
        self.errors: list[BaseException] = []
        self.erased = "nothing/"
        self.late: list[float] = []

    def connection(self, *, user: str = USER, dying: bool = False) -> Connection:
        """Return a fresh client's connection; one that is dying ends where it queues tasks."""
        who = f"client {next(self._clients)}"

        def dies(_: str) -> bool:
            if dying and self.client_may_die.is_set():
                self.client_died.set()
                return True
            return False

        return Connection(
            document=self.document,
            workspace="study",
            user=user,
            s3=FaultyS3(self.sky, who, mortal=False),  # type: ignore[arg-type]
            sqs=FaultySQS(self.sky, who, mortal=False, dies=dies),  # type: ignore[arg-type]
            kms=self.kms,
            functions=Line(self.cloud, who),  # type: ignore[arg-type]
            timings=CLIENT_TIMINGS,
            renews=True,
        )

    def _live(self, task: Mapping[str, Any], keys: SessionKeys, url: str) -> Ending:
        """Be one worker, from its start to its end."""
        if self.plan.strikes("unfit", "a worker"):
            return Ending(exit_code=1)
        hands = FaultySQS(self.sky, f"worker {int(task['taskArn'][-32:], 16)}", mortal=True)
        hands.task = str(task["taskArn"])[-32:]
        self.sky.notes.be(hands.who)
        signals, timings = (
            Signals(told=lambda: task["desiredStatus"] == "STOPPED"),
            self._worker_timings,
        )
        try:
            made = worker(
                self.sky,
                hands,
                self.kms,
                document=self.document,
                keys=keys,
                url=url,
                directory=self.directory,
                signals=signals,
                timings=timings,
                start_child=self._start_child,
            )
            with watched(hands, keys, task, signals=signals, timings=timings):
                made.run()
        except Fatal:
            return Ending(exit_code=137, reason="OutOfMemoryError: Container killed")
        except Killed:
            return Ending(exit_code=137) if self.plan.blame() else Ending.taken()
        except (SessionError, Erased):
            return Ending(exit_code=1)  # AWS failed it too often, or it had no session any more
        except Exception as error:
            self.errors.append(error)
            return Ending(exit_code=1)
        finally:
            hands.held.clear()
        return Ending()

    def attach(self, session: str) -> Session:
        """Attach as a person does: again where it failed."""
        return self._insist(lambda: attach_session(self.connection(), session, progress=False))

    def play(self) -> History:
        """Run the plan to its end and return what happened."""
        plan = self.plan
        options = SessionOptions(
            workers=_WORKERS,
            idle_timeout=_IDLE_SECONDS,
            attempts=plan.attempts,
            timeout=60 if plan.hangs else None,
        )
        connection = self.connection(dying=plan.client_dies)
        session = self._insist(lambda: open_session(connection, options, progress=False))
        tasks = [(i, kind, str(self.directory)) for i, kind in enumerate(plan.kinds)]
        half = len(tasks) // 2
        _submit(session, tasks[:half])
        flush(session)
        damaged = damage(session, plan.damaged, self.sky.s3)
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
        queue = queue_name(self.document.environment, "study", session.id)
        waiting = self._settle(queue)
        history = History(
            plan=plan,
            expected=[
                expected(i, "damaged" if i in damaged else kind)
                for i, kind in enumerate(plan.kinds)
            ],
            outcomes=outcomes,
            collected=[_collected(session) for _ in range(2)],
            chunks=dict(chunks(session)),
            keys=session.manifest.keys,
            key=data_key(session),
            s3=self.sky.s3,
            deliveries=[name for url, name in self.sky.deliveries if url.endswith(f"/{queue}")],
            sent=Counter(
                {n: count for (url, n), count in self.sky.sent.items() if url.endswith(f"/{queue}")}
            ),
            directory=self.directory,
            waiting=waiting,
            errors=self.errors,
            most_workers=(self.cloud.most, _WORKERS),
        )
        history.wrong = check(history) + beside
        history.wrong += self.end(session)
        history.late = self.late
        history.wrong += [f"the controller raised {error!r}" for error in self.cloud.errors]
        history.wrong += broken(Story.of(self.sky.notes))
        return history

    def note(self, session: Session, what: What) -> None:
        """Note what a session's user did, or was told."""
        s3: Any = core(session).connection.s3
        self.sky.notes.add(s3.who, what, session=session.id)

    def _neighbour(self) -> Session:
        """Open another user's session, with tasks of its own."""
        place = self.directory / _NEIGHBOUR
        place.mkdir()
        options = SessionOptions(
            workers=_WORKERS, idle_timeout=_IDLE_SECONDS, attempts=self.plan.attempts
        )
        connection = self.connection(user=_NEIGHBOUR)
        session = self._insist(lambda: open_session(connection, options, progress=False))
        _submit(session, [(i, "square", str(place)) for i in range(_NEIGHBOURS_TASKS)])
        return session

    def _part_from(self, neighbour: Session) -> list[str]:
        """Erase the other session in the middle of the run; return what was wrong with it."""
        outcomes = [self._outcome(future) for future in neighbour.futures]
        self.note(neighbour, What.WANTS_ERASED)
        self._insist(lambda: neighbour.cleanup(force=True))
        self.note(neighbour, What.CLEANED_UP)
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
        """Return what says whether there were eight hours, of the run, without any lease."""
        seen, since = -1, 0.0

        def vain() -> bool:
            nonlocal seen, since
            if len(self.sky.deliveries) != seen:
                seen, since = len(self.sky.deliveries), self.sky.clock.monotonic()
            return self.sky.clock.monotonic() - since > _VAIN_SECONDS

        return vain

    def _insist(self, act: Callable[[], _T]) -> _T:
        """Act as a person does who is told that AWS failed: again, after a while."""
        for _ in range(_TRIES):
            with contextlib.suppress(StarburstError):
                return act()
            self.sky.clock.sleep(_TRY_SECONDS)
        return act()

    def end(self, session: Session) -> list[str]:
        """End the session, or let its deadline do so; return what two sweeps left behind.

        Sessions whose start the client gave up must be gone by then too.
        """
        self.plan.calm = True
        wrong = self._abandon() if self.plan.controller_dies else []
        self.cloud.close()
        if self.plan.client_leaves:
            session.detach()
        else:
            session.cleanup()
            self.note(session, What.CLEANED_UP)
        self.cloud.pass_time(_LONGEST_SESSION)
        self.cloud.pass_time(_MINUTE)
        self.cloud.pass_time(_MINUTE)
        wrong += [f"nobody told {t['taskArn']} to stop" for t in self.cloud.staying]
        for thread in self.cloud.threads:
            thread.join(_PATIENCE)
        self.cloud.pass_time(_MINUTE)
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
        wrong += [f"process {pid} still runs a task" for pid in {*children()} - self._others]
        return wrong

    def _abandon(self) -> list[str]:
        wrong, self.late = abandon(self)
        return wrong

    def _settle(self, queue: str) -> int:
        """Wait until no message is left; return how many were, when nothing happened any more."""
        vain = self._vain()
        while True:
            self.sky.reveal()
            with self.sky.changed:
                try:
                    url = self.sky.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
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
                self.sky.changed.wait(_SETTLE_SECONDS)


def _submit(session: Session, tasks: Sequence[tuple[int, str, str]]) -> None:
    """Submit tasks as one pack, however slowly: a client that dies with the first has sent all."""
    with in_one_pack(session):
        session.map(perform, tasks)


def _collected(session: Session) -> list[object]:
    return session.collect(timeout=_PATIENCE, return_exceptions=True)


def run(seed: int, *, unkind: bool = True) -> tuple[History, list[str]]:
    """Run one seed; return what happened, and what was wrong with it.

    Args:
        seed: which.
        unkind: whether AWS is as unkind as it documents itself to be.
    """
    plan = Plan(seed, unkind=unkind)
    with (
        tempfile.TemporaryDirectory() as directory,
        quick_aws(),
        running(children=lambda: children_of(fork_server())) as clock,
        instrumented(plan, clock) as notes,
    ):
        world = World(
            plan,
            Path(directory),
            clock=clock,
            notes=notes,
            worker_timings=WORKER_TIMINGS,
            controller_timings=CONTROLLER_TIMINGS,
            start_child=lambda: Child(popen),
        )
        history = world.play()
        return history, history.wrong

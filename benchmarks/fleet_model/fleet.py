"""One session in the model: its client, its workers, and the controller that tends them."""

from __future__ import annotations

import itertools
import json
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from starburst._client.access.timings import Timings
from starburst._client.tasks import chunking, collect, dispatch
from starburst._client.tasks.pacing import Pace
from starburst._protocol.sealed.chunks import INLINE_BYTES
from starburst._protocol.sizing import (
    LONG_SECONDS,
    budget,
    chunk_tasks,
    count_seconds,
    hands_on,
    next_look,
    stretch,
)
from starburst.contract import ControllerDoor
from starburst.controller.handler import Controller
from starburst.controller.state.environment import Clients, Site
from starburst.worker.leases import lease
from starburst.worker.objects import cancelled

from .clock import Clock, Meter
from .cloud import Cloud, Message, Task
from .settling import part, settle
from .terms import Plan, document, manifest, settings

__all__ = ["Session"]

_S3_SECONDS: Final = 0.025
_LIST_SECONDS: Final = 0.06
_SQS_SECONDS: Final = 0.012
_READ_SECONDS: Final = 0.004
"""Of the client's one core, for each result object; measured with boto3."""
_BOOT_SECONDS: Final = 1.5
_PER_TASK_SECONDS: Final = 8e-6
_PICKLE_SECONDS: Final = 4e-6
_BYTES_A_SECOND: Final = 80e6
_PAGE: Final = 1000
_KEPT_CHUNKS: Final = 4
_SWEEP_SECONDS: Final = 60.0
_EVENT_SECONDS: Final = 1.0
_BILLING_UNIT: Final = 65_536


@dataclass
class _Chunk:
    first: int
    tasks: int
    body: int
    open: int
    nodes: int = 0


@dataclass
class _Worker:
    task: Task
    asked: float = -math.inf
    counted: float = -math.inf
    backlog: int = 0
    mean: float = 0.0
    committed: float = 0.0
    knows: bool = False
    chunks: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT_CHUNKS))
    idle_since: float = 0.0
    waiting: int = 0
    leaving: bool = False
    gone: bool = False


@dataclass
class _Running:
    """A range that a worker runs: what it will settle, and what it leaves to others."""

    worker: _Worker
    message: Message
    ends: list[float]
    started: float
    mean: float
    budgets: float
    done: int
    rest: tuple[tuple[int, int], ...]
    lo: int = field(init=False)

    def __post_init__(self) -> None:
        self.lo = self.message.lo

    @property
    def end(self) -> float:
        return self.started + self.ends[self.done - 1]

    @property
    def began(self) -> float:
        """When its last task began."""
        return self.started + (self.ends[self.done - 2] if self.done > 1 else 0.0)


class Session:
    """One run of a plan. After :meth:`run`, its attributes say what happened."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.clock = Clock()
        self.meter = Meter()
        self.random = Random(plan.seed)  # noqa: S311 - a model, not a secret
        self.cloud = Cloud(
            clock=self.clock,
            meter=self.meter,
            random=self.random,
            parameter=document().to_json(),
            launched=self._launched,
        )
        clients: Any = self.cloud
        self.controller = Controller(
            Site(
                settings=settings(),
                clients=Clients(s3=clients, sqs=clients, ecs=clients, ssm=clients),
                clock=self.cloud.time,
                pause=self.cloud.pause,
            )
        )
        self.manifest = manifest(plan)
        self.chunks: list[_Chunk] = []
        self.left = len(plan.durations)
        self.unread: deque[int] = deque()
        self.first_open = 0
        self.nodes_before = 0
        self.nodes = 0
        self.collected = 0
        self.ranges = 0
        self.work_began: float | None = None
        self.last_commit = 0.0
        self.last_collected = 0.0
        self.over = False
        self.starts: list[float] = []
        self._idle: deque[tuple[_Worker, int]] = deque()
        self._running: list[_Worker] = []
        self._tickets = itertools.count(1)
        self._pace = Pace(0.0)
        self._looked = 0.0

    def run(self) -> Session:
        """Play it to its end."""
        self.clock.at(0.0, self._open)
        self.clock.at(_SWEEP_SECONDS, self._sweep)
        self.clock.run(lambda: self.over)
        return self

    # The client

    def _open(self) -> None:
        keys = self.manifest.keys
        self.cloud.objects[keys.manifest] = (self.manifest.to_json(), '"m"', 0.0)
        for action in ("kms:GenerateDataKey", "kms:Encrypt", "s3:PutObject"):
            self.meter.note(action, 0.0)
        self._ask("start")
        self.clock.at(self.cloud.cursor, self._send_packs)

    def _ask(self, action: str) -> None:
        request = self.manifest.keys.request(action)
        body = json.dumps({"protocol": 1, "action": action}).encode()
        self.cloud.objects[request] = (body, '"r"', self.clock.now)
        self.meter.note("s3:PutObject", self.clock.now)
        self.meter.note("lambda:Invoke", self.clock.now)
        payload = {"protocol": 1, "action": action, "key": request}
        answer = self._invoke(payload, door=ControllerDoor.ANALYSTS)
        assert answer["ok"], answer  # noqa: S101 - a model that is refused says nothing

    def _invoke(self, event: dict[str, Any], *, door: str) -> dict[str, Any]:
        self.cloud.cursor = max(self.cloud.cursor, self.clock.now)
        return self.controller.handle(event, door=door, seconds=60)

    def _send_packs(self) -> None:
        """Cut, store and queue all tasks, as the dispatcher does, at its pace."""
        moment = self.clock.now
        self.meter.note("s3:PutObject", moment)  # the function
        total = len(self.plan.durations)
        most = chunk_tasks(total, workers=self.plan.workers)
        per_pack = min(dispatch._PACK_TASKS, dispatch._PACK_BYTES // self.plan.input_bytes)
        for start in range(0, total, per_pack):
            count = min(per_pack, total - start)
            moment += count * _PICKLE_SECONDS + _S3_SECONDS
            moment += count * self.plan.input_bytes / _BYTES_A_SECOND
            self.meter.note("s3:PutObject", moment)
            sizes = [self.plan.input_bytes] * count
            cut = list(chunking.plan(sizes, most=most))
            messages = []
            for lo, hi in cut:
                body = (hi - lo) * (self.plan.input_bytes + 3) + 300
                chunk = _Chunk(start + lo, hi - lo, body, hi - lo)
                messages.append(Message(len(self.chunks), 0, hi - lo))
                self.chunks.append(chunk)
            moment = self._send(messages, moment)
        self._pace.begin(self.clock.now)
        self.clock.at(moment, self._poll)

    def _send(self, messages: Sequence[Message], moment: float) -> float:
        """Send messages in batches from ``moment`` on; return when that is done."""
        if not messages:
            return moment
        body = self._message_bytes(messages[0])
        per_call = max(1, min(10, 1_000_000 // body))
        for start in range(0, len(messages), per_call):
            batch = messages[start : start + per_call]
            moment += _SQS_SECONDS + len(batch) * body / _BYTES_A_SECOND
            self.meter.note("sqs:SendMessage", moment, billed=_units(len(batch) * body))
            self.clock.at(moment, lambda batch=batch: self._arrive(batch))
        return moment

    def _message_bytes(self, message: Message) -> int:
        body = self.chunks[message.chunk].body
        return 200 + (body * 4 // 3 if body <= INLINE_BYTES else 0)

    def _poll(self) -> None:
        """List and read results, as the collector does."""
        now = self.clock.now
        pages = 1 + (self.nodes - self.nodes_before) // _PAGE
        self.meter.note("s3:ListObjectsV2", now, count=pages)
        new = list(self.unread)
        self.unread.clear()
        each = max(_READ_SECONDS, _S3_SECONDS / collect._FETCHES)
        spent = pages * _LIST_SECONDS
        for _ in new:
            spent += each
            self.meter.note("s3:GetObject", now + spent)
        for chunk in new:
            self.collected += chunk
        while self.first_open < len(self.chunks) and not self.chunks[self.first_open].open:
            self.nodes_before += self.chunks[self.first_open].nodes
            self.first_open += 1
        if now - self._looked > Timings().status_seconds:
            self._looked = now
            self.meter.note("s3:GetObject", now, count=2)  # the status, the cancel list
        left = len(self.plan.durations) - self.collected
        pause = self._pace.next(now, found=bool(new), done=self.collected, left=left)
        if new:
            self.last_collected = now + spent
        if self.collected < len(self.plan.durations):
            self.clock.at(now + spent + pause, self._poll)
        else:
            self.clock.at(now + spent + self.plan.linger, self._close)

    def _close(self) -> None:
        self._ask("stop")
        for task in self.cloud.tasks.values():
            if task.stopped is None:
                self.clock.at(self.cloud.cursor, self._sweep)
                return
        self.over = True

    # The controller's own events

    def _sweep(self) -> None:
        self.meter.note("lambda:Invoke", self.clock.now)
        self._invoke({"starburst": "sweep"}, door=ControllerDoor.SERVICE)
        live = any(task.stopped is None for task in self.cloud.tasks.values())
        if self.cloud.queue is None and not live and self.clock.now > _SWEEP_SECONDS:
            self.over = True
            return
        self.clock.at(max(self.clock.now + _SWEEP_SECONDS, self.cloud.cursor), self._sweep)

    def _stopped(self, task: Task) -> None:
        self.meter.note("lambda:Invoke", self.clock.now)
        detail = json.loads(json.dumps(task.describe(self.clock.now), default=str))
        event = {"source": "aws.ecs", "detail": detail}
        self._invoke(event, door=ControllerDoor.SERVICE)

    # Workers

    def _launched(self, task: Task) -> None:
        worker = _Worker(task)
        task.leave = lambda: self._leave(worker)
        self.clock.at(task.started + _BOOT_SECONDS, lambda: self._boot(worker))

    def _leave(self, worker: _Worker) -> None:
        if worker.waiting:
            self._count_polls(worker)
        worker.gone = True
        moment = (worker.task.stopped or 0.0) + _EVENT_SECONDS
        self.clock.at(moment, lambda: self._stopped(worker.task))

    def _boot(self, worker: _Worker) -> None:
        if worker.gone:
            return
        now = self.clock.now
        self.meter.note("s3:GetObject", now)
        self.meter.note("kms:Decrypt", now)
        self.starts.append(now)
        if self.work_began is None:
            self.work_began = now
        if self.random.random() < self.plan.taken:
            moment = now + self.random.uniform(20, 120)
            self.clock.at(moment, lambda: self._take_away(worker))
        worker.idle_since = now
        self._free(worker)

    def _take_away(self, worker: _Worker) -> None:
        """Spot's notice: the worker commits what it has, and leaves."""
        worker.leaving = True
        if worker.waiting:
            self._exit(worker, code="SpotInterruption")

    def _exit(self, worker: _Worker, *, code: str) -> None:
        reason = "Spot took the capacity back" if code != _DONE else "Essential container exited"
        self.cloud.end(worker.task, code=code, reason=reason, at=self.clock.now)

    def _free(self, worker: _Worker) -> None:
        """Ask for work: at once where there is some, else with a long poll."""
        if worker.gone:
            return
        if worker.leaving:
            self._exit(worker, code="SpotInterruption")
        elif self.cloud.visible:
            self._take(worker, self.cloud.visible.popleft(), self.clock.now)
        else:
            worker.waiting = next(self._tickets)
            ticket, worker.idle_since = worker.waiting, self.clock.now
            self._idle.append((worker, ticket))
            end = self.clock.now + self.manifest.idle_seconds
            self.clock.at(end, lambda: self._give_up(worker, ticket))

    def _give_up(self, worker: _Worker, ticket: int) -> None:
        if worker.waiting == ticket and not worker.gone:
            self._exit(worker, code=_DONE)

    def _count_polls(self, worker: _Worker) -> None:
        """Count the long polls that came back empty, each in its second."""
        moment = worker.idle_since
        while moment + lease._POLL_SECONDS <= self.clock.now:
            self.meter.note("sqs:ReceiveMessage", moment)
            moment += lease._POLL_SECONDS

    def _arrive(self, batch: Sequence[Message]) -> None:
        self.cloud.visible.extend(batch)
        self.cloud.most_visible = max(self.cloud.most_visible, len(self.cloud.visible))
        while self.cloud.visible and self._idle:
            worker, ticket = self._idle.popleft()
            if worker.waiting == ticket and not worker.gone:
                self._count_polls(worker)
                worker.waiting = 0
                self._take(worker, self.cloud.visible.popleft(), self.clock.now)

    def _take(self, worker: _Worker, message: Message, moment: float) -> None:
        """Run one leased range, as the supervisor does; plan its commit and what follows."""
        chunk = self.chunks[message.chunk]
        self.cloud.in_flight += 1
        self.cloud.most_in_flight = max(self.cloud.most_in_flight, self.cloud.in_flight)
        size = self._message_bytes(message)
        self.meter.note("sqs:ReceiveMessage", moment, billed=_units(size))
        moment += _SQS_SECONDS
        if moment - worker.asked >= cancelled._FRESH_SECONDS:
            worker.asked = moment
            self.meter.note("s3:GetObject", moment)
            moment += _S3_SECONDS
        if chunk.body > INLINE_BYTES and message.chunk not in worker.chunks:
            worker.chunks.append(message.chunk)
            self.meter.note("s3:GetObject", moment)
            moment += _S3_SECONDS + chunk.body / _BYTES_A_SECOND
        if not worker.knows:
            worker.knows = True
            self.meter.note("s3:GetObject", moment)
            moment += _S3_SECONDS + 0.4  # the child starts
        start, end = chunk.first + message.lo, chunk.first + message.hi
        ends = list(
            itertools.accumulate(d + _PER_TASK_SECONDS for d in self.plan.durations[start:end])
        )
        spent = budget(worker.mean, chunk=chunk.tasks, workers=self.plan.workers)
        budgets = self._stretch(worker, moment) if ends[-1] > spent else 1.0
        done, rest = settle(
            ends,
            message.lo,
            chunk=chunk.tasks,
            workers=self.plan.workers,
            mean=worker.mean,
            budgets=budgets,
        )
        running = _Running(worker, message, ends, moment, worker.mean, budgets, done, rest)
        worker.mean = ends[done - 1] / done
        self._while_running(worker, moment, ends[done - 1])
        self._plan_look(running, max(running.began + LONG_SECONDS, moment + spent))
        self.clock.at(running.end, lambda: self._end(running))

    def _plan_look(self, running: _Running, moment: float) -> None:
        if running.rest and moment < running.end:
            self.clock.at(moment, lambda: self._look(running))

    def _look(self, running: _Running) -> None:
        """Hand on what follows a long task, where that pays."""
        now, workers = self.clock.now, self.plan.workers
        elapsed = now - running.began
        if not hands_on(elapsed, workers=workers, backlog=0):
            return
        self.meter.note("sqs:GetQueueAttributes", now)
        backlog = len(self.cloud.visible)
        if running.worker.committed > now or not hands_on(
            elapsed, workers=workers, backlog=backlog
        ):
            self._plan_look(running, running.began + next_look(elapsed))
            return
        reported, (own, *rest) = part(
            running.ends,
            running.message.lo,
            done=running.done,
            running=elapsed,
            chunk=self.chunks[running.message.chunk].tasks,
            workers=workers,
            mean=running.mean,
            budgets=running.budgets,
        )
        running.rest = ()
        self._store(running, now, settled=reported, rest=rest)
        running.message = Message(running.message.chunk, *own)

    def _end(self, running: _Running) -> None:
        """Commit what is left of a range, behind the next one."""
        worker, message = running.worker, running.message
        # The last commit is over before this one begins.
        free = max(self.clock.now, worker.committed)
        settled = running.done - (message.lo - running.lo)
        moment = self._store(running, free, settled=settled, rest=running.rest)
        worker.committed = moment + _SQS_SECONDS
        self.meter.note("sqs:DeleteMessage", moment)
        self.clock.at(worker.committed, self._deleted)
        self.clock.at(free, lambda: self._free(worker))

    def _store(
        self, running: _Running, moment: float, *, settled: int, rest: Sequence[tuple[int, int]]
    ) -> float:
        """Commit so many tasks and send what is handed on; return when that is done."""
        chunk = running.message.chunk
        moment += _S3_SECONDS
        self.meter.note("s3:PutObject", moment)
        self.clock.at(moment, lambda: self._commit(chunk, settled))
        moment = self._send([Message(chunk, lo, hi) for lo, hi in rest], moment)
        running.worker.committed = moment
        return moment

    def _stretch(self, worker: _Worker, moment: float) -> float:
        workers = self.plan.workers
        if moment - worker.counted >= count_seconds(workers):
            worker.counted = moment
            self.meter.note("sqs:GetQueueAttributes", moment)
            worker.backlog = len(self.cloud.visible)
        return stretch(workers, backlog=worker.backlog)

    def _while_running(self, worker: _Worker, moment: float, seconds: float) -> None:
        """Count heartbeats, and looks at the cancel list."""
        beat = moment + lease._HEARTBEAT_SECONDS
        while beat < moment + seconds:
            self.meter.note("sqs:ChangeMessageVisibility", beat)
            beat += lease._HEARTBEAT_SECONDS
        while worker.asked + cancelled._FRESH_SECONDS < moment + seconds:
            worker.asked += cancelled._FRESH_SECONDS
            self.meter.note("s3:GetObject", worker.asked)

    def _commit(self, number: int, done: int) -> None:
        chunk = self.chunks[number]
        chunk.nodes += 1
        chunk.open -= done
        self.nodes += 1
        self.ranges += 1
        self.left -= done
        self.unread.append(done)
        self.last_commit = self.clock.now

    def _deleted(self) -> None:
        self.cloud.in_flight -= 1


_DONE: Final = "EssentialContainerExited"


def _units(size: int) -> int:
    return max(1, -(-size // _BILLING_UNIT))

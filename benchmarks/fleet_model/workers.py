"""The model's workers: they lease, run, commit and hand on as the supervisor decides it."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from starburst._protocol.sealed.chunks import INLINE_BYTES
from starburst._protocol.sizing import budget, count_seconds, hands_on, next_look, stretch
from starburst.contract import WorkerVariable
from starburst.worker.settings.timings import Timings

from .cloud import EPOCH, Message, Task
from .settling import part, settle
from .state import BYTES_A_SECOND, S3_SECONDS, SQS_SECONDS, State, billed_units
from .terms import Plan

__all__ = ["Workers"]

_TIMINGS: Final = Timings()
_BOOT_SECONDS: Final = 1.5
_PER_TASK_SECONDS: Final = 8e-6
_KEPT_CHUNKS: Final = 4
_EVENT_SECONDS: Final = 1.0
_DONE: Final = "EssentialContainerExited"
_TAKEN: Final = "SpotInterruption"


@dataclass
class _Worker:
    task: Task
    began: float = math.inf
    asked: float = -math.inf
    counted: float = -math.inf
    backlog: int = 0
    mean: float = 0.0
    committed: float = 0.0
    knows: bool = False
    chunks: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT_CHUNKS))
    idle_since: float = 0.0
    waiting: int = 0
    leaving: str = ""
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


class Workers(State):
    """What the workers do in a run."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._idle: deque[tuple[_Worker, int]] = deque()
        self._tickets = itertools.count(1)

    def _launched(self, task: Task) -> None:
        worker = _Worker(task)
        task.leave = lambda: self._leave(worker)
        self.clock.at(task.started + _BOOT_SECONDS, lambda: self._boot(worker))

    def _leave(self, worker: _Worker) -> None:
        if worker.waiting:
            self._count_polls(worker)
        self._count_looks(worker)
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
        end = _deadline(worker.task) + _TIMINGS.overdue_seconds
        self.clock.at(end, lambda: self._end_itself(worker))
        worker.idle_since = worker.began = now
        self._free(worker)

    def _end_itself(self, worker: _Worker) -> None:
        """Its session is over: it commits what it has, and leaves what takes longer to nobody."""
        if worker.gone:
            return
        worker.leaving = _DONE
        if worker.waiting:
            self._exit(worker, code=_DONE)
        else:
            end = self.clock.now + _TIMINGS.grace_seconds
            self.clock.at(end, lambda: self._let_go(worker))

    def _let_go(self, worker: _Worker) -> None:
        if not worker.gone:
            self._exit(worker, code=_DONE)

    def _count_looks(self, worker: _Worker) -> None:
        """Count its looks at the controller's word, each in its second."""
        moment = worker.began
        while moment <= self.clock.now:
            self.meter.note("s3:GetObject", moment)
            moment += _TIMINGS.status_seconds

    def _take_away(self, worker: _Worker) -> None:
        """Spot's notice: the worker commits what it has, and leaves."""
        worker.leaving = _TAKEN
        if worker.waiting:
            self._exit(worker, code=_TAKEN)

    def _exit(self, worker: _Worker, *, code: str) -> None:
        reason = "Spot took the capacity back" if code != _DONE else "Essential container exited"
        self.cloud.end(worker.task, code=code, reason=reason, at=self.clock.now)

    def _free(self, worker: _Worker) -> None:
        """Ask for work: at once where there is some, else with a long poll."""
        if worker.gone:
            return
        if worker.leaving:
            self._exit(worker, code=worker.leaving)
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
        while moment + _TIMINGS.poll_seconds <= self.clock.now:
            self.meter.note("sqs:ReceiveMessage", moment)
            moment += _TIMINGS.poll_seconds

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
        size = self.message_bytes(message)
        self.meter.note("sqs:ReceiveMessage", moment, billed=billed_units(size))
        moment += SQS_SECONDS
        if moment - worker.asked >= _TIMINGS.cancel_list_seconds:
            worker.asked = moment
            self.meter.note("s3:GetObject", moment)
            moment += S3_SECONDS
        if chunk.body > INLINE_BYTES and message.chunk not in worker.chunks:
            worker.chunks.append(message.chunk)
            self.meter.note("s3:GetObject", moment)
            moment += S3_SECONDS + chunk.body / BYTES_A_SECOND
        if not worker.knows:
            worker.knows = True
            self.meter.note("s3:GetObject", moment)
            moment += S3_SECONDS + 0.4  # the child starts
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
        self._plan_look(
            running, max(running.began + _TIMINGS.budgets.long_task_seconds, moment + spent)
        )
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
        worker.committed = moment + SQS_SECONDS
        self.meter.note("sqs:DeleteMessage", moment)
        self.clock.at(worker.committed, self._deleted)
        self.clock.at(free, lambda: self._free(worker))

    def _store(
        self, running: _Running, moment: float, *, settled: int, rest: Sequence[tuple[int, int]]
    ) -> float:
        """Commit so many tasks and send what is handed on; return when that is done."""
        chunk = running.message.chunk
        moment += S3_SECONDS
        self.meter.note("s3:PutObject", moment)
        self.clock.at(moment, lambda: self._commit(chunk, settled))
        moment = self.send([Message(chunk, lo, hi) for lo, hi in rest], moment)
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
        beat = moment + _TIMINGS.heartbeat_seconds
        while beat < moment + seconds:
            self.meter.note("sqs:ChangeMessageVisibility", beat)
            beat += _TIMINGS.heartbeat_seconds
        while worker.asked + _TIMINGS.cancel_list_seconds < moment + seconds:
            worker.asked += _TIMINGS.cancel_list_seconds
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

    @abstractmethod
    def _stopped(self, task: Task) -> None:
        """Tell the controller of a task that ended."""


def _deadline(task: Task) -> float:
    """Return the deadline that the controller gave a worker, on the model's clock."""
    (container,) = task.arguments["overrides"]["containerOverrides"]
    told = {entry["name"]: entry["value"] for entry in container["environment"]}
    return float(told[WorkerVariable.DEADLINE]) - EPOCH

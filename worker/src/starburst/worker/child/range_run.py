"""Running one leased range in the child: budget, time limit, crashes, stop; no queue, no bucket."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.cancel_list import NOTHING_CANCELLED, CancelledTasks
from starburst._protocol.sealed.envelope import Buffer
from starburst._protocol.sealed.failure import Failure
from starburst._protocol.sealed.result_nodes import ResultNode, split
from starburst._protocol.sizing import Budgets, budget, goes_on, next_look, part_tasks
from starburst.errors import IntegrityError
from starburst.worker.settings.timings import TICK_SECONDS

from .frames import Frame
from .outcome import Outcome
from .process import Child, ChildDied

__all__ = ["MAX_RESULT_BYTES", "RangeRun", "damaged", "lost"]


MAX_RESULT_BYTES: Final = 1 << 30
"""The largest result that one task may return."""

_BUDGET_BYTES: Final = 24 << 20
"""What is sealed in one piece of less than 32 MB uses memory again that malloc has kept."""

_SETTLING_SECONDS: Final = 0.01
"""A child that begins a task later than this after it was asked to stop has not heard."""
_CANCELLED: Final = Failure(
    type_name="CancelledError",
    text="the task was cancelled before it was done",
    traceback="",
    builtin=False,
    kind="cancelled",
)


@dataclass(slots=True)
class RangeRun:
    """One range of one chunk, while a worker runs it.

    Args:
        manifest: the session's terms: attempts, retries, time limit, result mode.
        function: the function's name.
        inputs: of the whole chunk, one buffer a task.
        lo, hi: the leased range, numbered within the chunk; without ``hi``.
        child: returns a child that knows the function, starting one if need be.
        end_child: ends the current child.
        tick: called at least twice a second while tasks run; may raise to abandon the range.
        stopping: returns when this worker must end, or None.
        first: session-wide number of the chunk's first task.
        cancelled: returns the session's cancelled tasks; the same object while nothing changed.
        stretch: returns how many budgets of work may be settled at once.
        mean: seconds that a task of this function took on this worker so far; 0 when none has run.
        hand_on: offered a node that leaves what follows the running task to others, and for how
            long that has run, in seconds; whether it is taken. The range then ends with that task.
        budgets: for how long to work before it decides what becomes of the rest.
        now: returns the seconds that the child tells, too.
        equip: hands the child what tasks of these inputs share; for how many of them that is there.
    """

    manifest: Manifest
    function: str
    inputs: Sequence[Buffer]
    lo: int
    hi: int
    child: Callable[[], Child]
    end_child: Callable[[], None]
    tick: Callable[[], None]
    stopping: Callable[[], float | None]
    first: int = 0
    cancelled: Callable[[], CancelledTasks] = lambda: NOTHING_CANCELLED
    stretch: Callable[[], float] = lambda: 1.0
    mean: float = 0.0
    hand_on: Callable[[ResultNode, float], bool] = lambda *_: False
    budgets: Budgets = field(default_factory=Budgets)
    now: Callable[[], float] = time.monotonic
    equip: Callable[[Sequence[Buffer]], int] = len
    _known_cancelled: CancelledTasks = NOTHING_CANCELLED
    _began: float = 0.0
    _deadline: float = 0.0
    _prolonged: bool = False
    _looks_at: float = 0.0
    _crashes: dict[int, int] = field(default_factory=dict)
    _timed_out: set[int] = field(default_factory=set)
    _given_up: dict[int, Failure] = field(default_factory=dict)
    _outcome: Outcome = field(init=False)
    _tasks: int = 0
    _seconds: float = 0.0

    def __post_init__(self) -> None:
        self._outcome = Outcome(self.lo)

    @property
    def _covered(self) -> int:
        return self._outcome.covered

    def run(self) -> None:
        """Run until the range, the budget or this worker's time is at its end."""
        self._take_cancels()
        self._began = self.now()
        self._deadline = self._began + self._budget()
        while self._covered < self.hi:
            failure = self._given_up.get(self._covered)
            if failure is not None:
                self._outcome.settle(failure)
                continue
            spent = self._outcome.done > 0 and self._is_spent(self._covered)
            if spent or (self._outcome.done > 0 and self.stopping()):
                return
            if not self._run_segment():
                return

    def give_up(self, failure: Failure) -> None:
        """Settle as failed what is not settled yet, without running it."""
        while self._covered < self.hi:
            self._outcome.settle(failure)

    def node(self, worker: str) -> ResultNode | None:
        """Return what to commit in that worker's name; None where nothing was settled."""
        if not self._outcome.done:
            return None
        start, left = self._covered, self._covered < self.hi
        children = split(start, self.hi, size=self._part_tasks(start)) if left else ()
        return self._outcome.node(self.hi, children, worker=worker)

    def _segment_end(self) -> int:
        """Where the next run must end: before a task already given up."""
        return next((i for i in range(self._covered + 1, self.hi) if i in self._given_up), self.hi)

    def _part_tasks(self, start: int, *, running: float = 0.0) -> int:
        """Return how many of the tasks from ``start`` on others should get at a time."""
        done, seconds = self._outcome.done, self._outcome.seconds
        if not done:
            done, seconds = (1, self.mean) if self.mean else (0, running)
        return part_tasks(
            done=done,
            left=self.hi - start,
            seconds=seconds,
            allowed=self._allowed(),
            workers=self.manifest.workers,
        )

    def _budget(self) -> float:
        return budget(
            self.mean,
            chunk=len(self.inputs),
            workers=self.manifest.workers,
            budgets=self.budgets,
        )

    def _allowed(self) -> float:
        return self._budget() * self.stretch()

    def _is_spent(self, start: int) -> bool:
        """Whether tasks from ``start`` on should go to others; decides once on more time for all.

        Not where one of them has failed here in a way that no other worker would know of.
        """
        if self.now() <= self._deadline:
            return False
        if not self._prolonged:
            self._prolonged = True
            allowed = self._allowed()
            done, left = self._outcome.done, self.hi - self._covered
            if goes_on(done=done, left=left, seconds=self._outcome.seconds, allowed=allowed):
                self._deadline = max(self._deadline, self._began + allowed)
        if any(index >= start for index in (*self._crashes, *self._timed_out)):
            return False
        return self.now() > self._deadline

    def _run_segment(self) -> bool:
        """Give the child the tasks up to the next given-up one; whether to go on after it."""
        end = self._segment_end()
        try:
            child = self.child()
        except ChildDied as death:  # as it began: what is large is not even read
            self._crashed(self._covered, death)
            self.end_child()
            return True
        child.state.clear()
        self._looks_at = 0.0
        header = {
            "do": "run",
            "function": self.function,
            "lo": self._covered,
            "first": self.first,
            "retries": self.manifest.retries,
            "retry_on": list(self.manifest.retry_on),
            "mode": self.manifest.results,
            "max_bytes": MAX_RESULT_BYTES,
        }
        try:
            try:
                end = self._covered + self.equip(self.inputs[self._covered : end])
            except IntegrityError as error:
                text = f"what the task shares with others cannot be used: {error}"
                self._given_up[self._covered] = damaged(text)
                return True
            child.send(header, self.inputs[self._covered : end])
            while True:
                frame = child.receive(self._patience())
                self.tick()
                if frame is not None:
                    self._take(frame)
                    if frame.header["final"]:
                        return True
                self._bound(child)
                if self._overdue(child) or (self._take_cancels() and self._drop(child)):
                    return True
                last = self.stopping()
                if last is not None:
                    child.state.ask_to_stop()
                    if self.now() > last:
                        self.end_child()
                        return False
        except ChildDied as death:
            running = self._running(child)
            self._crashed(self._covered if running is None else running[0], death)
            self.end_child()
            return True

    def _patience(self) -> float:
        """Return for how long to wait for the child's next word."""
        now = self.now()
        due = [moment - now for moment in (self._deadline, self._looks_at) if moment > now]
        return min(TICK_SECONDS, *due) if due else TICK_SECONDS

    def _bound(self, child: Child) -> None:
        """Have the child stop after its task when the range is spent; it may be at it for long."""
        running = self._running(child)
        if not self._is_spent(self._covered if running is None else running[0] + 1):
            if self._outcome.nbytes > _BUDGET_BYTES:
                child.state.ask_to_stop()
        elif not child.state.stop_asked:
            child.state.ask_to_stop()
            self._looks_at = self.now() + _SETTLING_SECONDS
        elif running is not None:
            self._part(*running)

    def _part(self, index: int, began: float) -> None:
        """Offer others what follows a task that takes long, rather than hold it until its end."""
        now = self.now()
        if not self._covered <= index < self.hi - 1 or now < self._looks_at:
            return
        long = self.budgets.long_task_seconds
        if now - began < long:
            self._looks_at = began + long
            return
        self._looks_at = began + next_look(now - began, budgets=self.budgets)
        rest = index + 1
        size = self._part_tasks(rest, running=now - began)
        children = ((self._covered, rest), *split(rest, self.hi, size=size))
        if self.hand_on(self._outcome.node(self.hi, children, worker=""), now - began):
            self._outcome = Outcome(self._covered)
            self.lo, self.hi = self._covered, rest
            self._deadline = math.inf

    def _take(self, frame: Frame) -> None:
        first, count = frame.header["first"], frame.header["count"]
        if count == 0:
            return
        if first != self._covered or not first < first + count <= self.hi:
            raise ChildDied("its process answered for tasks that it was not to run")
        self._outcome.take(frame)
        self._tasks += count
        self._seconds += frame.header["seconds"]
        self.mean = self._seconds / self._tasks

    def _running(self, child: Child) -> tuple[int, float] | None:
        """Return the running task and when it began: a task of this range, and no other time.

        The function can write into the shared state too, and must not make its worker blame a task
        that is not there, time and again.
        """
        said = child.state.running()
        if said is None:
            return None
        index, began = said
        known = self._covered <= index < self.hi
        possible = 0 <= began <= self.now()
        return index if known else self._covered, began if possible else 0.0

    def _overdue(self, child: Child) -> bool:
        """End a task that has had its time, and say so in its place."""
        limit = self.manifest.task_timeout_seconds
        running = self._running(child)
        if limit is None or running is None:
            return False
        index, began = running
        if self.now() - began <= limit:
            return False
        self.end_child()
        self._timed_out.add(index)
        self._given_up[index] = Failure(
            type_name="TimeoutError",
            text=f"the task ran longer than its timeout of {limit:g} s and was stopped",
            traceback="",
            builtin=False,
            kind="timeout",
        )
        return True

    def _take_cancels(self) -> bool:
        """Give up what was cancelled since the last look; whether there was any."""
        tasks = self.cancelled()
        if tasks is self._known_cancelled:
            return False
        self._known_cancelled = tasks
        found = tasks.within(self.first + self._covered, self.first + self.hi)
        new = [n - self.first for n in found if n - self.first not in self._given_up]
        self._given_up.update(dict.fromkeys(new, _CANCELLED))
        return bool(new)

    def _drop(self, child: Child) -> bool:
        """Keep the child from what was just given up; whether that took its life."""
        running = self._running(child)
        if running is not None and running[0] in self._given_up:
            self.end_child()
            return True
        child.state.ask_to_stop()
        return False

    def _crashed(self, index: int, death: ChildDied) -> None:
        crashes = self._crashes[index] = self._crashes.get(index, 0) + 1
        if crashes < self.manifest.attempts:
            self._outcome.retries += 1
        else:
            times = "once" if crashes == 1 else f"{crashes} times"
            self._given_up[index] = lost(f"the task took its process down {times}: {death.reason}")


def lost(text: str) -> Failure:
    """Return the failure of a task that never got to answer."""
    return Failure(type_name="WorkerLost", text=text, traceback="", builtin=False, kind="lost")


def damaged(text: str) -> Failure:
    """Return the failure of a task whose input or function cannot be verified."""
    name = "IntegrityError"
    return Failure(type_name=name, text=text, traceback="", builtin=False, kind="integrity")

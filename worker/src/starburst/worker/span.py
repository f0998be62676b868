"""Running one leased range in the child: budget, time limit, crashes, stop; no queue, no bucket."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from starburst.cancel_list import NOTHING_CANCELLED, CancelledTasks
from starburst.codec import encode_batch
from starburst.envelope import Buffer
from starburst.failure import Failure
from starburst.manifest import Manifest
from starburst.result_nodes import Batch, ResultNode, split
from starburst.sizing import budget, goes_on, part_tasks

from .child import Child, ChildDied
from .frames import Frame

__all__ = ["MAX_RESULT_BYTES", "Span", "damaged", "lost"]


MAX_RESULT_BYTES: Final = 1 << 30
"""The largest result that one task may return."""

_BUDGET_BYTES: Final = 24 << 20
"""What is sealed in one piece of less than 32 MB uses memory again that malloc has kept."""

_TICK_SECONDS: Final = 0.5
_CANCELLED: Final = Failure(
    type_name="CancelledError",
    text="the task was cancelled before it was done",
    traceback="",
    builtin=False,
    kind="cancelled",
)


@dataclass(slots=True)
class Span:
    """One range of one chunk, while a worker runs it.

    Args:
        manifest: the session's terms: attempts, retries, time limit, result mode.
        function: the function's name.
        inputs: of the whole chunk.
        lo, hi: the leased range.
        child: returns a child that knows the function, starting one if need be.
        bury: ends the current child.
        tick: called at least twice a second while tasks run; may raise to abandon the range.
        stopping: returns when this worker must end (monotonic seconds), or None.
        first: session-wide number of the chunk's first task.
        cancelled: returns the session's cancelled tasks; the same object while nothing changed.
        stretch: returns how many budgets of work may be settled at once.
        mean: seconds that a task of this function took on this worker so far; 0 when none has run.
    """

    manifest: Manifest
    function: str
    inputs: Sequence[Buffer]
    lo: int
    hi: int
    child: Callable[[], Child]
    bury: Callable[[], None]
    tick: Callable[[], None]
    stopping: Callable[[], float | None]
    first: int = 0
    cancelled: Callable[[], CancelledTasks] = lambda: NOTHING_CANCELLED
    stretch: Callable[[], float] = lambda: 1.0
    mean: float = 0.0
    _heeded: CancelledTasks = NOTHING_CANCELLED
    _began: float = 0.0
    _deadline: float = 0.0
    _prolonged: bool = False
    _batches: list[Batch] = field(default_factory=list)
    _failures: dict[int, Failure] = field(default_factory=dict)
    _crashes: dict[int, int] = field(default_factory=dict)
    _given_up: dict[int, Failure] = field(default_factory=dict)
    _covered: int = 0
    _bytes: int = 0
    _retries: int = 0
    _seconds: float = 0.0

    def __post_init__(self) -> None:
        self._covered = self.lo

    def run(self) -> None:
        """Run until the range, the budget or this worker's time is at its end."""
        self._heed()
        self._began = time.monotonic()
        self._deadline = self._began + self._budget()
        while self._covered < self.hi:
            failure = self._given_up.get(self._covered)
            if failure is not None:
                self._settle(failure)
                continue
            if self._covered > self.lo and (self._is_spent() or self.stopping()):
                return
            if not self._run_segment():
                return

    def give_up(self, failure: Failure) -> None:
        """Settle as failed what is not settled yet, without running it."""
        while self._covered < self.hi:
            self._settle(failure)

    def node(self, worker: str) -> ResultNode | None:
        """Return what to commit; None where nothing was settled."""
        if self._covered == self.lo:
            return None
        done = self._covered - self.lo
        size = part_tasks(
            done=done,
            left=self.hi - self._covered,
            seconds=self._seconds,
            allowed=self._allowed(),
            workers=self.manifest.workers,
        )
        return ResultNode(
            lo=self.lo,
            hi=self.hi,
            covered=self._covered,
            children=split(self._covered, self.hi, size=size),
            batches=self._batches,
            failures=self._failures,
            retries=self._retries,
            seconds=self._seconds,
            worker=worker,
        )

    def _segment_end(self) -> int:
        """Where the next run must end: before a task already given up."""
        return next((i for i in range(self._covered + 1, self.hi) if i in self._given_up), self.hi)

    def _budget(self) -> float:
        return budget(self.mean, chunk=len(self.inputs), workers=self.manifest.workers)

    def _allowed(self) -> float:
        return self._budget() * self.stretch()

    def _is_spent(self) -> bool:
        """Whether the time for this range is over; decides once whether it gets more."""
        if time.monotonic() <= self._deadline:
            return False
        if not self._prolonged:
            self._prolonged = True
            allowed = self._allowed()
            done, left = self._covered - self.lo, self.hi - self._covered
            if goes_on(done=done, left=left, seconds=self._seconds, allowed=allowed):
                self._deadline = max(self._deadline, self._began + allowed)
        return time.monotonic() > self._deadline

    def _run_segment(self) -> bool:
        """Give the child the tasks up to the next given-up one; whether to go on after it."""
        end = self._segment_end()
        child = self.child()
        child.board.clear()
        header = {
            "do": "run",
            "function": self.function,
            "lo": self._covered,
            "retries": self.manifest.retries,
            "retry_on": list(self.manifest.retry_on),
            "mode": self.manifest.results,
            "max_bytes": MAX_RESULT_BYTES,
        }
        try:
            child.send(header, self.inputs[self._covered : end])
            while True:
                frame = child.receive(_tick(self._deadline))
                self.tick()
                if frame is not None:
                    self._take(frame)
                    if frame.header["final"]:
                        return True
                if self._is_spent() or self._bytes > _BUDGET_BYTES:
                    child.board.ask_to_stop()
                if self._overdue(child) or (self._heed() and self._drop(child)):
                    return True
                last = self.stopping()
                if last is not None:
                    child.board.ask_to_stop()
                    if time.monotonic() > last:
                        self.bury()
                        return False
        except ChildDied as death:
            self._crashed(child, death)
            self.bury()
            return True

    def _take(self, frame: Frame) -> None:
        header = frame.header
        if header["count"] == 0:
            return
        self._batches.append(
            Batch(
                first=header["first"],
                count=header["count"],
                format=header["format"],
                parts=frame.buffers,
            )
        )
        self._failures.update((i, Failure.from_data(data)) for i, data in header["failures"])
        self._covered = header["first"] + header["count"]
        self._bytes += sum(buffer.nbytes for buffer in frame.buffers)
        self._retries += header["retries"]
        self._seconds += header["seconds"]
        self.mean = self._seconds / (self._covered - self.lo)

    def _overdue(self, child: Child) -> bool:
        """End a task that has had its time, and say so in its place."""
        limit = self.manifest.task_timeout_seconds
        running = child.board.running()
        if limit is None or running is None:
            return False
        index, began = running
        if time.monotonic() - began <= limit:
            return False
        self.bury()
        self._given_up[index] = Failure(
            type_name="TimeoutError",
            text=f"the task ran longer than its timeout of {limit:g} s and was stopped",
            traceback="",
            builtin=False,
            kind="timeout",
        )
        return True

    def _heed(self) -> bool:
        """Give up what was cancelled since the last look; whether there was any."""
        tasks = self.cancelled()
        if tasks is self._heeded:
            return False
        self._heeded = tasks
        found = tasks.within(self.first + self._covered, self.first + self.hi)
        new = [n - self.first for n in found if n - self.first not in self._given_up]
        self._given_up.update(dict.fromkeys(new, _CANCELLED))
        return bool(new)

    def _drop(self, child: Child) -> bool:
        """Keep the child from what was just given up; whether that took its life."""
        running = child.board.running()
        if running is not None and running[0] in self._given_up:
            self.bury()
            return True
        child.board.ask_to_stop()
        return False

    def _crashed(self, child: Child, death: ChildDied) -> None:
        running = child.board.running()
        index = self._covered if running is None else running[0]
        crashes = self._crashes[index] = self._crashes.get(index, 0) + 1
        self._retries += 1
        if crashes >= self.manifest.attempts:
            times = "once" if crashes == 1 else f"{crashes} times"
            self._given_up[index] = lost(f"the task took its process down {times}: {death.reason}")

    def _settle(self, failure: Failure) -> None:
        encoded, _ = encode_batch([None], mode="data")
        self._batches.append(
            Batch(first=self._covered, count=1, format=encoded.format, parts=encoded.parts)
        )
        self._failures[self._covered] = failure
        self._covered += 1


def lost(text: str) -> Failure:
    """Return the failure of a task that never got to answer."""
    return Failure(type_name="WorkerLost", text=text, traceback="", builtin=False, kind="lost")


def damaged(text: str) -> Failure:
    """Return the failure of a task whose input or function cannot be verified."""
    name = "IntegrityError"
    return Failure(type_name=name, text=text, traceback="", builtin=False, kind="integrity")


def _tick(deadline: float) -> float:
    return max(0.0, min(_TICK_SECONDS, deadline - time.monotonic())) or _TICK_SECONDS

"""Collecting: results are looked for, and set on their futures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from starburst._client.access.patience import Patience
from starburst._client.access.status_reader import StatusReader, why_over
from starburst._client.history.course import Course
from starburst._codec.exceptions import rebuild
from starburst._protocol.manifest import ResultMode
from starburst._protocol.sealed.cancel_list import NOTHING_CANCELLED, CancelledTasks
from starburst._protocol.sealed.result_nodes import Batch, ResultNode
from starburst.errors import IntegrityError, PayloadError, SessionEnded, StarburstError

from .pacing import FIRST_PAUSE, Pace
from .result_reader import NodeName, ResultReader
from .task_list import TaskList

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.contract import SessionKeys

__all__ = ["Collector"]

_FETCHES: Final = 8
_FORGET: Final = 10_000
"""Names of results, from which on those that can no longer come are forgotten."""


class Collector:
    """Resolves a session's futures from a thread of its own, while any is outstanding.

    Args:
        connection: where from.
        keys: the session.
        key: its data key, 32 bytes.
        mode: which results are accepted; None counts results, and reads none of them.
        tasks: the futures.
        statuses: reads the session's status.
        refresh: asks the controller to look after the session, and so to have sent again what was
            lost on its way.
        changed: called after each round, for progress.
        cancelled: reads which tasks clients of the session have cancelled.
        told: told what collecting waits for, and the empty text when it no longer does.

    Attributes:
        course: what results tell of how the session went.
        has_looked: whether what was committed when collecting began is taken in.
    """

    def __init__(
        self,
        connection: Connection,
        keys: SessionKeys,
        *,
        key: bytes,
        mode: ResultMode | None,
        tasks: TaskList,
        statuses: StatusReader,
        refresh: Callable[[], None],
        changed: Callable[[], None],
        cancelled: Callable[[], CancelledTasks],
        told: Callable[[str], None],
    ) -> None:
        self.course = Course()
        self.has_looked = False
        self._keys = keys
        self._timings = connection.timings
        self._patience = Patience(connection, told=told)
        self._results = ResultReader(connection, keys, key=key, mode=mode)
        self._mode: ResultMode | None = mode
        self._tasks = tasks
        self._statuses = statuses
        self._refresh = refresh
        self._changed = changed
        self._cancelled = cancelled
        self._seen: set[NodeName] = set()
        self._children: set[NodeName] = set()
        self._remembered = _FORGET
        self._heeded = NOTHING_CANCELLED, 0
        self._results_bytes = self._results_read = 0
        self._taking = threading.RLock()  # a future's callback may call us anew
        self._taker: int | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def mean_bytes(self) -> float | None:
        """Bytes of a result as it travels, in the mean so far; None before the first."""
        return self._results_bytes / self._results_read if self._results_read else None

    def start(self) -> None:
        """Begin to collect; harmless to repeat."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="starburst-collect", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop collecting."""
        self._closing.set()
        self._tasks.wake()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        name = f"starburst-fetch-{self._keys.session}"
        with ThreadPoolExecutor(_FETCHES, thread_name_prefix=name) as pool:
            try:
                self._collect(pool)
            except StarburstError as error:
                self._tasks.close(error)
            # Whatever it is: futures that are not ended wait for ever.
            except BaseException as error:
                self._tasks.close(StarburstError(f"collecting results failed: {error!r}"))

    def _collect(self, pool: ThreadPoolExecutor) -> None:
        pause, asked = FIRST_PAUSE, time.monotonic()
        found = looked = asked
        pace, idle = Pace(asked), True
        while self._wait_for_work():
            now = time.monotonic()
            if idle:  # what comes after a time without work is another wait, from now on
                pace.begin(now)
            try:
                new = self.round(pool)
                self.has_looked = True
                pause = pace.next(
                    now,
                    found=new > 0,
                    done=self._tasks.tally.done,
                    left=self._tasks.outstanding,
                )
                if new:
                    found = now
                if now - looked > self._timings.status_seconds:
                    self._look(pool)
                    looked = now  # a look that failed is the next one's: patience ends with it
                self._patience.over()
            except StarburstError as error:
                self._patience.meet(error)
            if now - max(found, asked) > self._timings.silence_seconds:
                asked = now
                with suppress(StarburstError):  # the controller's own sweep comes anyway
                    self._refresh()
            self._changed()
            idle = not self._tasks.outstanding
            self._closing.wait(pause)

    def _wait_for_work(self) -> bool:
        """Wait for outstanding tasks; False once closed."""
        while not self._closing.is_set():
            if self._tasks.outstanding:
                return True
            self._tasks.wait(1.0, lambda: bool(self._tasks.outstanding) or self._closing.is_set())
        return False

    def round(self, pool: ThreadPoolExecutor) -> int:
        """List and take in what is new; return how many result objects that were.

        Only ranges that are expected are taken: a chunk's whole range, or a child of a node that
        was verified. An object under any other name is never even fetched.
        """
        with self._taking:  # collect(wait=False) comes from another thread
            before, self._taker = self._taker, threading.get_ident()
            try:
                return self._round(pool)
            finally:
                self._taker = before

    def catch_up(self) -> None:
        """Take in what is committed by now.

        In a thread of its own: Ctrl-C must not leave a result half taken, for it is taken once.
        """
        with ThreadPoolExecutor(_FETCHES + 1) as pool:
            round_: Future[int] | None = None
            if self._taker != threading.get_ident():  # else a callback, in the midst of taking
                with suppress(RuntimeError):  # the interpreter is about to end
                    round_ = pool.submit(self.round, pool)
            if round_ is None:
                self.round(pool)
            else:
                round_.result()

    def _round(self, pool: ThreadPoolExecutor) -> int:
        first_open = self._tasks.first_open
        self._forget(first_open or "")
        found = self._results.list_nodes(first_open=first_open)
        listed = {name: key for name, key in found if name not in self._seen}
        taken = 0
        while expected := [name for name in listed if self._is_expected(name)]:
            nodes = [(name, listed.pop(name)) for name in expected]
            for name, node in zip(expected, self._results.fetch(pool, nodes), strict=True):
                if name not in self._seen:  # else a callback has looked meanwhile
                    self._seen.add(name)
                    self._take(name, node)
            taken += len(expected)
        return taken

    def _forget(self, first_open: str) -> None:
        """Forget what is no longer listed, now and then: a session may go on for long."""
        if len(self._seen) + len(self._children) > self._remembered:
            self._seen = {name for name in self._seen if name[0] >= first_open}
            self._children = {name for name in self._children if name[0] >= first_open}
            self._remembered = 2 * (len(self._seen) + len(self._children)) + _FORGET

    def _is_expected(self, name: NodeName) -> bool:
        chunk, lo, hi = name
        entry = self._tasks.entry(chunk)
        return entry is not None and ((lo, hi) == (0, entry.tasks) or name in self._children)

    def _take(self, name: NodeName, node: ResultNode | IntegrityError) -> None:
        chunk, lo, hi = name
        entry = self._tasks.entry(chunk)
        if entry is None:
            return  # another client's tasks
        if isinstance(node, IntegrityError):
            self._tasks.fail(chunk, range(entry.first + lo, entry.first + hi), node)
            return
        self._children.update((chunk, a, b) for a, b in node.children)
        self._tasks.worked(retried=node.retries, seconds=node.seconds)
        self.course.take(entry.first, node)
        for batch in node.batches:
            self._take_batch(chunk, entry.first, batch, node)

    def _take_batch(self, chunk: str, chunk_first: int, batch: Batch, node: ResultNode) -> None:
        failures = node.failures
        first = chunk_first + batch.first
        self._results_bytes += sum(memoryview(part).nbytes for part in batch.parts)
        self._results_read += batch.count
        try:
            values = self._results.decode(batch, chunk)
        except PayloadError as error:
            self._tasks.fail(chunk, range(first, first + batch.count), error)
            return
        errors: dict[int, BaseException] = {
            n: v for n, v in enumerate(values, first) if isinstance(v, PayloadError)
        }
        for index in range(batch.first, batch.first + batch.count) if failures else ():
            failure = failures.get(index)
            if failure is not None and failure.kind == "cancelled":
                # By another client of this session.
                self._tasks.mark_cancelled([chunk_first + index])
            elif failure is not None:
                number = chunk_first + index
                told = failure.told(
                    f"task {number} of session {self._keys.session}, on worker {node.worker}"
                )
                errors[number] = rebuild(told, mode=self._mode)
        self._tasks.settle(chunk, first, values, errors=errors)

    def _look(self, pool: ThreadPoolExecutor) -> None:
        """Look what other clients cancelled, and whether the session has ended."""
        with suppress(IntegrityError):  # a list that no client signed cancels nothing
            cancelled, total = self._cancelled(), len(self._tasks)
            if (cancelled, total) != self._heeded:
                self._tasks.mark_cancelled(cancelled.within(0, total))
                self._heeded = cancelled, total
        status = self._statuses.read()
        if status is None and self._statuses.check_erased():
            self._tasks.close(
                SessionEnded(
                    f"session {self._keys.session} was erased before its tasks were done, by you "
                    "or with your login: nothing is left of it. Start a new session"
                )
            )
        if status is None or status.state in ("starting", "running"):
            return
        self.round(pool)
        if not self._tasks.outstanding:
            return
        self._tasks.close(why_over(status))

"""A session: workers for one analyst's tasks, with or without its client, until cleaned up."""

from __future__ import annotations

import contextlib
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Sized
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from starburst._client.access.controller import Control
from starburst._client.display.progress import ProgressBar, wants_progress
from starburst._client.display.session_status import Status
from starburst._client.ending.erase import erase
from starburst._client.ending.interrupts import say_that_it_goes_on
from starburst._client.ending.stopped_workers import wait_for_departure
from starburst._client.tasks.cancelled_messages import drain
from starburst._client.tasks.cancels import Cancels
from starburst._client.tasks.collect import Collector
from starburst._client.tasks.dispatch import Dispatcher
from starburst._client.tasks.result_iterator import Harvest
from starburst._client.tasks.task_list import Tally, TaskLedger
from starburst._functions.payload import dump_function, dump_input
from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.session_key import SessionKey
from starburst.errors import (
    ConfigurationError,
    IntegrityError,
    SessionEnded,
    SessionError,
    SessionNotFound,
    StarburstError,
)
from starburst.untrusted.terminal_text import one_line

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

__all__ = ["Session"]

_LONGEST_SECONDS: Final = 10 * 366 * 24 * 3600
"""More than any workspace allows, and few enough for every clock."""


class Session:
    """One analyst's workers and tasks. Made by :func:`starburst.session` or ``attach``.

    Its tasks live in the cloud: close the laptop, and ``starburst.attach(session.id)`` finds them
    from another machine. As a context manager it stops its workers at the end, keeping results.
    """

    def __init__(
        self,
        connection: Connection,
        manifest: Manifest,
        *,
        key: SessionKey,
        queue_url: str | None,
        progress: bool | None = None,
        ledger: TaskLedger | None = None,
        packs: int = 0,
        count_only: bool = False,
    ) -> None:
        if key.signing is None:
            raise SessionError("a client's session needs the signing key")
        self._connection = connection
        self._manifest = manifest
        self._queue = queue_url
        self._control = Control(connection, manifest.keys)
        self._ledger = TaskLedger() if ledger is None else ledger
        self._bar = ProgressBar(
            f"starburst {connection.document.environment}/{connection.workspace}",
            watched=wants_progress() if progress is None else progress,
        )
        self._cancels = Cancels(connection, manifest.keys, key=key, signer=key.signing)
        self._ledger.on_cancel = self._cancels.add
        self._dispatcher = Dispatcher(
            connection,
            manifest.keys,
            key=key,
            signer=key.signing,
            workers=manifest.workers,
            queue_url=self._queue_url,
            ledger=self._ledger,
            packs=packs,
        )
        self._collector = Collector(
            connection,
            manifest.keys,
            key=key.data,
            mode=None if count_only else manifest.results,
            ledger=self._ledger,
            refresh=self._control.refresh,
            changed=self._draw,
            cancelled=self._cancels.load,
        )
        self._shown: Tally | None = None
        self._harvest = Harvest()
        self._functions: dict[int, tuple[Callable[..., Any], str]] = {}
        self._closed = threading.RLock()  # what is given up may have callbacks that come here
        self.ends_here = False
        """Whether it is ended here whatever happens, so that an interrupt leaves nothing behind."""
        self._stopped = False
        self._busy = False

    @property
    def id(self) -> str:
        """The session's id, for :func:`starburst.attach`."""
        return self._manifest.session

    @property
    def manifest(self) -> Manifest:
        """What was asked for."""
        return self._manifest

    @property
    def local(self) -> bool:
        """Whether it lives in a local environment, and so ends with it."""
        return self._connection.local

    @property
    def erased(self) -> bool:
        """Whether somebody else was seen to have erased it, so that nothing is left to look at."""
        return self._collector.erased

    @property
    def futures(self) -> tuple[Future[Any], ...]:
        """One future per task, in the order of submission."""
        return tuple(self._ledger)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Send one call; return its future. Calls are gathered into chunks by themselves.

        Raises:
            UnpicklableInput: the function or an argument cannot travel.
            SessionEnded: the session takes no more work.
        """
        return self.submit_prepared(function, dump_input((args, kwargs)))

    def recapture(self, function: Callable[..., Any]) -> None:
        """Have a function sent anew, with what it uses then, when it is next submitted."""
        self._functions.pop(id(function), None)

    def prepare(self, function: Callable[..., Any], data: bytes, *, tasks: int = 0) -> None:
        """Store a function that has been pickled already, for so many calls if that is known."""
        self._functions[id(function)] = (function, self._dispatcher.function(data))
        self._dispatcher.expect(tasks)

    def submit_prepared(self, function: Callable[..., Any], data: bytes) -> Future[Any]:
        """Send one call whose ``(args, kwargs)`` have been pickled already."""
        ended = self._ledger.ended
        if ended is not None:
            raise ended
        future = self._dispatcher.submit(self._function(function), data)
        self._collector.start()
        return future

    def submit_all_prepared(
        self, function: Callable[..., Any], payloads: Iterable[bytes]
    ) -> list[Future[Any]]:
        """Send calls whose ``(args, kwargs)`` are pickled, or become so one after the other."""
        ended = self._ledger.ended
        if ended is not None:
            raise ended
        name = self._function(function)
        self._collector.start()
        return [*self._dispatcher.submit_all(name, payloads)]

    def map(self, function: Callable[..., Any], inputs: Iterable[Any]) -> list[Future[Any]]:
        """Send ``function(x)`` for each input; return the futures, in order.

        What the function uses of its surroundings, such as globals, is sent as it is now.
        """
        self.recapture(function)
        if not isinstance(inputs, Sized):  # the next one may be long in coming
            return [self.submit(function, x) for x in inputs]
        self._dispatcher.expect(len(inputs))
        payloads = (dump_input(((x,), {})) for x in inputs)
        return self.submit_all_prepared(function, payloads) if len(inputs) else []

    def resume(self) -> None:
        """Collect for tasks that another client submitted, but for those that were cancelled."""
        try:
            self._ledger.give_up(self._cancels.load().within(0, len(self._ledger)))
        except IntegrityError as error:
            warnings.warn(
                f"the cancel list of session {self.id} is ignored: {one_line(error)}", stacklevel=2
            )
        self._collector.start()

    def _queue_url(self) -> str:
        if self._queue is None:
            raise SessionEnded(
                f"session {self.id} has ended: it takes no more tasks. Its results can be "
                "collected; for new tasks start a new session"
            )
        return self._queue

    def _function(self, function: Callable[..., Any]) -> str:
        """Store a function at its first use. What it captures is captured then."""
        held = self._functions.get(id(function))
        if held is None or held[0] is not function:
            held = (function, self._dispatcher.function(dump_function(function)))
            self._functions[id(function)] = held
        return held[1]

    def status(self) -> Status:
        """Ask the controller how the session stands."""
        self._control.refresh()
        status = self._collector.read_status()
        return Status(session=self.id, tasks=self._shown or self._ledger.tally, workers=status)

    @property
    def tally(self) -> Tally:
        """How far the tasks are, as this client knows; asks nobody."""
        return self._ledger.tally

    def collect(
        self,
        wait: bool = True,
        timeout: float | None = None,
        *,
        return_exceptions: bool = False,
    ) -> list[Any]:
        """Return results that have not been collected yet, each once, in task order.

        Args:
            wait: for all tasks; False takes those that are done.
            timeout: seconds to wait at most.
            return_exceptions: put exceptions in the list rather than raise the first.

        Raises:
            TimeoutError: tasks are still running after ``timeout``; nothing counts as collected.
            CancelledError: some were cancelled, none failed, and exceptions are not returned.
        """
        until = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
        self._dispatcher.flush(timeout)
        futures = self.futures
        with say_that_it_goes_on(self):
            waited = not wait or self._ledger.wait(
                min(threading.TIMEOUT_MAX, until - time.monotonic()),
                lambda: all(future.done() for future in futures),
            )
        if not waited:
            done = self._ledger.tally.done
            raise TimeoutError(
                f"{done:,} of {len(futures):,} tasks were done after {timeout:g} s; the rest goes "
                "on. collect again, or collect(wait=False) for what there is"
            )
        if not wait:
            self._collector.catch_up()
        self._bar.rest(self._ledger.tally)  # what is printed next begins a line of its own
        return self._harvest.take(futures, return_exceptions=return_exceptions)

    def cancel(self, futures: Iterable[Future[Any]] | Future[Any] | None = None) -> int:
        """Cancel tasks, and return when that is recorded in S3: no crash here undoes it.

        Workers skip what is cancelled, and stop it where they are in the middle of it, within
        seconds; tasks with a result keep it. The workers themselves stay: ``cleanup`` ends them.

        Args:
            futures: of this session, or one of them; None for all of them.

        Returns:
            how many of them ended as cancelled by this call.
        """
        self._collector.catch_up()  # a result that is committed already has won
        if isinstance(futures, Future):
            futures = (futures,)
        wanted = self.futures if futures is None else tuple(futures)
        count = sum(future.cancel() for future in wanted if not future.done())
        self._cancels.flush()
        if count and not self._ledger.outstanding:
            with contextlib.suppress(StarburstError):  # workers drop what is left in the queue
                drain(self._connection, self._queue_url(), is_void=self._ledger.is_void)
        return count

    def extend(self, seconds: float = 3600) -> float:
        """Have the session last ``seconds`` from now at least, within the workspace's limit.

        Returns:
            when it ends at the latest, seconds since the epoch; never earlier than before.

        Raises:
            LimitExceeded: that is later than the workspace allows.
            SessionEnded: it has ended already.
            ConfigurationError: ``seconds`` is no number of seconds.
        """
        if not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST_SECONDS:
            raise ConfigurationError(f"seconds={seconds!r} is not a number of seconds from 0 on")
        end = time.time() + seconds
        status = self._collector.read_status()
        lives = status is not None and status.state in ("starting", "running")
        if status is not None and lives and status.deadline >= end:
            return status.deadline
        return self._control.extend(end)

    def cleanup(self, force: bool = False) -> Status:
        """Stop the workers and delete the queue; tasks that are not done end with SessionEnded.

        Args:
            force: also erase every object of the session, all versions of it (S29). Where workers
                may be in the middle of tasks, that waits for them to leave, so that none writes
                afterwards: seconds as a rule, three minutes at most.

        Returns:
            how the session ended, and what it cost.
        """
        return self._clean_up(force, patient=True)

    def _clean_up(self, force: bool, *, patient: bool) -> Status:
        tally = self._ledger.tally
        # Whoever cleans up a second time has given the tasks up already; workers may still write.
        self._busy = self._busy or self._ledger.outstanding > 0 or tally.cancelled > 0
        reason = SessionEnded(f"session {self.id} was cleaned up before this task was done")
        with contextlib.suppress(StarburstError):  # nothing runs any more, recorded or not
            self._cancels.close()
        self._let_go(reason)
        if not (self._stopped or self.erased):
            # Where the controller never knew of it, or has long forgotten it, nothing runs.
            with contextlib.suppress(SessionNotFound):
                self._control.stop()
            self._stopped = True
            with contextlib.suppress(StarburstError):  # it is stopped; what it cost is only told
                self._collector.read_status()
        self._finish_bar()
        if force:
            keys = self._manifest.keys
            left = not (patient and self._busy) or wait_for_departure(
                self._connection, keys, self._control
            )
            erase(self._connection, keys)
            if not left:
                warnings.warn(
                    f"workers of session {self.id} are still there and may write once more; erase "
                    f"it again in a few minutes: `starburst stop {self.id} --erase`",
                    RuntimeWarning,
                    stacklevel=3,
                )
        return Status(session=self.id, tasks=self._shown or tally, workers=self._collector.status)

    def wind_up(self, *, force: bool) -> None:
        """Clean up where results, or an error on its way, matter more: a failure only warns."""
        try:
            self._clean_up(force, patient=False)
        except StarburstError as error:
            warnings.warn(
                f"session {self.id} could not be cleaned up: {one_line(error)}. Its workers leave "
                f"once they have been idle for {self._manifest.idle_seconds} s, and the controller "
                f"ends it; `starburst stop {self.id}{' --erase' if force else ''}` does so now",
                RuntimeWarning,
                stacklevel=3,
            )

    def detach(self, *, reason: BaseException | None = None) -> None:
        """Let go of the session on this machine; its workers go on.

        Raises:
            StarburstError: tasks that were cancelled here could not be recorded as cancelled.
        """
        again = f"detached; starburst.attach('{self.id}') finds the session again"
        self._let_go(reason or SessionEnded(again))
        self._finish_bar()
        self._cancels.close()

    def _let_go(self, reason: BaseException) -> None:
        with self._closed:
            self._dispatcher.close()
            self._collector.close()
            if self._shown is None:
                self._shown = self._ledger.tally  # what is given up now is not work that failed
            self._ledger.close(reason)

    def _finish_bar(self) -> None:
        with self._closed:
            self._draw()
            self._bar.finish()

    def _draw(self) -> None:
        self._bar.update(self._shown or self._ledger.tally, self._collector.status)

    def __enter__(self) -> Self:
        self.ends_here = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.cleanup()
        else:
            self.wind_up(force=False)

    def __repr__(self) -> str:
        tally, workers = self._ledger.tally, self._manifest.workers
        return (
            f"<starburst session {self.id}: {self._manifest.workspace}/{self._manifest.user}, "
            f"{workers} worker{'s' * (workers != 1)}, {tally.done:,} of {tally.total:,} tasks done>"
        )

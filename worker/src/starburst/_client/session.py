"""A session: workers for one analyst's tasks, with or without its client, until cleaned up."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, overload

from starburst._client.display.failures import add_once, summary
from starburst._client.ending.interrupts import say_that_it_goes_on
from starburst._client.reporting.kept import check_kept
from starburst._client.reporting.told import Told
from starburst._client.resending.retrying import retry_failed
from starburst._client.streams.inputs import pickled
from starburst._client.streams.local_paths import LocalPaths
from starburst._client.streams.sending import send_all
from starburst._client.streams.streaming import ResultIterator, Stream, Window
from starburst._client.tasks.cancelled_messages import delete_cancelled_messages
from starburst._client.tasks.futures import FutureList, numbers_in
from starburst._functions.signatures import check_call, check_map, check_starmap, with_keywords
from starburst.errors import ConfigurationError, SessionEnded, StarburstError

from .numbers import check_choices, number
from .packages.renewing import renew

if TYPE_CHECKING:
    from starburst._client.display.session_status import Status
    from starburst._client.tasks.task_list import Tally
    from starburst._functions.objects.handles import Handle
    from starburst._protocol.manifest import Manifest

    from .session_core import SessionCore

__all__ = ["Session"]

_LONGEST_SECONDS: Final = 10 * 366 * 24 * 3600
"""More than any workspace allows, and few enough for every clock."""

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Session(Told):
    """One analyst's workers and tasks. Made by :func:`starburst.session` or ``attach``.

    Its tasks live in the cloud: close the laptop, and ``starburst.attach(session.id)`` finds them
    from another machine. As a context manager it stops its workers at the end, keeping results.
    """

    def __init__(self, core: SessionCore) -> None:
        self._core = core

    @property
    def id(self) -> str:
        """The session's id, for :func:`starburst.attach`."""
        return self._core.id

    @property
    def manifest(self) -> Manifest:
        """What was asked for."""
        return self._core.manifest

    @property
    def futures(self) -> FutureList[Any]:
        """One future per task, in the order of submission, each made when it is touched."""
        return self._core.futures

    @property
    def tally(self) -> Tally:
        """How far the tasks are, as this client knows; nothing is asked."""
        return self._core.tasks.tally

    def submit(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Send one call; return its future. Calls are gathered into chunks by themselves.

        What the function uses of its surroundings, such as globals, is sent as it is now. A large
        array that it captures, or that several calls carry, is sent once for as long as it stays
        the same.

        A call costs about 10 bytes, and its result while the session is held; its future 2 KB
        more for as long as you hold it. :meth:`map` makes futures only where they are touched.

        Raises:
            WrongArguments: the function cannot be called so.
            UnpicklableInput: the function or an argument cannot travel.
            SessionEnded: the session takes no more work.
        """
        check_call(function, args, kwargs)
        core = self._core
        return core.submit(*core.objects.sharing.call(function, args, kwargs))

    @overload
    def map(self, function: Callable[[T], R], inputs: Iterable[T], /) -> FutureList[R]: ...

    @overload
    def map(
        self,
        function: Callable[..., R],
        inputs: Iterable[Any],
        more: Iterable[Any],
        /,
        *iterables: Iterable[Any],
        kwargs: Mapping[str, Any] | None = None,
    ) -> FutureList[R]: ...

    @overload
    def map(
        self,
        function: Callable[..., R],
        inputs: Iterable[Any],
        /,
        *,
        kwargs: Mapping[str, Any] | None,
    ) -> FutureList[R]: ...

    def map(
        self,
        function: Callable[..., R],
        /,
        *iterables: Iterable[Any],
        kwargs: Mapping[str, Any] | None = None,
    ) -> FutureList[R]:
        """Send ``function(x)`` for each input; return the futures, in order.

        They are a sequence that makes each future when it is touched: a million of them cost what
        their results cost. What the function uses of its surroundings, such as globals, is sent as
        it is now. Inputs that never end are for :meth:`imap`.

        Args:
            function: what to call.
            *iterables: its arguments: one of each for each call. Known lengths must be equal.
            kwargs: keyword arguments that every call gets.

        Raises:
            WrongArguments: the function does not take these arguments, or lengths are unequal.
            UnpicklableInput: the function or an input cannot travel; inputs before it are sent.
            ConfigurationError: the inputs do not end, or are more than 100 million.
            SessionEnded: the session takes no more work.

        Example:
            >>> futures = session.map(abs, [-1, 2, -3])          # doctest: +SKIP
            >>> [future.result() for future in futures]          # doctest: +SKIP
            [1, 2, 3]
        """
        function = with_keywords(function, kwargs)
        for each in iterables:
            check_map(function, each, number=len(iterables))
        return send_all(self._core, function, iterables)

    def starmap(
        self,
        function: Callable[..., R],
        inputs: Iterable[Iterable[Any]],
        *,
        kwargs: Mapping[str, Any] | None = None,
    ) -> FutureList[R]:
        """Send ``function(*arguments)`` for each tuple of arguments; otherwise as :meth:`map`.

        Raises:
            WrongArguments: the function does not take the first of them, or one is no tuple.
            UnpicklableInput: the function or an input cannot travel; inputs before it are sent.
            SessionEnded: the session takes no more work.
        """
        function = with_keywords(function, kwargs)
        check_starmap(function, inputs)
        return send_all(self._core, function, [inputs], star=True)

    def imap(
        self, function: Callable[[T], R], inputs: Iterable[T], *, buffersize: int | None = None
    ) -> ResultIterator[R]:
        """Yield ``function(x)`` for each input, in order, each as soon as it is there.

        Inputs are read as results are taken, so that they may go on for ever: see
        :func:`starburst.imap`, which also ends the session. A result that was yielded is held no
        longer, neither by a future nor for ``collect``. Closing the iterator cancels what it has
        submitted and not yielded.

        Args:
            function: what to call.
            inputs: its arguments, one each.
            buffersize: calls that are submitted and not yet yielded, at most; None for as many as
                keep the workers busy, 10,000 at most.

        Raises:
            WrongArguments: the function does not take one argument.
            UnpicklableInput: the function or an input cannot travel; results of those before it
                come first.
            SessionEnded: the session takes no more work.
        """
        core = self._core
        check_map(function, inputs)
        window, sharing = Window(core, buffersize), core.objects.sharing
        submit = core.submitter(sharing.function(function))
        payloads = pickled([inputs], door=None, sharing=sharing, paths=LocalPaths(core.connection))
        stream = Stream(core.tasks, payloads, submit=submit, window=window)
        return ResultIterator(stream.results())

    def put(self, value: T) -> Handle[T]:
        """Send a value once for many tasks of this session; return its handle.

        As :func:`starburst.put` does, but at once, and without a copy in this process.

        Args:
            value: anything that can travel, up to 2 GB, and half of a worker's memory.

        Returns:
            its handle. Other sessions refuse it.

        Raises:
            UnpicklableInput: it cannot travel, or is too large.
            SessionEnded: the session takes no more work.

        Example:
            >>> table = session.put(frame)                       # doctest: +SKIP
            >>> session.map(f, [(table, n) for n in range(200)]) # doctest: +SKIP
        """
        return self._core.put(value)

    def status(self) -> Status:
        """Ask the controller how the session stands."""
        self._core.control.refresh()
        return self._core.status(self._core.statuses.read())

    def collect(
        self,
        wait: bool = True,
        timeout: float | None = None,
        *,
        return_exceptions: bool = False,
        stop_on_error: bool = False,
    ) -> list[Any]:
        """Return results that have not been collected yet, each once, in task order.

        Args:
            wait: for all tasks; False takes those that are done.
            timeout: seconds to wait at most.
            return_exceptions: put exceptions in the list rather than raise the first, whose notes
                count what else failed, by kind.
            stop_on_error: cancel what is left once a task has failed.

        Raises:
            ConfigurationError: an argument is neither True nor False, such as ``collect(60)``.
            TimeoutError: tasks are still running after ``timeout``; nothing counts as collected.
            CancelledError: some were cancelled, none failed, and exceptions are not returned.
            SessionEnded: its results were erased when it ended well.
        """
        check_choices(wait=wait, return_exceptions=return_exceptions, stop_on_error=stop_on_error)
        core = self._core
        check_kept(core)
        until = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
        with contextlib.nullcontext() if core.ends_with_client else say_that_it_goes_on(core.id):
            core.dispatcher.flush(timeout)
            total = len(core.tasks)
            waited = not wait or core.tasks.wait(
                min(threading.TIMEOUT_MAX, until - time.monotonic()),
                lambda: core.tasks.all_done(total) or (stop_on_error and core.tasks.has_failed()),
            )
        if stop_on_error and core.tasks.has_failed():
            self.cancel()
        if not waited:
            raise TimeoutError(
                f"{self.tally.done:,} of {total:,} tasks were done after {timeout:g} s; the "
                "rest goes on. collect again, or collect(wait=False) for what there is"
            )
        if not wait:
            core.collector.catch_up()
        core.display.rest()  # what is printed next begins a line of its own
        try:
            return core.tasks.take(total, return_exceptions=return_exceptions)
        except BaseException as error:
            failures = core.tasks.failures()
            if len(failures) > 1:
                add_once(error, summary(failures, total=total))
            raise

    def retry_failed(self) -> FutureList[Any]:
        """Send what has failed once more, with the very functions and inputs; return the futures.

        They are tasks of their own, at the session's end. What was not collected yet, ``collect``
        returns in the places of those that failed; what failed once more can be retried as well.
        Cancelled tasks stay so. A client that attaches finds both, each in its own place.

        Raises:
            SessionEnded: the session takes no more work.
            IntegrityError: what S3 holds of them is not what the session's client wrote.

        Example:
            >>> found = session.collect(return_exceptions=True)  # doctest: +SKIP
            >>> wait(session.retry_failed())                     # doctest: +SKIP
        """
        return retry_failed(self._core)

    def cancel(self, futures: Iterable[Future[Any]] | Future[Any] | None = None) -> int:
        """Cancel tasks, and return when that is recorded in S3: no crash here undoes it.

        Workers skip what is cancelled, and stop it where they are in the middle of it, within
        seconds; tasks with a result keep it. The workers themselves stay: ``cleanup`` ends them.

        Args:
            futures: of this session, or one of them; None for all of them.

        Returns:
            how many of them ended as cancelled by this call.

        Raises:
            StarburstError: AWS refused; the tasks are cancelled here, but workers may run them.
        """
        core = self._core
        core.collector.catch_up()  # a result that is committed already has won
        if isinstance(futures, Future):
            futures = (futures,)
        numbers = numbers_in(futures, core.tasks)
        if futures is None or numbers is not None:
            count = core.tasks.cancel(numbers)
        else:
            count = sum(future.cancel() for future in tuple(futures) if not future.done())
        core.cancels.flush()
        if count and not core.tasks.outstanding:
            with contextlib.suppress(StarburstError):  # workers drop what is left in the queue
                delete_cancelled_messages(
                    core.connection, core.queue.url(), is_void=core.tasks.is_void
                )
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
        wanted = number(seconds)
        if wanted is None or not 0 <= wanted <= _LONGEST_SECONDS:
            raise ConfigurationError(f"seconds={seconds!r} is not a number of seconds from 0 on")
        end = time.time() + wanted
        status = self._core.statuses.read()
        lives = status is not None and status.state in ("starting", "running")
        if status is not None and lives and status.deadline >= end:
            return status.deadline
        renew(self._core.connection, self._core.manifest)
        return self._core.control.extend(end)

    def cleanup(self, force: bool = False) -> Status:
        """Stop the workers and delete the queue; tasks that are not done end with SessionEnded.

        Args:
            force: also erase every object of the session, all versions of it (S29). Where workers
                may be in the middle of tasks, that waits for them to leave, so that none writes
                afterwards: seconds as a rule, three minutes at most.

        Returns:
            how the session ended, and what it cost.

        Raises:
            StarburstError: the controller could not be asked, or S3 kept some objects.
        """
        return self._core.clean_up(force=force, wait_for_workers=True)

    def detach(self) -> None:
        """Let go of the session on this machine; its workers go on.

        Raises:
            StarburstError: tasks that were cancelled here could not be recorded as cancelled.
        """
        again = f"detached; starburst.attach('{self.id}') finds the session again"
        self._core.detach(SessionEnded(again))

    def __enter__(self) -> Self:
        self._core.ends_with_client = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with say_that_it_goes_on(self.id):
            if error is None:
                self.cleanup()
            else:
                self._core.clean_up_or_warn(force=False)

    def __repr__(self) -> str:
        tally, manifest = self.tally, self.manifest
        return (
            f"<starburst session {self.id}: {manifest.workspace}/{manifest.user}, "
            f"{manifest.workers} worker{'s' * (manifest.workers != 1)}, "
            f"{tally.done:,} of {tally.total:,} tasks done>"
        )

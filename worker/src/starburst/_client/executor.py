"""The cloud as a ``concurrent.futures.Executor``."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Executor, Future
from types import TracebackType
from typing import Any, ParamSpec, TypedDict, TypeVar, Unpack

from starburst._client.access.connection import Connection, check_place, connect
from starburst._client.ending.leaving import Ending
from starburst._client.streams.inputs import bounded, refuse_endless
from starburst._client.streams.local_paths import LocalPaths
from starburst._client.streams.streaming import ResultIterator, Stream, check_buffersize
from starburst._client.tasks.chunking import Inputs
from starburst._client.tasks.outcomes import Holder
from starburst._functions.bundle import bundle
from starburst._functions.caller import caller, warn
from starburst._functions.sharing import Sharing
from starburst._functions.signatures import check_call, check_map, iterated
from starburst._protocol.sealed.code.parcels import objects_bytes

from .opening import open_core
from .options import SessionOptionNames, SessionOptions
from .packages.bringing import Work
from .session import Session
from .session_core import SessionCore

__all__ = ["StarburstExecutor"]

P = ParamSpec("P")
T = TypeVar("T")


class MapOptions(TypedDict, total=False):
    """What ``Executor.map`` of this Python takes beside its iterables.

    Attributes:
        timeout: seconds that all of it may take; None for no limit.
        chunksize: for other executors; chunks form by themselves here.
        buffersize: calls that are submitted and not yet yielded, at most; None for no limit.
    """

    timeout: float | None
    chunksize: int
    buffersize: int | None


class StarburstExecutor(Executor):
    """Runs calls on cloud workers, as ``ProcessPoolExecutor`` does on cores.

    Nothing is created until the first ``submit`` or ``map``. ``shutdown`` (or the end of a ``with``
    block) stops the workers and erases the session's objects: its results are in this process then.
    Where some are not, as after an outage, nothing is erased, and a warning says how to get them.
    A program that ends without it waits for its futures, says so, and then does the same; so does
    an executor that nothing refers to any more, without waiting.

    Args:
        environment: ``STARBURST_ENVIRONMENT`` by default, else ``local``; or a connection.
        workspace: ``STARBURST_WORKSPACE`` by default, else the only one there is.
        user, profile: who to be; see :func:`starburst.connect`.
        progress: draw a bar; by default only where a person watches. False also keeps from showing
            what calls print as it comes.
        **options: the fields of :class:`starburst.SessionOptions`, such as ``workers=50``.

    Raises:
        ConfigurationError: an option is wrong.

    Example:
        >>> with starburst.Executor(workers=4) as pool:          # doctest: +SKIP
        ...     list(pool.map(abs, [-1, -2]))
        [1, 2]
    """

    def __init__(
        self,
        environment: str | Connection | None = None,
        workspace: str | None = None,
        *,
        user: str | None = None,
        profile: str | None = None,
        progress: bool | None = None,
        **options: Unpack[SessionOptionNames],
    ) -> None:
        check_place(environment, workspace, user, profile)
        self._options = SessionOptions.of(options)
        self._where = (environment, workspace, user, profile)
        self._progress = progress
        self._lock = threading.Lock()
        self._sharing = Sharing(most=objects_bytes(self._options.memory_gb))
        self._core: SessionCore | None = None
        self._session: Session | None = None
        self._shut = False
        self._ending: Ending | None = None

    @property
    def session(self) -> Session | None:
        """The session behind this executor; None before the first call."""
        return self._session

    @property
    def _max_workers(self) -> int:
        """How many calls dask has under way: for each worker one in its hands and one to follow."""
        session = self._session
        return 2 * (self._options.workers or 10 if session is None else session.manifest.workers)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Send one call; return its future.

        A future takes some 2 KB for as long as you hold it, and its result goes with it.

        Raises:
            WrongArguments: ``fn`` cannot be called so; nothing was created.
            UnpicklableInput: the function or an argument cannot travel; nothing was created.
            RuntimeError: after ``shutdown``.
            LimitExceeded: the workspace does not grant what this executor asks for.
        """
        check_call(fn, args, kwargs)
        function, data = self._sharing.call(fn, args, kwargs)
        with self._lock:
            core = self._started(function, data)
            return core.submit(function, data, holder=Holder.FUTURE)

    def _started(
        self, function: bytes, data: bytes, paths: LocalPaths | None = None
    ) -> SessionCore:
        """Return the session's parts; the first call opens it. Its caller has the lock."""
        if self._shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if self._core is None:
            # Refused before anything is created.
            work = Work.of((function, data))
            bundle(work.needs, self._options.included)
            environment, workspace, user, profile = self._where
            connection = connect(environment, workspace, user=user, profile=profile)
            if paths is not None:
                paths.judge(connection)
            self._core = open_core(connection, self._options, progress=self._progress, work=work)
            self._core.objects.use(self._sharing)
            self._session = Session(self._core)
            self._ending = _ending(self._core)
            self._ending.of(self)
        elif paths is not None:
            paths.judge(self._core.connection)
        return self._core

    def map(
        self, fn: Callable[..., T], *iterables: Iterable[Any], **options: Unpack[MapOptions]
    ) -> Iterator[T]:
        """Call ``fn`` for each tuple of arguments, as any executor does; yield results in order.

        All arguments are read before this returns, unless ``buffersize`` says how many calls may be
        submitted and not yet yielded: then they may go on for ever. A result that was yielded is
        held no longer. What ``fn`` uses of its surroundings, such as globals, is sent as it is now.

        Raises:
            UnpicklableInput: the function or an argument cannot travel.
            ConfigurationError: the arguments do not end and there is no ``buffersize``.
            TimeoutError: from the iterator, where it is not done after ``timeout`` seconds.
        """
        for each in iterables:
            check_map(fn, each, number=len(iterables))
        buffersize = options.get("buffersize")
        check_buffersize(buffersize)
        if buffersize is None:
            refuse_endless(iterables, door="Executor.map without buffersize=")
        sharing = self._sharing
        function = sharing.function(fn)
        paths = LocalPaths()
        looked = [paths.among(each) for each in iterables]
        calls: Iterator[Any] = ((args, {}) for args in zip(*map(iterated, looked), strict=False))
        payloads: Iterator[bytes] = map(sharing.input, calls)
        if buffersize is None:
            sized = any(isinstance(each, Sized) for each in iterables)
            payloads = bounded(payloads, door="Executor.map without buffersize=", sized=sized)
        first = next(payloads, None)
        if first is None:
            return iter(())
        with self._lock:
            core = self._started(function, first, paths)
        submit = core.submitter(function)

        def submit_unless_shut(inputs: Inputs) -> range:
            with self._lock:
                if self._shut:
                    raise RuntimeError("cannot schedule new futures after shutdown")
            return submit(inputs)  # without the lock: it may wait for room

        window = sys.maxsize if buffersize is None else buffersize
        stream = Stream(
            core.tasks,
            itertools.chain([first], payloads),
            submit=submit_unless_shut,
            window=lambda: window,
            timeout=options.get("timeout"),
        )
        try:
            stream.fill()
            if buffersize is None:
                stream.check()
        except BaseException:  # nobody would have the results of what was submitted by then
            stream.close()
            raise
        return ResultIterator(stream.results())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Shut down; an interrupt does not wait for calls whose results no one will read."""
        try:
            self.shutdown(wait=True, cancel_futures=isinstance(error, KeyboardInterrupt))
        except KeyboardInterrupt:
            self.shutdown(wait=True, cancel_futures=True)
            raise
        return None

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; stop the workers and erase the session once its futures are done.

        Args:
            wait: return only then; else a thread sees to it, for which also Python's end waits.
            cancel_futures: do not wait for what has no result yet: it ends as cancelled, whether
                it waits or a worker is in the middle of it.
        """
        with self._lock:
            self._shut = True
            ending = self._ending
        if ending is None:
            return
        if cancel_futures:
            ending.cancel()
        ending.begin(caller())
        if wait:
            ending.wait()


def _ending(core: SessionCore) -> Ending:
    return Ending(
        core.id,
        core.tasks,
        finish=lambda: _finish(core),
        cancel=Session(core).cancel,
    )


def _finish(core: SessionCore) -> None:
    total = len(core.tasks)
    core.tasks.wait(threading.TIMEOUT_MAX, lambda: not core.tasks.is_any_open(total))
    others = core.tasks.unread
    core.clean_up_or_warn(force=not others, records=True)
    if others and not core.statuses.erased:
        again = f"starburst.attach({core.id!r})"
        warn(
            f"session {core.id} is not erased: {others:,} of its calls ended without a result or "
            f"an exception of their own. {again}.collect(wait=False, return_exceptions=True) looks "
            f"for them; {again}.cleanup(force=True) erases all"
        )

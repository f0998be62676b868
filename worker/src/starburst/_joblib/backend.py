"""joblib's backend: each batch of a ``Parallel`` is a task of one session."""

from __future__ import annotations

import functools
import os
import sys
import threading
import weakref
from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

from joblib._parallel_backends import (
    AutoBatchingMixin,
    FallbackToBackend,
    ParallelBackendBase,
    SequentialBackend,
    ThreadingBackend,
)

from starburst._client.access.connection import Connection, check_place
from starburst._client.options import SessionOptions
from starburst._functions.caller import warn
from starburst.contract import DATA_VARIABLE
from starburst.errors import ConfigurationError, UnpicklableInput, UnsafeResult

from .arguments import without_maps
from .batch import Call, run_batch
from .callbacks import Callbacks
from .estimators import estimators_from, is_fitted_by_another, refuse
from .executors import Executors
from .listeners import callbacks_of, refuse_callbacks
from .serving import Serving
from .wording import about_argument, about_result

if TYPE_CHECKING:
    from starburst._client.executor import StarburstExecutor
    from starburst._client.session import Session

__all__ = ["StarburstBackend"]

_LEAST_JOBS: Final = 2
"""joblib runs one job in its own process; one worker still gets the next batch ahead of time."""

_JOBLIBS: Final = ("temp_folder", "max_nbytes", "mmap_mode", "prefer", "require", "verbose")
"""What joblib tells each backend beside what was given to ``Parallel``."""

_WRITABLE: Final = ("r+", "w+")


class StarburstBackend(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc]
    """What ``joblib.parallel_config("starburst", …)`` makes.

    Nothing is created until the first batch. One session serves all calls in the block.

    Args:
        environment: ``STARBURST_ENVIRONMENT`` by default, else ``local``; or a connection.
        workspace: ``STARBURST_WORKSPACE`` by default, else the only one there is.
        user, profile: who to be; see :func:`starburst.connect`.
        progress: draw a bar; by default only where a person watches. False also keeps from showing
            what tasks print as it comes.
        executor: an executor of yours to use, which you shut down; then there are no options.
        nesting_level: joblib's.
        inner_max_num_threads: of BLAS, OpenMP and their like in each worker; None for its vCPU.
        **options: the fields of :class:`starburst.SessionOptions`, such as ``workers=50``.

    Raises:
        ConfigurationError: an option is wrong.
    """

    supports_retrieve_callback = True
    supports_inner_max_num_threads = True
    default_n_jobs = -1
    MIN_IDEAL_BATCH_DURATION = 0.5

    def __init__(
        self,
        environment: str | Connection | None = None,
        workspace: str | None = None,
        *,
        user: str | None = None,
        profile: str | None = None,
        progress: bool | None = None,
        executor: StarburstExecutor | None = None,
        nesting_level: int | None = None,
        inner_max_num_threads: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(nesting_level=nesting_level, inner_max_num_threads=inner_max_num_threads)
        if not _within_a_task():  # there it falls back to threads
            check_place(environment, workspace, user, profile)
        place = (environment, workspace, user, profile)
        if executor is not None and (options or any(each is not None for each in place)):
            raise ConfigurationError(
                "executor= has its own place and options: give them to starburst.Executor"
            )
        SessionOptions.of(options)
        self._options: dict[str, Any] = options
        self._executors = Executors(place, progress=progress, given=executor)
        self._serving: weakref.WeakKeyDictionary[Any, Serving] = weakref.WeakKeyDictionary()
        self._lock = threading.RLock()
        self._callbacks = Callbacks(self)
        self._seconds = 0.0
        self.parallel: Any = None

    @property
    def session(self) -> Session | None:
        """The session behind it, the last one where there are several; None before a batch."""
        return self._executors.session

    # How many.

    def effective_n_jobs(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, n_jobs: int | None
    ) -> int:
        """Return how many calls run at a time: ``n_jobs``, or as many as there are workers.

        Raises:
            ValueError: ``n_jobs`` is 0.
        """
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if _within_a_task():
            return 1
        if n_jobs is not None and n_jobs > 0:
            return n_jobs
        workers = self._worker_count()
        return max(_LEAST_JOBS, workers if n_jobs is None else workers + 1 + n_jobs)

    def _worker_count(self) -> int:
        session = self.session
        if session is not None:
            return session.manifest.workers
        workers: int | None = self._options.get("workers")
        given = self._executors.given
        if given is not None:
            return max(_LEAST_JOBS, given._max_workers // 2)
        if workers is not None:
            return workers
        connection = self._executors.connect()
        options = SessionOptions.of(self._options)
        return options.worker_count(connection.limits, tasks=None, local=connection.local)

    # The life of a call.

    def configure(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        n_jobs: int = 1,
        parallel: Any = None,  # noqa: ANN401 - joblib.Parallel
        **told: Any,
    ) -> int:
        """Begin to serve a ``Parallel``; return how many calls of it run at a time.

        Raises:
            FallbackToBackend: it is to run in this process: ``n_jobs`` is 1, or this is a task.
            ConfigurationError: an option is wrong.
        """
        if _within_a_task():
            raise FallbackToBackend(_nested(self.nesting_level or 1))
        joblibs = {name: told.pop(name, None) for name in _JOBLIBS}
        told.pop("context", None)  # of multiprocessing
        mode = joblibs["mmap_mode"]
        if mode in _WRITABLE:
            raise ConfigurationError(
                f"mmap_mode={mode!r}: workers are other machines and cannot write into an array of "
                "this process. Leave it out, and return what they compute"
            )
        options = self._merged(told)
        jobs = self.effective_n_jobs(n_jobs)
        if jobs == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        with self._lock:
            self.parallel = parallel
            workers = jobs if n_jobs > 1 else None
            self._serving[parallel] = Serving(self._executors.executor(options, workers=workers))
        return jobs

    def terminate(self) -> None:
        """End to serve a ``Parallel``; its session goes on for others, unless none comes."""
        with self._lock:
            for parallel in [*self._serving]:
                if not (parallel._running or parallel._managed_backend):
                    del self._serving[parallel]
            if not self._serving:
                self.parallel = None
                self.reset_batch_stats()
                self._executors.wait_for_another(functools.partial(_is_busy, weakref.ref(self)))

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Cancel what is under way; after an error or Ctrl-C, end the session too."""
        error = sys.exc_info()[0]
        failed = error is not None and not issubclass(error, GeneratorExit)
        with self._lock:
            aborted = [each for parallel, each in self._serving.items() if parallel._aborting]
            alone = len(aborted) == len(self._serving)
        if failed and alone and not ensure_ready and self._executors.given is None:
            self._executors.end(cancel=True)
        else:
            for each in aborted:
                each.cancel()

    def close(self) -> None:
        """End the session now, once what is under way is done; the next call begins another."""
        self._executors.end(cancel=False)

    def get_nested_backend(self) -> tuple[Any, None]:
        """Return what serves a ``Parallel`` within a call."""
        return _nested((self.nesting_level or 0) + 1), None

    # Batches.

    def submit(self, func: Any, callback: Any = None) -> Future[Any]:  # noqa: ANN401
        """Send a batch; ``callback`` gets its future.

        Raises:
            UnsafeResult: it returns estimators, and the session takes data alone.
            ConfigurationError: it reports to callbacks, which workers cannot reach.
            StarburstError: it cannot be sent, or no session could begin.
        """
        try:
            future = self._send(func, callback)
        except Exception as error:
            if not self._callbacks.is_running():
                raise
            future = Future()  # joblib waits for ever for what a callback raises
            future.set_exception(error)
        self._callbacks.follow(future, callback)
        return future

    def _send(self, func: Any, callback: Any) -> Future[Any]:  # noqa: ANN401 - joblib's own
        serving = self._serving.get(callback.parallel)
        if serving is None:
            raise RuntimeError("this Parallel has ended")
        if serving.executor._options.results == "data":
            self._check_results(serving, func.items)
        listening = callbacks_of(func.items)
        if listening and not self._executors.is_local():
            refuse_callbacks(listening)
        calls = [without_maps(call) for call in func.items]
        try:
            return serving.submit(run_batch, calls, self.nesting_level or 0)
        except UnpicklableInput as error:
            about_argument(error, calls)
            raise

    def _check_results(self, serving: Serving, calls: list[Call]) -> None:
        """Refuse calls whose results would not come back; fit here what belongs to a fit here."""
        function = "" if serving.here else estimators_from(calls)
        if not function:
            return
        if not is_fitted_by_another():
            refuse(function)
        serving.here = True
        warn(
            f"{function} runs here, one call after the other: it returns a fitted estimator, for "
            'another one that is fitted here. Give results="pickle" to parallel_config if you '
            "trust all code that runs on the session's workers",
            UserWarning,
        )

    def retrieve_result_callback(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, out: Future[Any]
    ) -> list[Any]:
        """Return the results of a batch, or raise what one of its calls raised."""
        try:
            seconds, results = out.result()
        except UnsafeResult as error:
            about_result(error)
            raise
        self._seconds = seconds
        return list(results)

    def batch_completed(self, batch_size: int, duration: float) -> None:
        """Learn from the time that a worker was busy with a batch, without its journey."""
        super().batch_completed(batch_size, min(duration, self._seconds))

    def compute_batch_size(self) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return how many calls make a task: one where each has a time limit of its own."""
        if any(each.executor._options.timeout is not None for each in self._serving.values()):
            return 1
        return int(super().compute_batch_size())

    def _merged(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of the session that is to serve a ``Parallel``."""
        if self._executors.given is not None and told:
            raise ConfigurationError(
                f"{', '.join(told)}: executor= has its own options; give them to starburst.Executor"
            )
        options = {**self._options, **told}
        if self.inner_max_num_threads is not None:
            limits = dict.fromkeys(self.MAX_NUM_THREADS_VARS, str(self.inner_max_num_threads))
            options["env"] = {**limits, **(options.get("env") or {})}
        SessionOptions.of(options)
        return options


def _is_busy(backend: weakref.ref[StarburstBackend]) -> bool:
    found = backend()
    return found is not None and bool(found._serving)


def _within_a_task() -> bool:
    return bool(os.environ.get(DATA_VARIABLE))


def _nested(level: int) -> Any:  # noqa: ANN401 - a backend
    """Return the backend by which joblib nests: threads first, then nothing."""
    return (SequentialBackend if level > 1 else ThreadingBackend)(nesting_level=level)

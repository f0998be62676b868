"""Results in input order, from inputs that are read as results are taken."""

from __future__ import annotations

import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from starburst._client.tasks.chunking import Inputs
from starburst._client.tasks.outcomes import Ended
from starburst.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator

    from starburst._client.session_core import SessionCore
    from starburst._client.tasks.task_list import TaskList

__all__ = ["ResultIterator", "Stream", "Window", "check_buffersize"]

R_co = TypeVar("R_co", covariant=True)

_LEAST_A_WORKER: Final = 4
_FIRST_A_WORKER: Final = 8
_LEAST_FIRST: Final = 64
_MOST: Final = 10_000
_MOST_BYTES: Final = 256 << 20
_TOGETHER: Final = 256
_PATIENCE_SECONDS: Final = 0.01
"""That results which are there wait while inputs come slowly."""


def check_buffersize(buffersize: int | None) -> None:
    """Refuse what is no number of calls.

    Raises:
        ConfigurationError: it is not None, and no whole number from 1 on.
    """
    whole = isinstance(buffersize, int) and not isinstance(buffersize, bool)
    if buffersize is not None and not (whole and buffersize >= 1):
        raise ConfigurationError(f"buffersize={buffersize!r} is no whole number from 1 on")


class Window:
    """How many calls may be submitted and not yet yielded.

    By default eight for each worker, or 64, until the first results say how large they are; then
    as many as hold 256 MB of results, 10,000 at most and four for each worker at least.

    Args:
        core: of the session.
        buffersize: a number for all times.

    Raises:
        ConfigurationError: ``buffersize`` is no whole number from 1 on.
    """

    def __init__(self, core: SessionCore, buffersize: int | None) -> None:
        check_buffersize(buffersize)
        self._core = core
        self._buffersize = buffersize

    def __call__(self) -> int:
        """Return the number as of now."""
        if self._buffersize is not None:
            return self._buffersize
        workers, mean = self._core.manifest.workers, self._core.collector.mean_bytes
        if mean is None:
            return max(_LEAST_FIRST, _FIRST_A_WORKER * workers)
        return max(_LEAST_A_WORKER * workers, min(_MOST, int(_MOST_BYTES / max(mean, 1))))


class Stream:
    """Submits calls, and hands out their results in order.

    Args:
        tasks: of the session.
        payloads: pickled ``(args, kwargs)``, one for each call.
        submit: submits calls to ``tasks``, and returns their numbers.
        window: how many calls may be submitted and not yet yielded; ``sys.maxsize`` for all.
        timeout: seconds that all of it may take, from now on.

    Attributes:
        yielded: how many results were handed out.
    """

    def __init__(
        self,
        tasks: TaskList,
        payloads: Iterator[bytes],
        *,
        submit: Callable[[Inputs], range],
        window: Callable[[], int],
        timeout: float | None = None,
    ) -> None:
        self._tasks = tasks
        self._payloads: Iterator[bytes] | None = payloads
        self._submit = submit
        self._window = window
        self._end = None if timeout is None else time.monotonic() + timeout
        self._pending: deque[range] = deque()
        self._ready: deque[tuple[Ended, Any]] = deque()
        self._waiting = self._fill_at = 0
        self._broken: Exception | None = None
        self.yielded = 0

    def results(self) -> Generator[Any, None, None]:
        """Yield the results; submit as many calls as may be, before the first and after each."""
        try:
            while True:
                if self._waiting <= self._fill_at:
                    self.fill()
                if not self._waiting:
                    break
                yield self._next()
                self.yielded += 1
            self.check()
        finally:
            self.close()

    def check(self) -> None:
        """Raise what kept an input from being read, once it is its turn."""
        if self._broken is not None:
            raise self._broken

    def fill(self) -> None:
        """Submit calls, as far as the window goes; many together, for one by one costs far more."""
        window = self._window()
        room = window - self._waiting
        self._fill_at = max(0, window - max(1, min(_TOGETHER, window // 4)))
        held, began = Inputs(), time.monotonic()
        while self._payloads is not None and room > len(held):
            self._read(held)
            late = time.monotonic() - began > _PATIENCE_SECONDS
            if late or len(held) >= _TOGETHER or not held.takes(0):
                room -= len(held)
                self._send(held)
                held, began = Inputs(), time.monotonic()
                if late and window < sys.maxsize and self._is_next_done():
                    return
        self._send(held)

    def _read(self, held: Inputs) -> None:
        """Read one input; one that cannot be read waits for the results before it."""
        data: bytes | None = None
        try:
            data = next(self._payloads or iter(()), None)
        except Exception as error:
            self._broken = error
        if data is None:
            self._payloads = None
        else:
            held.append(data)

    def _send(self, inputs: Inputs) -> None:
        if inputs:
            self._pending.append(self._submit(inputs))
            self._waiting += len(inputs)

    def _is_next_done(self) -> bool:
        return bool(self._ready) or (
            bool(self._pending) and self._tasks.count_done(self._pending[0][:1]) == 1
        )

    def _next(self) -> Any:  # noqa: ANN401 - whatever the function returned
        if not self._ready:
            rest = None if self._end is None else max(0.0, self._end - time.monotonic())
            self._ready = self._tasks.release(self._pending[0][:_TOGETHER], rest)
            left = self._pending.popleft()[len(self._ready) :]
            if left:
                self._pending.appendleft(left)
        end, value = self._ready.popleft()
        self._waiting -= 1
        if end is Ended.CANCELLED:
            raise CancelledError
        if end is not Ended.RESULT:
            raise value
        return value

    def close(self) -> None:
        """Cancel what was submitted and is not to be yielded."""
        self._payloads = None
        self._ready.clear()
        while self._pending:
            numbers = self._pending.popleft()
            self._tasks.cancel(numbers)
            self._tasks.let_go(numbers)
        self._waiting = 0


class ResultIterator(Iterator[R_co]):
    """Results in input order. Leaving it closes it: as a ``with`` block, or when it is let go.

    Example:
        >>> with starburst.imap(abs, itertools.count()) as results:   # doctest: +SKIP
        ...     for result in results:
        ...         if result > 1000:
        ...             break
    """

    def __init__(self, results: Generator[R_co, None, None]) -> None:
        self._results = results
        # Also where this program ends: a generator alone would be left to the end's disorder.
        self._finalizer = weakref.finalize(self, results.close)

    def __next__(self) -> R_co:
        """Return the next result; wait for it."""
        return next(self._results)

    def close(self) -> None:
        """Take no more results; harmless to repeat."""
        self._finalizer()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

"""The executors behind a backend: one for each choice of options, ended when no call comes."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starburst._client.access.connection import Connection, connect

if TYPE_CHECKING:
    from starburst._client.executor import StarburstExecutor
    from starburst._client.session import Session

__all__ = ["Executors"]


class Executors:
    """Opens executors, and ends them.

    Args:
        place: environment, workspace, user and profile, as :func:`starburst.connect` takes them.
        progress: draw a bar; None for only where a person watches.
        given: one that is another's to end, and is used for everything.
    """

    def __init__(
        self,
        place: tuple[str | Connection | None, str | None, str | None, str | None],
        *,
        progress: bool | None,
        given: StarburstExecutor | None,
    ) -> None:
        self.given = given
        self._place = place
        self._progress = progress
        self._lock = threading.RLock()
        self._opened: list[tuple[Mapping[str, Any], StarburstExecutor]] = []
        self._timer: threading.Timer | None = None

    @property
    def last(self) -> StarburstExecutor | None:
        """The one that was opened last, or given."""
        return self.given or (self._opened[-1][1] if self._opened else None)

    @property
    def session(self) -> Session | None:
        """Its session; None before its first batch."""
        return None if self.last is None else self.last.session

    def connect(self) -> Connection:
        """Return the connection for all of them."""
        environment, workspace, user, profile = self._place
        connection = connect(environment, workspace, user=user, profile=profile)
        self._place = (connection, None, None, None)
        return connection

    def is_local(self) -> bool:
        """Whether workers are processes of this machine."""
        environment, workspace, user, profile = self.given._where if self.given else self._place
        return connect(environment, workspace, user=user, profile=profile).local

    def executor(self, options: dict[str, Any], *, workers: int | None) -> StarburstExecutor:
        """Return the executor with these options; nothing is created yet.

        Args:
            options: of its session.
            workers: how many where the options do not say so.
        """
        from starburst._client.executor import StarburstExecutor  # noqa: PLC0415 - slow to import

        with self._lock:
            self._stop_waiting()
            if self.given is not None:
                return self.given
            for known, executor in self._opened:
                if _same(known, options):
                    return executor
            terms = dict(options)
            if terms.get("workers") is None:
                terms["workers"] = workers
            executor = StarburstExecutor(self.connect(), progress=self._progress, **terms)
            self._opened.append((options, executor))
            return executor

    def end(self, *, cancel: bool) -> None:
        """End all but one that was given; the next call opens another."""
        with self._lock:
            self._stop_waiting()
            opened, self._opened = self._opened, []
        for _, executor in opened:
            executor.shutdown(wait=False, cancel_futures=cancel)

    def wait_for_another(self, is_busy: Callable[[], bool]) -> None:
        """End all where no call comes for as long as their workers wait for one.

        Args:
            is_busy: whether one is under way.
        """
        with self._lock:
            self._stop_waiting()
            if not self._opened:
                return
            seconds = max(executor._options.idle_timeout for _, executor in self._opened)
            self._timer = threading.Timer(seconds, _end_idle, [weakref.ref(self), is_busy])
            self._timer.daemon = True
            self._timer.start()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _end_idle(found: weakref.ref[Executors], is_busy: Callable[[], bool]) -> None:
    executors = found()
    if executors is None:  # each has ended with it
        return
    with executors._lock:
        in_time = executors._timer is threading.current_thread()  # no call has come meanwhile
        if in_time and not is_busy():
            executors.end(cancel=False)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    try:
        return bool(one == other)
    except ValueError:  # of arrays
        return False

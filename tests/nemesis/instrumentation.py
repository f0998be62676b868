"""What a run shortens, sets wrong and watches in the runtime, from outside."""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future
from functools import partial
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

from starburst._client.access.timings import Timings as ClientTimings
from starburst._protocol.sizing import Budgets
from starburst.controller.state.timings import Timings as ControllerTimings
from starburst.worker.settings.timings import Timings

from .clock import Clock, Condition, Event
from .faulty import CANARY
from .order.notes import Notes, What
from .plan import Plan

__all__ = ["CLIENT_TIMINGS", "CONTROLLER_TIMINGS", "WORKER_TIMINGS", "instrumented"]

CLIENT_TIMINGS: Final = ClientTimings(status_seconds=15.0, silence_seconds=60.0)
"""A client that looks seldom: its looks cost this machine more than AWS."""

WORKER_TIMINGS: Final = Timings(
    budgets=Budgets(
        longest_seconds=0.05, shortest_seconds=0.05, probe_seconds=0.05, long_task_seconds=0.05
    ),
)
"""Tasks and their children run in real time, and all else in the run's."""

CONTROLLER_TIMINGS: Final = ControllerTimings(
    # Copies of a message count their deliveries apart, and here are many: by faults, and by
    # requests to send again. Each may cost a fatal task its attempts.
    killed_least=400,
)

_POLL_SECONDS: Final = 15.0
_TICK_SECONDS: Final = 0.02
"""How often a worker that waits for its child looks after its leases, in the child's time: a lease
of 30 seconds is over in less than a third of one.
"""

_REAL: Final = ("starburst.worker.child.", "starburst.worker.stopping", "starburst.worker.logs.")
"""Modules that share the time of a task's process."""


@contextlib.contextmanager
def instrumented(plan: Plan, clock: Clock) -> Iterator[Notes]:
    """Set every part to the run's clock, some of them wrong; yield notes of what they log."""
    notes = Notes(clock.monotonic)
    patches = [
        *(mock.patch.object(m, "log", partial(_log, notes)) for m in _logging("starburst.worker.")),
        mock.patch("starburst.worker.child.range_run.TICK_SECONDS", _TICK_SECONDS),
        *_waiting("starburst.worker.", clock),
        *_waiting("starburst.aws.", clock),
        mock.patch("starburst._protocol.sizing.CHUNKS_PER_WORKER", plan.chunks),
        mock.patch("starburst.worker.child.range_run.MAX_RESULT_BYTES", 1 << 20),
        mock.patch("starburst._client.tasks.pacing._LONGEST_PAUSE", _POLL_SECONDS),
        *_timed("starburst._client.", clock, notes, skew=plan.skew),
        *_timed("starburst.worker.", clock, notes, skew=plan.worker_skew),
        *_timed("starburst.aws.", clock, notes),
        *_timed("starburst._protocol.", clock, notes),
    ]
    if not plan.inline:
        patches.append(mock.patch("starburst._protocol.sealed.chunks.INLINE_BYTES", 0))
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        stack.enter_context(_canary())
        stack.enter_context(_quiet())
        yield notes


def _log(notes: Notes, event: str, **_: object) -> None:
    if notes.who:
        notes.add(notes.who, What.LOGGED, key=event)


def _waiting(package: str, clock: Clock) -> list[Any]:
    """Let a package's modules wait for futures in the run's time."""
    return [
        mock.patch.object(module, name, partial(_wait, clock))
        for module in _modules(package, "__name__")
        for name, value in vars(module).items()
        if value is futures.wait
    ]


def _wait(clock: Clock, awaited: Sequence[Future[Any]], timeout: float) -> Any:
    """Wait for futures as ``concurrent.futures.wait`` does, in the run's time."""
    (future,) = awaited
    over = Event(clock)
    future.add_done_callback(lambda _: over.set())
    return SimpleNamespace(done={future} if over.wait(timeout) else set())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the controller's log to itself: its trouble is made here."""
    logger = logging.getLogger("starburst.controller")
    silence = logging.NullHandler()
    logger.addHandler(silence)
    with mock.patch.object(logger, "propagate", new=False):
        yield
    logger.removeHandler(silence)


def _timed(package: str, clock: Clock, notes: Notes, *, skew: float = 0.0) -> list[Any]:
    """Let a package's modules tell the run's time, and the wall clock's wrong."""

    def sleep(seconds: float) -> None:
        began = clock.monotonic()
        clock.sleep(seconds)
        notes.called(notes.who, began)

    told = SimpleNamespace(**vars(time))
    told.time = lambda: clock.time() + skew
    told.monotonic, told.sleep = clock.monotonic, sleep
    threads = SimpleNamespace(**vars(threading))
    threads.Condition, threads.Event = partial(Condition, clock), partial(Event, clock)
    patches: list[Any] = []
    for name, theirs in (("time", told), ("threading", threads)):
        patches += [mock.patch.object(m, name, theirs) for m in _modules(package, name)]
    for function in _functions(package):
        given = function.__kwdefaults__ or {}
        ours = {n: _told(value, told) for n, value in given.items() if _told(value, told)}
        if ours:
            patches.append(mock.patch.dict(given, ours))
    return patches


def _told(value: object, told: Any) -> Any:
    """Return what takes the place of a function of ``time`` that is a default; else None."""
    return (
        {time.monotonic: told.monotonic, time.time: told.time, time.sleep: told.sleep}.get(
            value  # type: ignore[call-overload]
        )
        if isinstance(value, type(time.sleep))
        else None
    )


def _functions(package: str) -> Iterator[Any]:
    """Walk the functions and methods that a package's modules define."""
    for module in _modules(package, "__name__"):
        for thing in vars(module).values():
            if inspect.isfunction(thing):
                yield thing
            elif inspect.isclass(thing) and thing.__module__ == module.__name__:
                yield from filter(inspect.isfunction, vars(thing).values())


def _logging(package: str) -> list[Any]:
    found = [module for place, module in sys.modules.items() if place.startswith(package)]
    return [module for module in found if hasattr(module, "log")]


def _modules(package: str, name: str) -> list[Any]:
    """Return the modules of a package that imported something of that name."""
    inside = [
        module
        for place, module in sys.modules.items()
        if place.startswith(package) and not place.startswith(_REAL)
    ]
    return [module for module in inside if hasattr(module, name)]


@contextlib.contextmanager
def _canary() -> Iterator[None]:
    """Fail a run that gives a parser bytes that carry the canary."""
    import pickle  # noqa: PLC0415

    import msgpack  # noqa: PLC0415

    def watched(parse: Any) -> Any:
        def watch(data: Any, *args: Any, **words: Any) -> Any:
            if CANARY in bytes(data):
                os.abort()  # louder than any exception that could be swallowed
            return parse(data, *args, **words)

        return watch

    with (
        mock.patch("msgpack.unpackb", watched(msgpack.unpackb)),
        mock.patch("pickle.loads", watched(pickle.loads)),
    ):
        yield

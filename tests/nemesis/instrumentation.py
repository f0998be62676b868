"""What a run shortens, sets wrong and watches in the runtime, from outside."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

from starburst._protocol.sizing import Budgets
from starburst.controller.state.timings import Timings as ControllerTimings
from starburst.worker.settings.timings import Timings

from .injector import CANARY
from .plan import Plan

__all__ = ["CONTROLLER_TIMINGS", "WORKER_TIMINGS", "instrumented"]

_OUT_OF_REACH: Final = 8 * 86_400.0

WORKER_TIMINGS: Final = Timings(
    lease_seconds=3600,  # a death ends a lease by itself
    asked_seconds=0.2,
    answer_seconds=1.5,
    requeue_seconds=1.0,
    cancel_list_seconds=0.0,
    deletion_seconds=1.0,
    unseen_seconds=0.05,
    promised_seconds=1.0,
    first_pause_seconds=0.0001,
    budgets=Budgets(
        longest_seconds=0.05, shortest_seconds=0.05, probe_seconds=0.05, long_task_seconds=0.05
    ),
)
"""Patience is not tested here."""

CONTROLLER_TIMINGS: Final = ControllerTimings(
    # The controller's time runs ahead of the client's and of SQS's: what it allows either, in
    # hours of its own, are seconds here.
    idle_seconds=_OUT_OF_REACH,
    start_seconds=_OUT_OF_REACH,
    request_seconds=_OUT_OF_REACH,
    still_seconds=480,
    # Copies of a message count their deliveries apart, and here are many: by faults, and by a
    # client that misses results after a second. Each may cost a fatal task its attempts.
    killed_least=400,
)


@contextlib.contextmanager
def instrumented(plan: Plan) -> Iterator[None]:
    """Shorten what has no timing of its own, set clocks wrong, and watch what is parsed."""
    patches = [
        *(mock.patch.object(module, "log") for module in _modules("starburst.worker.", "log")),
        mock.patch("starburst._protocol.sizing.CHUNKS_PER_WORKER", plan.chunks),
        mock.patch("starburst.worker.child.range_run.MAX_RESULT_BYTES", 1 << 20),
        mock.patch("starburst.aws.calls._PAUSE", 0.0001),
        *_skewed("starburst._client.", plan.skew),
        *_skewed("starburst.worker.", plan.worker_skew),
    ]
    if not plan.inline:
        patches.append(mock.patch("starburst._protocol.sealed.chunks.INLINE_BYTES", 0))
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        stack.enter_context(_canary())
        stack.enter_context(_quiet())
        yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the controller's log to itself: its trouble is made here."""
    logger = logging.getLogger("starburst.controller")
    silence = logging.NullHandler()
    logger.addHandler(silence)
    with mock.patch.object(logger, "propagate", new=False):
        yield
    logger.removeHandler(silence)


def _skewed(package: str, seconds: float) -> list[Any]:
    """Set the wall clock of a package's modules wrong; their monotonic clock is as it was."""
    clock = SimpleNamespace(**vars(time))
    clock.time = lambda: time.time() + seconds
    return [mock.patch.object(module, "time", clock) for module in _modules(package, "time")]


def _modules(package: str, name: str) -> list[Any]:
    """Return the modules of a package that imported something of that name."""
    inside = [module for place, module in sys.modules.items() if place.startswith(package)]
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

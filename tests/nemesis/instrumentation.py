"""What a run shortens, sets wrong and watches in the runtime, from outside."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

from .forked_children import popen
from .injector import CANARY
from .plan import Plan

__all__ = ["hurried"]

_OUT_OF_REACH: Final = 8 * 86_400.0
_CHILDREN: Final = SimpleNamespace(Popen=popen, DEVNULL=subprocess.DEVNULL)


@contextlib.contextmanager
def hurried(plan: Plan) -> Iterator[None]:
    """Shorten what the runtime waits for, and set its clocks wrong; patience is not tested here."""
    patches = [
        mock.patch("starburst.worker.supervisor._FIRST_PAUSE", 0.0001),
        *(mock.patch.object(module, "log") for module in _modules("starburst.worker.", "log")),
        mock.patch("starburst.worker.child.range_run.budget", return_value=0.05),
        mock.patch("starburst._protocol.sizing.CHUNKS_PER_WORKER", plan.chunks),
        *_patched("LONG_SECONDS", 0.05),
        *_patched("next_look", lambda seconds: seconds + 0.05),
        *_patched("_FRESH_SECONDS", 0.0),
        mock.patch("starburst.worker.child.range_run.MAX_RESULT_BYTES", 1 << 20),
        # The controller's time runs ahead of the client's and of SQS's: what it allows either, in
        # hours of its own, are seconds here.
        mock.patch("starburst.controller.plan.IDLE_SECONDS", _OUT_OF_REACH),
        mock.patch("starburst.controller.plan._START_SECONDS", _OUT_OF_REACH),
        mock.patch("starburst.controller.workers.stalls.STILL_SECONDS", 480),
        mock.patch("starburst.controller.actions._REQUEST_SECONDS", _OUT_OF_REACH),
        # Copies of a message count their deliveries apart, and here are many: by faults, and by a
        # client that misses results after a second. Each may cost a fatal task its attempts.
        mock.patch("starburst.controller.plan._KILLED_LEAST", 400),
        mock.patch("starburst.worker.supervisor._REQUEUE_SECONDS", 1.0),
        mock.patch("starburst.worker.supervisor._ASKED_SECONDS", 0.2),
        mock.patch("starburst.worker.supervisor._ANSWER_SECONDS", 1.5),
        mock.patch("starburst.aws.calls._PAUSE", 0.0001),
        mock.patch(
            "starburst.worker.leases.lease.LEASE_SECONDS", 3600
        ),  # a death ends a lease by itself
        *_skewed("starburst._client.", plan.skew),
        *_skewed("starburst.worker.", plan.worker_skew),
        mock.patch("starburst.worker.child.process.subprocess", _CHILDREN),
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


def _patched(name: str, value: object) -> list[Any]:
    """Set a name to a value wherever the worker has it."""
    modules = [*_modules("starburst.worker.", name), *_modules("starburst._protocol.sizing", name)]
    return [mock.patch.object(module, name, value) for module in modules]


def _modules(package: str, name: str) -> list[Any]:
    """Return the modules of a package that imported something of that name."""
    inside = [module for place, module in sys.modules.items() if place.startswith(package)]
    return [module for module in inside if hasattr(module, name)]


@contextlib.contextmanager
def _canary() -> Iterator[None]:
    """Fail whoever gives a parser bytes that carry the canary."""
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

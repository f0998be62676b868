"""Says which test leaves a session's threads behind: ``pytest -p tests.leftovers`` asks for it.

A later test would meet them, and its verdict would hang on what ran before.
"""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

__all__ = ["pytest_fixture_setup", "pytest_runtest_protocol", "pytest_runtest_teardown"]

OURS = ("starburst-", "task-lines", "answers", "wheels")
"""How the threads of sessions and of workers are called."""

FOR_EVER = ("starburst-dropped",)
"""One a process, from the first session on: it ends what programs drop."""

END_SECONDS = 120.0
"""A guard, never a verdict: what was told to end is waited for."""

_before = pytest.StashKey[set[threading.Thread]]()
_shared: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
"""Those of fixtures that several tests have, whose own end comes later."""


def running() -> set[threading.Thread]:
    """Return the threads of sessions and workers."""
    return {
        thread
        for thread in threading.enumerate()
        if thread.name.startswith(OURS) and thread.name not in FOR_EVER and thread not in _shared
    }


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
    """Blame nobody for what a fixture of several tests begins."""
    before = running()
    result = yield
    if fixturedef.scope != "function":
        _shared.update(running() - before)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Know what others left, so that each is blamed for its own."""
    item.stash[_before] = running()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Fail a test after which a thread goes on."""
    result = yield
    if left := running() - item.stash[_before]:
        # What only pytest still refers to, or an error's traceback.
        vars(item).get("funcargs", {}).clear()
        gc.collect()
        until = time.monotonic() + END_SECONDS
        for thread in left:
            thread.join(max(0.0, until - time.monotonic()))
        if names := sorted(thread.name for thread in left if thread.is_alive()):
            pytest.fail(
                f"it leaves a session or a worker open, whose threads go on: {', '.join(names)}. "
                "End it: by a with block, cleanup(), detach() or shutdown()",
                pytrace=False,
            )
    return result

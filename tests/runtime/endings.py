"""What a test opened comes to its end while what that needs still stands."""

from __future__ import annotations

import queue
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from unittest import mock

import pytest

from starburst._client.ending.leaving import Ending, _owed
from starburst._client.session_core import SessionCore
from starburst.errors import SessionEnded, StarburstError

__all__ = ["GUARD_SECONDS", "all_ended", "noted_begins", "wait_for_ends"]

GUARD_SECONDS: Final = 120
"""What hangs fails by its name; never a verdict."""


def wait_for_ends() -> None:
    """Wait for sessions that have begun to end."""
    for ending in [*_owed]:
        assert ending.wait(GUARD_SECONDS), f"session {ending._session} does not end"


@contextmanager
def all_ended() -> Iterator[None]:
    """End and let go of what is opened meanwhile, also where the test itself came to no end."""
    others = {*_owed}
    opened: weakref.WeakSet[SessionCore] = weakref.WeakSet()
    init = SessionCore.__init__

    def noted(core: SessionCore, *given: Any, **named: Any) -> None:
        init(core, *given, **named)
        opened.add(core)

    with mock.patch.object(SessionCore, "__init__", noted):
        yield
    left = [ending for ending in [*_owed] if ending not in others]
    for ending in left:
        ending.cancel()
        ending.begin()  # whoever still refers to its executor
    for ending in left:
        assert ending.wait(GUARD_SECONDS), f"session {ending._session} does not end"
    for core in [*opened]:
        with suppress(StarburstError):
            core.detach(SessionEnded("its test is over"))


def noted_begins(monkeypatch: pytest.MonkeyPatch) -> queue.SimpleQueue[Ending]:
    """Return where each end is put once, when it begins, whoever asks for it."""
    begun: queue.SimpleQueue[Ending] = queue.SimpleQueue()
    run = Ending._run

    def noted(ending: Ending) -> None:
        begun.put(ending)
        run(ending)

    monkeypatch.setattr(Ending, "_run", noted)
    return begun

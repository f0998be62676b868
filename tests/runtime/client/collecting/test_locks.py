"""What the threads of a client share is touched under its lock alone."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.tasks.task_list import TaskList
from starburst._protocol.sealed.chunks import ChunkMessage, LedgerEntry
from starburst.errors import SessionEnded, SessionError
from tests.runtime.client.failing.alone import ALONE, TROUBLE
from tests.runtime.client.failing.recording import Recorder
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import ONE, square
from tests.session_internals import core, flush

TASKS = (
    "_outcomes",
    "_sent",
    "_futures",
    "_held",
    "_telling",
    "_tally",
    "_ended",
)
WAITING = (
    "_waiting",
    "_count",
    "_bytes",
    "_last",
    "_busy",
    "_expected",
    "_expected_end",
    "_thread",
)
WANTED = ("_wanted", "_thread")
WRITTEN = ("_written", "_etag")


def guard(owner: Any, lock: str, names: tuple[str, ...]) -> list[str]:
    """Watch attributes from now on; return where each was touched without the lock."""
    found: list[str] = []
    its: Any = getattr(owner, lock)
    held = getattr(its, "_is_owned", None) or its.locked
    given: type = type(owner)

    class Guarded(given):
        def __getattribute__(self, name: str) -> Any:
            if name in names and not held():
                found.append(f"{name} was read")
            return super().__getattribute__(name)

        def __setattr__(self, name: str, value: object) -> None:
            if name in names and not held():
                found.append(f"{name} was set")
            super().__setattr__(name, value)

    owner.__class__ = Guarded
    return found


def test_the_guard_speaks_where_a_lock_is_forgotten() -> None:
    tasks = TaskList()
    found = guard(tasks, "_changed", TASKS)
    tasks._count(done=1)
    assert found == ["_tally was read", "_tally was set"]


def test_tasks_are_touched_under_their_lock() -> None:
    tasks = TaskList()
    found = guard(tasks, "_changed", TASKS)
    entry = LedgerEntry(name="p000001-00000", first=0, tasks=6, offset=0, length=9)
    tasks.add(6)
    futures = [tasks.future(number) for number in range(6)]
    tasks.extend(1)
    tasks.dispatched([entry])
    tasks.mark_cancelled([1, 99])
    assert futures[2].cancel()
    message = ChunkMessage(
        chunk=entry.name, lo=0, hi=6, pack="p000001", offset=0, length=9, inline=None
    )
    assert not tasks.is_void(message)
    assert not tasks.is_void(dataclasses.replace(message, chunk="p000009-00000"))
    assert tasks.entry(entry.name) is entry
    futures[4].add_done_callback(lambda _: None)
    tasks.settle(entry.name, 0, [1])
    tasks.worked(seconds=1.0)
    tasks.dropped([range(3, 4)], SessionEnded("not sent"))
    assert (tasks.cancelled(0, 6), tasks.count_done(range(6)), tasks.unread) == ([1, 2], 4, 4)
    assert (tasks.all_done(7), tasks.is_any_open(7), tasks.has(futures[0])) == (False, True, True)
    assert tasks.number_with(ValueError()) is None
    assert tasks.take(1, return_exceptions=False) == [1]
    assert [value for _, value in tasks.release(range(1))] == [1]
    tasks.let_go([1])
    assert (tasks.outstanding, tasks.first_open, len(tasks)) == (2, entry.name, 7)
    assert tasks.ended is None
    assert tasks.wait(0.0, lambda: True)
    tasks.wake()
    tasks.close(SessionEnded("closed"))
    assert all(future.done() for future in tasks)
    assert tasks.tally.done == 7
    with pytest.raises(SessionEnded):
        tasks.add(1)
    assert found == []


def test_what_waits_to_be_sent_or_recorded_is_touched_under_its_lock(
    connection: Connection, fleet: Fleet
) -> None:
    """By the analyst's thread, the one that sends and the one that records cancels."""
    fleet.launch = False
    recorder = Recorder()
    mine = dataclasses.replace(recorder.over(connection), timings=ALONE)
    session = open_session(mine, ONE, progress=False)
    parts = core(session)
    found = [
        *(guard(parts.dispatcher, "_arrived", WAITING), guard(parts.cancels, "_changed", WANTED)),
        guard(parts.cancels, "_writing", WRITTEN),
        guard(parts.tasks, "_changed", TASKS),
    ]
    session.map(square, range(5))
    session.submit(square, 5)
    flush(session)
    recorder.judge = lambda call: TROUBLE if "put p" in call.what else None
    with pytest.raises(SessionError):
        session.submit(square, 6).result(30)
    recorder.judge = lambda _: None
    others = {*threading.enumerate()}
    assert all(future.cancel() for future in session.futures[:2])
    made = [t.name for t in threading.enumerate() if t not in others and "cancel" in t.name]
    assert made == ["starburst-cancel"]
    assert session.cancel(session.futures[2:3]) == 1
    assert list(parts.cancels.load().within(0, 9)) == [0, 1, 2]
    with parts.cancels._changed:
        assert not parts.cancels._wanted, "what is recorded is not recorded again, for ever"
    assert len(session.collect(wait=False, return_exceptions=True)) == 4
    session.cleanup(force=True)
    reads_of_one_thread = {"_expected was read", "_expected_end was read"}  # the one that sends
    assert [set(each) - reads_of_one_thread for each in found] == [set()] * 4


def test_whatever_changes_tasks_wakes_who_waits_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = TaskList()
    entry = LedgerEntry(name="p000001-00000", first=0, tasks=5, offset=0, length=9)
    tasks.add(6)
    futures = [tasks.future(number) for number in range(6)]
    woken: list[str] = []
    monkeypatch.setattr(tasks._changed, "notify_all", lambda: woken.append("all"))
    changes: list[Callable[[], object]] = [
        lambda: tasks.dispatched([entry]),
        futures[0].cancel,
        lambda: tasks.mark_cancelled([1]),
        lambda: tasks.settle(entry.name, 2, ["two"]),
        lambda: tasks.dropped([range(3, 4)], SessionEnded("not sent")),
        tasks.wake,
        lambda: tasks.close(SessionEnded("closed")),
    ]
    for number, change in enumerate(changes, 1):
        change()
        assert len(woken) == number


def test_a_fork_has_no_threads_that_would_send_or_collect(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = TaskList()
    assert tasks.ended is None
    monkeypatch.setattr("starburst._client.tasks.task_list.os.getpid", lambda: -1)
    assert "which this one is a fork" in str(tasks.ended)

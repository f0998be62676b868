"""What a client counts comes back to nothing: outstanding tasks, and bytes that wait."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from starburst._client.access.connection import Connection
from starburst._client.tasks.task_list import Tally, TaskList
from starburst._protocol.sealed.chunks import ChunkMessage, LedgerEntry
from starburst.errors import SessionEnded
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import opened, square
from tests.session_internals import chunks, core, flush, in_one_pack

FIRST, SECOND = (
    LedgerEntry(name=f"p000001-0000{n}", first=3 * n, tasks=3, offset=9 * n, length=9)
    for n in range(2)
)


def listed(*entries: LedgerEntry) -> TaskList:
    tasks = TaskList()
    tasks.add(6)
    tasks.dispatched(entries)
    return tasks


def lease(entry: LedgerEntry, lo: int, hi: int) -> ChunkMessage:
    return ChunkMessage(
        chunk=entry.name, lo=lo, hi=hi, pack="p000001", offset=0, length=9, inline=None
    )


def test_what_is_settled_twice_is_outstanding_once() -> None:
    """As where a worker's result comes after the tasks were cancelled or given up."""
    tasks = listed(FIRST, SECOND)
    assert (tasks.outstanding, tasks.first_open) == (6, FIRST.name)
    tasks.settle(FIRST.name, 0, "ab")
    assert (tasks.outstanding, tasks.first_open) == (4, FIRST.name)
    tasks.settle(FIRST.name, 0, "ABc")
    assert (tasks.outstanding, tasks.first_open) == (3, SECOND.name)
    tasks.settle(FIRST.name, 0, "ABC", errors={0: SessionEnded("late")})
    assert (tasks.outstanding, tasks.first_open) == (3, SECOND.name)
    assert (tasks.tally.done, tasks.tally.failed) == (3, 0)
    assert [tasks.future(n).result(0) for n in range(3)] == ["a", "b", "c"]


def test_what_is_read_while_a_session_is_closed_leaves_nothing_outstanding() -> None:
    tasks = listed(FIRST, SECOND)
    tasks.settle(FIRST.name, 0, ["read a moment before"])
    tasks.close(SessionEnded("closed"))
    tasks.settle(FIRST.name, 0, ["again", "and late"])
    assert (tasks.outstanding, tasks.first_open) == (0, None)
    assert (tasks.tally.done, tasks.tally.failed) == (6, 5)
    tasks.close(SessionEnded("closed again"))
    assert (tasks.tally.done, tasks.tally.failed) == (6, 5)
    assert str(tasks.ended) == "closed"
    assert tasks.future(0).result() == "read a moment before"


@pytest.mark.parametrize("sent", ["before", "after"])
def test_a_cancelled_task_is_counted_once_however_often_it_is_heard_of(sent: str) -> None:
    tasks = listed(*([FIRST, SECOND] if sent == "before" else []))
    heard: list[int] = []
    tasks.on_cancel = lambda runs: heard.extend(*runs)
    futures = list(tasks)
    assert [futures[1].cancel(), futures[1].cancel()] == [True, True]
    tasks.mark_cancelled([1, 2, 2, len(tasks), 99])  # of later ones, another client knows
    tasks.settle(FIRST.name, 1, ["late"])
    tasks.settle(FIRST.name, 1, ["late"], errors={1: SessionEnded("late")})
    assert futures[1].cancelled()
    if sent == "after":
        tasks.dispatched([FIRST, SECOND])
    assert tasks.outstanding == 4
    assert tasks.tally == Tally(total=6, done=2, cancelled=2)
    assert heard == [1]  # of the other, another client has told
    assert [tasks.is_void(lease(FIRST, *r)) for r in ((0, 3), (1, 3), (1, 2), (2, 3))] == [
        *(False, True, True, True)
    ]
    assert futures[0].cancel()
    assert tasks.is_void(lease(FIRST, 0, 3))
    assert (tasks.outstanding, tasks.first_open) == (3, SECOND.name)
    assert not tasks.is_void(lease(SECOND, 0, 3))
    tasks.mark_cancelled([3])
    assert not tasks.is_void(lease(SECOND, 0, 3))


def test_a_chunk_that_was_cancelled_before_it_was_sent_is_not_waited_for() -> None:
    tasks = listed()
    tasks.mark_cancelled([0, 1, 2])
    tasks.dispatched([SECOND, FIRST])
    assert (tasks.outstanding, tasks.first_open) == (3, SECOND.name)
    assert tasks.is_void(lease(FIRST, 0, 3))


def test_what_was_not_sent_yet_is_no_part_of_the_chunk_before_it() -> None:
    tasks = listed(FIRST)
    futures = list(tasks)
    assert futures[3].cancel()
    tasks.dropped([range(4, 5)], SessionEnded("not sent"))
    assert (tasks.outstanding, tasks.first_open) == (3, FIRST.name)
    tasks.dropped([range(3)], SessionEnded("stored, and not queued"))
    assert (tasks.outstanding, tasks.first_open) == (0, None)


def test_tasks_that_could_not_be_sent_are_failed_once_and_waited_for_no_more() -> None:
    """Some were stored, one has its result, one is cancelled, and two were never stored."""
    tasks = listed(FIRST)
    futures = list(tasks)
    tasks.settle(FIRST.name, 0, [1])
    assert futures[1].cancel()
    tasks.dropped([range(5)], SessionEnded("not sent"))
    assert (tasks.outstanding, tasks.first_open) == (0, None)
    assert tasks.tally == Tally(total=6, done=5, failed=3, cancelled=1)
    assert not futures[5].done()


def test_what_a_worker_says_of_its_work_is_added_up() -> None:
    tasks = listed(FIRST, SECOND)
    tasks.settle(FIRST.name, 0, "abc", errors={1: ValueError("of one")})
    tasks.worked(retried=4, seconds=1.5)
    tasks.settle(SECOND.name, 3, "d")
    tasks.worked(retried=1, seconds=0.5)
    assert tasks.tally == Tally(total=6, done=4, failed=1, retried=5, seconds=2.0)


def packs(count: int, futures: list[Future[int]], entries: list[LedgerEntry]) -> list[int]:
    """How many tasks each pack holds; together all of them, each once."""
    numbers = sorted(n for e in entries for n in range(e.first, e.first + e.tasks))
    assert numbers == list(range(len(futures)))
    names = [f"p{number:06d}" for number in range(1, count + 1)]
    return [sum(e.tasks for e in entries if e.name.startswith(name)) for name in names]


def test_bytes_that_were_sent_no_longer_wait(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pack is full, and after it tasks are gathered as before: full is what waits, not all."""
    monkeypatch.setattr("starburst._client.tasks.dispatch._PACK_BYTES", 1500)
    session = opened(connection, fleet, tasks=0)
    dispatcher = core(session).dispatcher
    futures = []
    for _ in range(3):
        with in_one_pack(session):
            futures += [session.submit(len, "x" * 300) for _ in range(7)]
            assert dispatcher._full()
        flush(session)
        with dispatcher._arrived:
            assert not dispatcher._full()
            assert dispatcher._bytes == 0
    assert packs(9, futures, list(chunks(session).values())) == [3, 3, 1] * 3
    large = session.submit(len, "x" * 3000)  # more than fits travels all the same
    flush(session)
    assert not dispatcher._full()
    assert not large.done()
    session.cleanup()


def test_a_pack_that_could_not_be_stored_leaves_no_count_behind(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starburst._client.tasks.dispatch._PACK_BYTES", 1000)
    session = opened(connection, fleet, tasks=0)
    dispatcher = core(session).dispatcher

    def refuse(*_: object) -> None:
        raise ValueError("out of order")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(dispatcher, "_store", refuse)
        with in_one_pack(session):
            failed = [session.submit(len, "x" * 300) for _ in range(4)]
        flush(session)
    for future in failed:
        with pytest.raises(Exception, match="could not send tasks: ValueError"):
            future.result(30)
    assert not dispatcher._full()
    assert core(session).tasks.outstanding == 0
    future = session.submit(square, 3)
    flush(session)
    assert core(session).tasks.outstanding == 1
    assert not future.done()
    session.cleanup()

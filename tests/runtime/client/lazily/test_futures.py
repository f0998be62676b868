"""Futures are made when they are touched, and live as long as somebody holds them."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ALL_COMPLETED, Future, as_completed, wait
from typing import Any

import pytest

import starburst
from benchmarks.memory.instant_fleet import InstantFleet
from starburst import FutureList, Session
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.tasks.futures import finish, joined
from starburst._client.tasks.outcomes import Ended, Holder
from starburst._client.tasks.task_list import TaskList
from starburst._protocol.sealed.failure import describe
from starburst.errors import SessionEnded, SessionError, UnpicklableInput
from tests.runtime.client.lazily.sky import PYTHON
from tests.session_internals import core


@pytest.fixture
def fleet() -> InstantFleet:
    return InstantFleet(python=PYTHON)


@pytest.fixture
def session(fleet: InstantFleet) -> Iterator[Session]:
    options = SessionOptions(workers=2)
    with open_session(fleet.connection, options, progress=False) as made:
        yield made


def test_a_million_futures_are_a_sequence_that_holds_none(session: Session) -> None:
    tasks = core(session).tasks
    futures = FutureList[int](tasks, tasks.add(1_000_000))
    assert repr(futures) == "<1,000,000 starburst futures, 0 of them done>"
    assert len(futures) == 1_000_000
    touched = futures[-1]
    assert touched is futures[999_999] is futures[999_000:][-1] is next(reversed(futures))
    assert futures.index(touched) == 999_999
    assert futures[::2].count(touched) == 0
    assert touched in futures[1::2]
    assert 999_999 not in futures
    assert Future() not in futures
    with pytest.raises(IndexError):
        futures[1_000_000]
    for missing in (0, None, Future()):
        with pytest.raises(ValueError, match="none of these futures"):
            futures.index(missing)
    with pytest.raises(ValueError, match="none of these"):
        futures.index(touched, 0, 999_999)
    assert not any(future.done() for future in futures[:1000])
    assert len(tasks._futures) == 1
    assert tasks.cancel(range(1, 4)) == 3
    assert repr(futures[:5]) == "<5 starburst futures, 3 of them done>"
    assert repr(futures[::-1][-5:]) == "<5 starburst futures, 3 of them done>"


def test_lists_of_futures_are_compared_and_added_as_lists_are(session: Session) -> None:
    first, second = session.map(abs, [1, 2]), session.map(abs, [3])
    assert first == session.futures[:2]
    assert first == [*first]
    assert first == tuple(first)
    assert [*first] == first
    assert first != second
    assert first != session.futures[::-1][1:]
    assert first != [1, 2]
    assert first != "ab"
    both = [*session.futures]
    assert first + second == both
    assert [first[0]] + first[1:] + second == both  # noqa: RUF005 - as people write it
    with pytest.raises(TypeError, match="unhashable"):
        hash(first)


def test_what_two_threads_submit_is_told_apart(session: Session) -> None:
    """Their calls may be numbered in turns."""
    tasks = core(session).tasks
    numbers = joined([range(3), range(3, 5), range(9, 11), range(20, 21)])
    assert list(numbers) == [0, 1, 2, 3, 4, 9, 10, 20]
    assert joined([range(4, 6), range(6, 9)]) == range(4, 9)
    assert len(joined([])) == 0
    tasks.add(21)
    futures = FutureList[Any](tasks, numbers)
    assert futures[5] is tasks.future(9)
    assert futures[-3:].index(tasks.future(20)) == 2
    assert tasks.future(8) not in futures
    assert session.cancel(futures[4:7]) == 3
    assert [f.cancelled() for f in futures] == [False] * 4 + [True] * 3 + [False]
    assert repr(futures) == "<8 starburst futures, 3 of them done>"


@pytest.mark.parametrize(
    "gather",
    [
        lambda futures: wait(futures, return_when=ALL_COMPLETED).done,
        lambda futures: starburst.wait(futures).done,
        as_completed,
        starburst.as_completed,
        iter,
    ],
    ids=["wait", "starburst.wait", "as_completed", "starburst.as_completed", "iter"],
)
def test_they_work_with_what_takes_futures(
    session: Session, gather: Callable[[FutureList[int]], Any]
) -> None:
    futures = session.map(abs, range(500))
    assert sorted(future.result(30) for future in gather(futures)) == list(range(500))


def test_they_can_be_awaited(session: Session) -> None:
    async def gathered() -> list[int]:
        return await asyncio.gather(*map(asyncio.wrap_future, session.map(abs, range(20))))

    assert asyncio.run(gathered()) == list(range(20))


def test_a_future_lives_as_long_as_somebody_holds_it_or_waits_for_it(session: Session) -> None:
    tasks = core(session).tasks
    tasks.add(3)
    called: list[int] = []
    held = tasks.future(0)
    tasks.future(1)
    tasks.future(2).add_done_callback(lambda future: called.append(future.result()))
    gc.collect()
    assert [*tasks._futures] == [0, 2]
    tasks.settle("p000001-00000", 0, [10, 11, 12])
    gc.collect()
    assert called == [12]
    assert [*tasks._futures] == [0]
    assert (held.result(0), tasks.future(1).result(0), tasks.future(2).result(0)) == (10, 11, 12)
    late = tasks.future(2)
    late.add_done_callback(lambda future: called.append(future.result()))
    del late
    gc.collect()
    assert called == [12, 12]
    assert [*tasks._futures] == [0]
    assert not tasks._held


class Large:
    """A result whose end can be seen."""


def test_an_executors_results_go_with_their_futures() -> None:
    """One that nobody holds is not kept; an error is, and says what became of the call."""
    tasks = TaskList()
    tasks.add(4, holder=Holder.FUTURE)
    held, failed = tasks.future(0), describe(ValueError("of two")).rebuild()
    values = [Large() for _ in range(4)]
    ends = [weakref.ref(value) for value in values]
    tasks.settle("p000001-00000", 0, values, errors={2: failed})
    del values
    gc.collect()
    assert [end() is None for end in ends] == [False, True, True, True]
    assert tasks.future(0) is held
    for gone in (1, 3):
        with pytest.raises(SessionError, match="its future was let go"):
            tasks.future(gone).result(0)
    assert tasks.future(2).exception(0) is failed
    assert tasks.take(4, return_exceptions=True) == []
    assert tasks.unread == 0
    del held
    gc.collect()
    assert ends[0]() is None


def test_results_are_let_go_in_a_loop_over_an_executors_map(fleet: InstantFleet) -> None:
    with starburst.Executor(fleet.connection, workers=2, progress=False) as pool:
        assert list(pool.map(abs, range(9000))) == list(range(9000))
        assert pool.session is not None
        tasks = core(pool.session).tasks
        assert not any(tasks._outcomes._values)
        with pytest.raises(SessionError, match="handed out by an iterator"):
            pool.session.futures[0].result(0)
        assert pool.session.collect() == []
        assert [f.result(30) for f in pool.session.map(abs, [1])] == [9000]  # numbers go on
    assert fleet.asked == ["start", "stop"]


@pytest.mark.parametrize("travel", [pickle.dumps, copy.copy, copy.deepcopy])
def test_futures_do_not_travel(session: Session, travel: Callable[[object], object]) -> None:
    futures = session.map(abs, [1])
    for thing in (futures, futures[0]):
        with pytest.raises(TypeError, match=r"of Starburst cannot be pickled.*process"):
            travel(thing)
        with pytest.raises(UnpicklableInput, match=r"stands for calls in this process; send what"):
            session.submit(abs, thing)  # type: ignore[arg-type]


def test_collecting_hands_each_result_out_once_and_leaves_it_to_its_future(
    session: Session,
) -> None:
    futures = session.map(abs, range(300))
    assert session.collect() == list(range(300))
    more = session.submit(abs, 5)
    assert session.collect() == [300]
    assert session.collect() == []
    assert (futures[7].result(0), more.result(0)) == (7, 300)


def test_a_wait_for_all_ends_only_once_each_touched_future_says_so() -> None:
    """Who collects, and then asks a future, finds it done; a callback does not wait for itself."""
    tasks, told, free = TaskList(), threading.Event(), threading.Event()
    tasks.add(2)
    seen: list[bool] = []

    def callback(_: object) -> None:
        seen.append(tasks.all_done(2))
        told.set()
        assert free.wait(30)

    last = tasks.future(1)
    tasks.future(0).add_done_callback(callback)
    teller = threading.Thread(target=tasks.settle, args=("p000001-00000", 0, "ab"))
    teller.start()
    assert told.wait(30)
    assert (tasks.all_done(2), tasks.is_any_open(2), last.done()) == (False, False, False)
    assert not last.cancel()
    free.set()
    assert tasks.wait(30, lambda: tasks.all_done(2))
    assert last.result(0) == "b"
    teller.join()
    assert seen == [True]


def test_whose_telling_was_interrupted_hears_of_its_end_when_the_session_closes() -> None:
    tasks = TaskList()
    tasks.add(3)

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    futures = [tasks.future(n) for n in range(3)]
    futures[0].add_done_callback(interrupted)
    with pytest.raises(KeyboardInterrupt):
        tasks.settle("p000001-00000", 0, "ab")
    assert [future.done() for future in futures] == [True, False, False]
    assert tasks.wait(0, lambda: tasks.all_done(2)), "and nobody waits for that thread"
    tasks.close(SessionEnded("closed"))
    assert futures[1].result(0) == "b"
    assert isinstance(futures[2].exception(0), SessionEnded)


@pytest.mark.parametrize(
    ("end", "value"), [(Ended.RESULT, 1), (Ended.UNREAD, ValueError()), (Ended.CANCELLED, None)]
)
def test_a_future_that_is_told_of_its_end_twice_says_nothing(
    caplog: pytest.LogCaptureFixture, end: Ended, value: object
) -> None:
    """As where a session closes while its results come."""
    future: Future[Any] = Future()
    for _ in range(2):
        finish(future, end, value)
    finish(future, Ended.RESULT, "late")
    finish(future, Ended.CANCELLED, None)
    assert future.done()
    assert future.cancelled() == (end is Ended.CANCELLED)
    assert not wait([future], timeout=0).not_done, "and who waits for it has heard"
    assert caplog.text == ""

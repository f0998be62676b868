"""``imap`` and ``Executor.map(buffersize=)``: inputs are read as results are taken."""

from __future__ import annotations

import gc
import itertools
import threading
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import starburst
from benchmarks.memory.instant_fleet import InstantFleet
from starburst import ResultIterator
from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.streams import inputs as inputs_module
from starburst._client.streams.streaming import Stream, Window
from starburst._client.tasks import dispatch, outcomes
from starburst._client.tasks.chunking import Inputs
from starburst._client.tasks.dispatch import Dispatcher
from starburst._client.tasks.outcomes import Holder
from starburst._client.tasks.task_list import TaskList
from starburst.errors import (
    ConfigurationError,
    SessionEnded,
    SessionError,
    UnpicklableInput,
    WrongArguments,
)
from tests.runtime.client.lazily.sky import PYTHON
from tests.runtime.fleet import BUCKET, Fleet
from tests.session_internals import core


@pytest.fixture
def fleet_here() -> InstantFleet:
    return InstantFleet(python=PYTHON)


class Counted:
    """Inputs that go on for ever, and how many of them were read."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self) -> Iterator[int]:
        for n in itertools.count():
            self.read += 1
            yield n


def imap(fleet: InstantFleet, inputs: Any, **options: Any) -> ResultIterator[int]:
    options = {"workers": 2, **options}
    return starburst.imap(abs, inputs, environment=fleet.connection, progress=False, **options)


@pytest.mark.parametrize("buffersize", [1, 3, 1000, None])
def test_what_never_ends_is_read_as_results_are_taken(
    fleet_here: InstantFleet, buffersize: int | None
) -> None:
    inputs = Counted()
    results = imap(fleet_here, inputs, buffersize=buffersize)
    assert inputs.read == 0
    assert fleet_here.asked == []
    for n in range(40):
        assert next(results) == n
        if buffersize:
            assert n < inputs.read <= n + buffersize
    if buffersize is None:
        assert inputs.read >= 64
    results.close()
    assert fleet_here.asked == ["start", "stop"]
    assert list(results) == []
    results.close()
    assert fleet_here.asked == ["start", "stop"]


def leave_by_break(results: ResultIterator[int]) -> None:
    for _ in results:
        break


def leave_by_error(results: ResultIterator[int]) -> None:
    with pytest.raises(KeyError), results:
        raise KeyError(next(results))


def leave_by_block(results: ResultIterator[int]) -> None:
    with results as same:
        assert next(same) == 0


def leave_by_exhaustion(results: ResultIterator[int]) -> None:
    assert list(results) == list(range(5))


@pytest.mark.parametrize(
    "leave", [leave_by_break, leave_by_error, leave_by_block, leave_by_exhaustion]
)
def test_however_it_is_left_its_session_ends(
    fleet_here: InstantFleet, leave: Callable[[ResultIterator[int]], None]
) -> None:
    results = imap(fleet_here, range(5) if leave is leave_by_exhaustion else itertools.count())
    leave(results)
    del results
    gc.collect()
    assert fleet_here.asked[0] == "start"
    assert fleet_here.asked[-1] == "stop"
    own = f"starburst-fetch-{fleet_here.session}"  # sessions of other tests may go on beside it
    for thread in threading.enumerate():
        if thread.name.startswith(own):
            thread.join(60)
    assert not any(thread.name.startswith(own) for thread in threading.enumerate())


def test_what_has_no_inputs_or_a_bad_first_one_opens_nothing(fleet_here: InstantFleet) -> None:
    assert list(imap(fleet_here, [])) == []
    with pytest.raises(UnpicklableInput, match="lock"):
        next(imap(fleet_here, [threading.Lock()]))
    with pytest.raises(WrongArguments, match="cannot be called"):
        starburst.imap(5, [1], environment=fleet_here.connection)  # type: ignore[arg-type]
    with pytest.raises(WrongArguments, match="no elements"):
        imap(fleet_here, 5)
    imap(fleet_here, [1])  # and so does what is never asked for a result
    gc.collect()
    assert fleet_here.asked == []


def broken(error: Exception | None) -> Iterator[Any]:
    yield from range(3)
    if error is not None:
        raise error
    yield threading.Lock()
    raise AssertionError("read on")


@pytest.mark.parametrize("door", ["imap", "session.imap", "Executor.map"])
@pytest.mark.parametrize("error", [OSError("the file ended"), None], ids=["raises", "no pickle"])
def test_a_broken_input_comes_after_the_results_before_it(
    fleet_here: InstantFleet, door: str, error: Exception | None
) -> None:
    found = []
    with (
        open_session(fleet_here.connection, SessionOptions(workers=1), progress=False) as session,
        starburst.Executor(fleet_here.connection, workers=1, progress=False) as pool,
    ):
        results: Iterator[Any] = {
            "imap": lambda: imap(fleet_here, broken(error)),
            "session.imap": lambda: session.imap(abs, broken(error)),
            "Executor.map": lambda: pool.map(abs, broken(error), buffersize=2),
        }[door]()
        with pytest.raises(OSError if error else UnpicklableInput):
            found.extend(next(results) for _ in range(4))
        assert list(results) == []


def test_an_executors_map_without_buffersize_reads_all_and_raises_at_once(
    fleet_here: InstantFleet,
) -> None:
    with starburst.Executor(fleet_here.connection, workers=1, progress=False) as pool:
        fleet_here.works = False
        with pytest.raises(OSError, match="ended"):
            pool.map(abs, broken(OSError("ended")))
        assert pool.session is not None
        assert pool.session.tally.cancelled == 3  # nobody would have their results
        fleet_here.works = True
        inputs = iter(range(600))
        results = pool.map(pow, inputs, itertools.repeat(1))
        assert next(inputs, None) is None
        assert len(list(results)) == 600


@pytest.mark.parametrize("buffersize", [0, -1, 1.5, "3", True])
def test_a_buffer_holds_a_whole_number_of_calls(fleet_here: InstantFleet, buffersize: Any) -> None:
    with pytest.raises(ConfigurationError, match="buffersize="):
        imap(fleet_here, [1], buffersize=buffersize)
    with (
        starburst.Executor(fleet_here.connection) as pool,
        pytest.raises(ValueError, match="buffersize="),
    ):
        pool.map(abs, [1], buffersize=buffersize)
    assert fleet_here.asked == []


def test_an_executors_map_keeps_its_timeout_and_cancels_the_rest(fleet_here: InstantFleet) -> None:
    fleet_here.works = False
    with starburst.Executor(fleet_here.connection, workers=1, progress=False) as pool:
        results = pool.map(abs, range(5), timeout=0.05)
        with pytest.raises(TimeoutError):
            next(results)
        assert pool.session is not None
        assert pool.session.tally.cancelled == 5
        assert list(results) == []


def test_an_executors_map_takes_no_more_inputs_after_its_end(fleet_here: InstantFleet) -> None:
    with starburst.Executor(fleet_here.connection, workers=1, progress=False) as pool:
        results = pool.map(abs, itertools.count(), buffersize=4)
        assert next(results) == 0
    with pytest.raises(RuntimeError, match="after shutdown"):
        list(results)
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.map(abs, [1])


def test_an_iterator_of_a_session_takes_its_results_with_it_and_leaves_the_others(
    fleet_here: InstantFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "_TRIM", 100)
    options = SessionOptions(workers=2)
    with open_session(fleet_here.connection, options, progress=False) as session:
        before = session.submit(abs, 1)
        with session.imap(abs, itertools.count(), buffersize=50) as results:
            assert list(itertools.islice(results, 500)) == list(range(1, 501))
        tasks = core(session).tasks
        after = session.submit(abs, 2)
        assert session.collect() == [0, len(tasks) - 1]
        assert (before.result(0), after.result(0)) == (0, len(tasks) - 1)
        assert session.tally.done == len(tasks)


def test_the_default_window_follows_the_results_sizes(fleet_here: InstantFleet) -> None:
    options = SessionOptions(workers=20)
    with open_session(fleet_here.connection, options, progress=False) as session:
        window, collector = Window(core(session), None), core(session).collector
        assert (window(), Window(core(session), 7)()) == (160, 7)
        found = []
        for mean in (10, 1 << 20, 100 << 20):
            collector._results_bytes, collector._results_read = 3 * mean, 3
            found.append(window())
        assert found == [10_000, 256, 80]
    small = open_session(fleet_here.connection, SessionOptions(workers=1), progress=False)
    assert Window(core(small), None)() == 64
    small.cleanup()


def test_a_slow_input_does_not_hold_back_what_was_read_before_it() -> None:
    """Nor does it keep a result waiting that is there."""
    tasks, sent = TaskList(), []

    def submit(inputs: Inputs) -> range:
        numbers = tasks.add(len(inputs), holder=Holder.ITERATOR)
        sent.append(len(numbers))
        tasks.settle("p000001-00000", numbers.start, numbers)
        return numbers

    def slow() -> Iterator[bytes]:
        for _ in range(3):
            yield b"x"
        threading.Event().wait(0.05)
        yield b"y"
        raise AssertionError("read on")

    stream = Stream(tasks, slow(), submit=submit, window=lambda: 100)
    assert next(stream.results()) == 0
    assert sum(sent) == 4


@pytest.mark.usefixtures("forked")
def test_a_call_that_fails_ends_it_and_keeps_what_there_is(
    connection: Connection, fleet: Fleet
) -> None:
    results = starburst.imap(
        lambda x: 12 // (3 - x), itertools.count(), environment=connection, workers=1, buffersize=5
    )
    assert [next(results) for _ in range(3)] == [4, 6, 12]
    with pytest.raises(ZeroDivisionError) as caught:
        next(results)
    notes = "".join(caught.value.__notes__)
    assert "raised for input 3, counted from 0" in notes
    assert "starburst.attach(" in notes
    assert list(results) == []
    assert fleet.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"]


# What takes all inputs before it returns says something before memory is gone.


def by_session(fleet: InstantFleet, inputs: Any) -> None:
    options = SessionOptions(workers=1)
    with open_session(fleet.connection, options, progress=False) as session:
        session.map(abs, inputs)


def by_executor(fleet: InstantFleet, inputs: Any) -> None:
    with starburst.Executor(fleet.connection, workers=1, progress=False) as pool:
        pool.map(abs, inputs)


DOORS: dict[str, Callable[[InstantFleet, Any], Any]] = {
    "map": lambda fleet, inputs: starburst.map(abs, inputs, environment=fleet.connection),
    "session.map": by_session,
    "Executor.map": by_executor,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "inputs",
    [itertools.count(), itertools.cycle([1]), itertools.repeat(1), range(10**12), range(10**30)],
    ids=["count", "cycle", "repeat", "range", "huge range"],
)
def test_inputs_that_never_end_are_refused_at_once(
    fleet_here: InstantFleet, door: str, inputs: Any
) -> None:
    with pytest.raises(ConfigurationError, match=rf"{door}.* (never do|at most).*starburst.imap"):
        DOORS[door](fleet_here, inputs)
    assert "send" not in fleet_here.asked


@pytest.mark.parametrize("door", DOORS)
def test_inputs_without_a_length_are_spoken_of_and_then_refused(
    fleet_here: InstantFleet, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    monkeypatch.setattr(inputs_module, "_MANY_INPUTS", 10)
    monkeypatch.setattr(inputs_module, "MOST_INPUTS", 20)
    counted = Counted()
    with (
        pytest.warns(RuntimeWarning, match=r"has read 11 inputs.*starburst.imap") as warned,
        pytest.raises(ConfigurationError, match=r"21 inputs.*no end was in sight.*starburst.imap"),
    ):
        DOORS[door](fleet_here, counted)
    assert len(warned) == 1
    assert counted.read == 21
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DOORS[door](InstantFleet(python=PYTHON), [*range(20)])  # its length is known


def test_inputs_that_fill_half_of_the_memory_are_refused(
    fleet_here: InstantFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs_module, "_MANY_BYTES", 3000)
    monkeypatch.setattr(
        inputs_module.os, "sysconf", {"SC_PAGE_SIZE": 100, "SC_PHYS_PAGES": 200}.get
    )
    with (
        pytest.warns(RuntimeWarning, match="map has read 3 inputs"),
        pytest.raises(ConfigurationError, match=r"10 inputs of .* half of this machine's memory"),
    ):
        starburst.map(len, ["x" * 1000] * 20, environment=fleet_here.connection)
    assert fleet_here.asked == []


def test_repeating_an_argument_is_no_endless_input(fleet_here: InstantFleet) -> None:
    with starburst.Executor(fleet_here.connection, workers=1, progress=False) as pool:
        assert len(list(pool.map(pow, itertools.repeat(2, 5), itertools.count()))) == 5
        with pytest.raises(ConfigurationError, match="never do"):
            pool.map(pow, itertools.repeat(2), itertools.count())


# And what they hold.


@pytest.mark.parametrize("door", [*DOORS, "starburst.imap"])
def test_who_submits_much_waits_while_much_waits_to_be_sent(
    fleet_here: InstantFleet, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    """So that inputs are not all held where sending is slower than pickling."""
    monkeypatch.setattr(dispatch, "_WAITING_BYTES", 50_000)
    monkeypatch.setattr(dispatch, "_PACK_BYTES", 20_000)
    held: list[int] = []
    accept = Dispatcher.accept

    def weigh(self: Any, *words: Any, **terms: Any) -> range:
        held.append(self._bytes)
        return accept(self, *words, **terms)

    monkeypatch.setattr(Dispatcher, "accept", weigh)
    inputs = [b"x" * 10_000] * 40
    if door == "starburst.imap":
        list(starburst.imap(len, inputs, environment=fleet_here.connection, workers=1))
    elif door == "session.map":
        with open_session(fleet_here.connection, SessionOptions(), progress=False) as session:
            session.map(len, inputs)
    elif door == "Executor.map":
        with starburst.Executor(fleet_here.connection, workers=1, progress=False) as pool:
            list(pool.map(len, inputs))
    else:
        starburst.map(len, inputs, environment=fleet_here.connection, workers=1)
    assert held
    assert max(held) < 50_000


def test_a_session_has_names_for_a_million_packs_and_says_when_they_are_gone(
    fleet_here: InstantFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_MOST_PACKS", 1)
    with open_session(fleet_here.connection, SessionOptions(), progress=False) as session:
        assert session.submit(abs, 1).result(30) == 0
        with pytest.raises(SessionError, match=r"1 packs of tasks.*start a new session"):
            session.submit(abs, 1).result(30)


def peak(work: Callable[[], object]) -> int:
    """Bytes that Python's objects took at most meanwhile."""
    gc.collect()
    tracemalloc.start()
    try:
        kept = work()
        found = tracemalloc.get_traced_memory()[1]
        del kept
        return found
    finally:
        tracemalloc.stop()


def test_a_task_costs_a_map_few_bytes_and_an_iterator_none(
    fleet_here: InstantFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "_TRIM", 500)
    options: dict[str, Any] = {"environment": fleet_here.connection, "workers": 2}

    def mapped(tasks: int) -> int:
        return peak(lambda: starburst.map(abs, range(tasks), **options))

    def iterated(tasks: int) -> int:
        results = starburst.imap(abs, itertools.count(), buffersize=500, **options)
        with results:
            return peak(lambda: sum(itertools.islice(results, tasks)))

    mapped(10)
    assert (mapped(9000) - mapped(3000)) / 6000 <= 300
    # The fleet here remembers each chunk, and what is under way varies.
    assert iterated(7000) - iterated(2000) <= 400_000


def test_a_session_that_ended_under_an_iterator_says_so(fleet_here: InstantFleet) -> None:
    session = open_session(fleet_here.connection, SessionOptions(workers=1), progress=False)
    results = session.imap(abs, itertools.count(), buffersize=2)
    assert next(results) == 0
    session.cleanup()
    with pytest.raises(SessionEnded):
        list(results)

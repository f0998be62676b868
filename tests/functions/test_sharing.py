"""What several functions and inputs hold is sent once, and arrives as if it were each one's own."""

from __future__ import annotations

import collections
import copy
import functools
import os
import pickle
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import starburst
from starburst._functions.calls import call, with_function
from starburst._functions.objects import handles
from starburst._functions.objects.arrived import loads, objects
from starburst._functions.objects.handles import source_of
from starburst._functions.payload import LargePayloadWarning, load
from starburst._functions.sharing import Sharing
from starburst._protocol.sealed.code.parcels import (
    MAX_OBJECT_BYTES,
    Parcel,
    objects_of,
    read_parcel,
)
from starburst.errors import IntegrityError, UnpicklableInput
from starburst.worker.objects.kept import KeptObjects
from tests.some import some

LONG = 3_000
LEAST = 1 << 14
MOST = 10**9


_there: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


@contextmanager
def elsewhere() -> Iterator[None]:
    """Be a process that has put nothing itself."""
    here, handles._sources = handles._sources, _there
    try:
        yield
    finally:
        handles._sources = here


class Client:
    """A client whose objects are handed to this process, as a worker hands them to its child."""

    def __init__(self) -> None:
        self.sharing = Sharing(most=MOST)
        self.stored: dict[str, bytes] = {}
        self.kept = KeptObjects(self.stored.__getitem__, most=MOST)

    def deliver(self) -> None:
        for name, parcel in self.sharing.waiting():
            self._store(name, parcel)

    def put(self, value: Any) -> Any:
        self.sharing.session = "here"
        return self.sharing.put(value, store=self._store, read=self._read)

    def _store(self, name: str, parcel: Parcel) -> None:
        self.stored[name] = b"".join(parcel.parts())
        self.kept.fetch([name], beside=())
        with elsewhere():
            objects.add(name, os.dup(self.kept.file(name)))

    def _read(self, name: str) -> Parcel:
        return read_parcel(self.stored[name])

    def send(self, value: object) -> Any:
        """Return an argument as a task gets it."""
        data = self.sharing.input(((value,), {}))
        self.deliver()
        with elsewhere():
            [arrived], _ = loads(data)
        return arrived

    def close(self) -> None:
        for name in self.stored:
            objects.forget(name)
        self.kept.close()


@pytest.fixture(autouse=True)
def least(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have less count as large than in earnest."""
    monkeypatch.setattr("starburst._functions.sharing.SHARED_BYTES", LEAST)
    monkeypatch.setattr("starburst._functions.putting._BESIDE_BYTES", LEAST)


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.close()


def numbers() -> np.ndarray[Any, Any]:
    return np.arange(float(LONG))


def sliced() -> np.ndarray[Any, Any]:
    return np.arange(4.0 * LONG).reshape(2, -1)[:, ::2]


def records() -> np.ndarray[Any, Any]:
    return np.ones(LONG, dtype=[("a", "f8"), ("b", "i4")])


def frame() -> pd.DataFrame:
    return pd.DataFrame({"a": numbers(), "b": np.arange(LONG), "c": ["x", "y"] * (LONG // 2)})


def table() -> pa.Table:
    return pa.table({"a": numbers(), "s": ["abcdefgh"] * LONG})


def text() -> str:
    return "é\ud800" * (LONG * 4)


LARGE: tuple[Callable[[], Any], ...] = (
    *(numbers, sliced, records, frame, table, text),
    lambda: np.asfortranarray(np.arange(2.0 * LONG).reshape(2, -1)),
    lambda: np.ma.masked_less(numbers(), 5),
    lambda: b"0123456789" * LONG,
    lambda: bytearray(b"0123456789" * LONG),
    lambda: [n / 7 for n in range(2 * LONG)],
    lambda: (frozenset(range(3 * LONG)), tuple(range(3 * LONG))),
    lambda: {f"name {n}": [None, 1, True, 2.0, "x"][n % 5] for n in range(2 * LONG)},
    lambda: np.array([f"name {n}" for n in range(2 * LONG)], dtype=object),
    lambda: {"deep": [(numbers(), {"er": b"x" * LEAST})]},
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        equal = np.ma.allequal if isinstance(one, np.ma.MaskedArray) else np.array_equal
        return (
            type(one) is type(other)
            and one.dtype == other.dtype
            and one.flags.f_contiguous == other.flags.f_contiguous
            and bool(equal(one, other))
        )
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
        return True
    return bool(one == other)


@pytest.mark.parametrize("make", LARGE)
def test_what_inputs_repeat_is_sent_once_and_is_each_ones_own(
    client: Client, make: Callable[[], Any]
) -> None:
    value = make()
    sent = []
    for number in range(5):
        data = client.sharing.input(((value, number, [value]), {}))
        client.deliver()
        sent.append(len(data))
        args, kwargs = loads(data)
        assert (args[1], kwargs) == (number, {})
        assert same(value, args[0])
        assert args[2][0] is args[0]
    assert sent[0] > LEAST
    assert max(sent[1:]) < sent[0] / 3
    assert sum(map(len, client.stored.values())) < 1.1 * sent[0]


@pytest.mark.parametrize("make", LARGE)
def test_of_inputs_that_are_known_beforehand_the_first_names_it_too(
    client: Client, make: Callable[[], Any]
) -> None:
    value = make()
    payloads = list(client.sharing.inputs(((value, n), {}) for n in range(4)))
    client.deliver()
    total = sum(map(len, payloads)) + sum(map(len, client.stored.values()))
    assert total < 2 * len(pickle.dumps(value, 5))
    assert len({*map(len, payloads)}) == 1
    assert all(same(value, loads(each)[0][0]) for each in payloads)


def test_what_is_changed_in_between_is_sent_and_a_task_changes_its_own(client: Client) -> None:
    x = numbers()
    for n in range(4):
        arrived = client.send(x)
        assert arrived.flags.writeable
        assert arrived[0] == n
        arrived[:] = -1  # a task's own
        x[0] += 1


def test_equal_arrays_of_one_input_stay_two(client: Client) -> None:
    x = numbers()
    for _ in range(3):
        one, other, again = client.send((x, x.copy(), x))
        assert one is again
        one[0] = 7
        assert other[0] == 0


def test_of_very_many_the_largest_are_shared(client: Client) -> None:
    """Each is a file to a worker's process, which may have a thousand."""
    many = [numbers() + n for n in range(70)]
    many[69] = np.arange(2.0 * LONG)
    for _ in range(3):
        assert same(many, client.send(many))
    assert len(client.stored) == 64
    assert max(map(len, client.stored.values())) > many[69].nbytes


def test_what_differs_is_not_stored_apart(client: Client) -> None:
    """Inputs that have nothing in common travel in their packs, however large they are."""
    for n in range(4):
        assert client.send(numbers() + n)[0] == n
    assert not client.stored


def test_arrays_that_only_look_alike_are_told_apart(client: Client) -> None:
    x = np.zeros(LONG)
    for n in range(6):
        x[LONG // 2 + 7] = n  # no sample is taken there
        assert client.send(x)[LONG // 2 + 7] == n


class Model:
    def __init__(self, weights: Any) -> None:
        self.weights = weights

    def predict(self, n: int) -> float:
        return float(self.weights[n])

    def __call__(self, n: int) -> float:
        return self.predict(n)


def capturing(x: Any) -> list[Callable[[int], float]]:
    return [
        lambda n: float(x[n]),
        lambda n, y=x: float(y[n]),
        functools.partial(lambda y, n: float(y[n]), x),
        Model(x).predict,
        Model(x),
    ]


def test_what_functions_capture_is_sent_once_and_as_it_is_then(client: Client) -> None:
    x = numbers()
    for first in (0, 5):
        x[0] = first
        for function in some(capturing(x)):
            data = client.sharing.function(function)
            client.deliver()
            assert len(data) < LEAST
            assert [load(data)(n) for n in (0, 3)] == [first, 3]
    assert len(client.stored) == 2


def test_a_function_that_travels_with_its_arguments_gets_them(client: Client) -> None:
    x = numbers()
    handle = client.put(x)

    def f(y: Any, n: int, *, more: Any) -> float:
        return float(x[n] + y[n] + more["x"][n] + handle.value[n])

    function, data = client.sharing.call(f, (x, 3), {"more": {"x": handle}})
    sent = with_function(function, data)
    client.deliver()
    args, _ = load(sent)
    assert call(*args) == 12.0
    assert set(objects_of(sent)) == client.stored.keys()


def add(a: int, b: int = 0, *, c: int = 0) -> int:
    return a + 10 * b + 100 * c


@pytest.mark.parametrize(
    "partial",
    [
        functools.partial(add, 1),
        functools.partial(functools.partial(add, c=5), 1, c=6),
        functools.partial(add, 1, b=3),
        functools.partial(Model([5, 6]), 1),
    ],
)
def test_a_partial_is_sent_as_what_it_calls(client: Client, partial: Any) -> None:
    kwargs = {} if partial.func is not add else {"c": 2}
    args = () if "b" in partial.keywords or partial.func is not add else (4,)
    function, data = client.sharing.call(partial, args, kwargs)
    assert not isinstance(load(function), functools.partial)
    args_there, kwargs_there = load(data)
    assert load(function)(*args_there, **kwargs_there) == partial(*args, **kwargs)


def test_a_partial_of_much_is_one_function_and_not_much_in_each_call(client: Client) -> None:
    for much in ([(n, n) for n in range(20_000)], list(range(50_000))):
        partial = functools.partial(max, much)
        sent = [client.sharing.call(partial, (), {}) for _ in range(3)]
        client.deliver()
        assert sent[1] == sent[2]
        for function, data in sent:
            args, kwargs = load(data)
            assert load(function)(*args, **kwargs) == much[-1]
            assert len(data) < 200
    with pytest.raises(UnpicklableInput, match=r"the function .*argument 1"):
        client.sharing.call(functools.partial(max, (n for n in range(3))), (), {})


Point = collections.namedtuple("Point", "x y")


@dataclass
class Holder:
    handle: Any


def test_an_argument_arrives_as_its_value_and_code_asks_its_handle(client: Client) -> None:
    x = numbers()
    for handle in (client.put(x), starburst.put(x)):
        got = client.send([handle, {"k": (handle, 1)}, Point(handle, 2), Holder(handle), {1, 2}])
        plain, nested, point, holder, others = got
        assert isinstance(plain, np.ndarray)
        assert plain is nested["k"][0] is point.x is holder.handle.value
        assert isinstance(point, Point)
        assert (nested["k"][1], point.y, others) == (1, 2, {1, 2})
        assert isinstance(holder.handle, starburst.Handle)
        with pytest.raises(AttributeError, match=r"handle\.value\.sum"):
            holder.handle.sum()
        with pytest.raises(ValueError, match="read-only"):
            plain[0] = 1
        base = plain
        while isinstance(base.base, np.ndarray):
            base = base.base
        objects.end_task()
        again = client.send(handle)
        assert again is not plain
        assert np.shares_memory(again, plain)


@pytest.mark.parametrize("make", LARGE)
def test_what_was_put_is_equal_there_and_here_and_each_tasks_own(
    client: Client, make: Callable[[], Any]
) -> None:
    value = make()
    for put in (client.put, starburst.put):
        handle = put([value, "small"])
        assert same([value, "small"], handle.value)
        assert handle.value is handle.value
        assert copy.deepcopy(handle) is handle
        arrived = client.send(handle)
        assert same([value, "small"], arrived)
        arrived.append("of one task")
        objects.end_task()
        assert len(client.send(handle)) == 2


def test_put_takes_a_copy_and_equal_values_are_one(client: Client) -> None:
    x = numbers()
    loose, bound = starburst.put(x), client.put(x)
    assert source_of(client.put(x.copy())) is not source_of(bound)
    assert len(client.stored) == 1
    assert source_of(starburst.put(x.copy())) is source_of(loose)
    x[0] = 9
    assert loose.value[0] == bound.value[0] == client.send(loose)[0] == client.send(bound)[0] == 0
    assert client.put(x).value[0] == starburst.put(x).value[0] == 9
    text = client.put(b"x" * LEAST)
    first = client.send(text)
    objects.end_task()
    assert client.send(text) is first  # what cannot change is one in a process


@pytest.mark.parametrize("door", ["session", "loose"])
def test_handles_within_what_is_put_are_values_there(client: Client, door: str) -> None:
    put = client.put if door == "session" else starburst.put
    inner = put(numbers())
    outer = put({"inner": [inner], "of mine": Holder(inner)})
    last = put([outer])
    for got in (last.value, client.send(last)):
        assert got[0]["inner"][0][3] == 3
        assert got[0]["of mine"].handle.value[4] == 4


def test_a_handle_of_another_session_is_refused_by_name(client: Client) -> None:
    handle = client.put(numbers())
    other = Sharing(most=MOST)
    for session, said in (("", "a new session"), ("there", "session there")):
        other.session = session
        for send in (
            lambda: other.input(((handle,), {})),
            lambda: other.function(lambda: handle.value),
            lambda: other.put([handle], store=lambda *_: None, read=lambda _: Parcel(sections=())),
        ):
            with pytest.raises(UnpicklableInput, match=f"ndarray, .* session here .* {said}"):
                send()
    with pytest.raises(UnpicklableInput, match="put both"):
        starburst.put([handle])
    with pytest.raises(pickle.PicklingError, match=r"handle\.value"):
        pickle.dumps(handle)


def test_too_much_is_refused_before_it_is_read() -> None:
    sharing = Sharing(most=2_000_000)
    huge = np.empty(MAX_OBJECT_BYTES + 1, dtype="u1")  # no memory is touched
    with pytest.raises(UnpicklableInput, match="2,000 MB, and at most 2,000 MB"):
        starburst.put(huge)
    never: Any = None
    with pytest.raises(UnpicklableInput, match=r"3 MB, and at most 2 MB.*memory="):
        sharing.put(np.zeros(3_000_000, dtype="u1"), store=never, read=never)
    two = [starburst.put(np.full(1_500_000, n, dtype="u1")) for n in range(2)]
    sharing.input((two[:1], {}))
    with pytest.raises(UnpicklableInput, match=r"one task needs .* 3 MB.* 2 MB: half"):
        sharing.input((two, {}))


def test_what_cannot_be_found_to_repeat_is_told_of_once(client: Client) -> None:
    names = {n: [n] for n in range(10_000)}
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        many = Sharing(most=MOST)
        size = len(many.input(((names, 0), {})))
        many._told = 200_000_000 - size
        for n in range(3):
            many.input(((names, n), {}))
    [told] = [str(w.message) for w in seen if issubclass(w.category, LargePayloadWarning)]
    assert "starburst.put" in told


@pytest.mark.parametrize(
    "data",
    [
        b"SBP1",
        b"SBP1\0\0\1\0",
        b"SBP1\0\0\0\1\xc0",
        b"".join(Parcel(sections=(b"ab",)).parts())[:-1],
    ],
)
def test_a_parcel_that_cannot_be_read_says_so(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="malformed"):
        read_parcel(data)

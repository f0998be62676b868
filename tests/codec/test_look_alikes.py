"""Keys and members that look alike, or are not even equal to themselves, are none of them lost."""

from __future__ import annotations

import collections
import dataclasses
import math
import struct
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from starburst._codec import decode_each, encode_batch

RoundTrip = Callable[..., Any]


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclasses.dataclass(frozen=True)
class Reading:
    value: Any


@dataclasses.dataclass(eq=False)
class Sample:
    """Two of these are two, whatever they hold."""

    value: Any


def nan() -> float:
    """A NaN of its own: two of them are two keys, and one that is shared is one."""
    return float("nan")


SHARED = nan()
OTHER_BITS: float = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000001))[0]

ALIKE: dict[str, Callable[[], list[Any]]] = {
    "NaN of Python": lambda: [nan(), nan(), OTHER_BITS],
    "NaN of NumPy": lambda: [np.float64("nan"), np.float64("nan"), math.nan],
    "NaN of every width": lambda: [
        kind("nan") for kind in (np.float16, np.float32, np.float64, float) for _ in range(2)
    ],
    "NaN of complex numbers": lambda: [
        *(complex(nan(), 1) for _ in range(2)),
        *(np.complex128(complex(nan(), 1)) for _ in range(2)),
        *(np.complex64(complex(1, nan())) for _ in range(2)),
    ],
    "NaT of one unit": lambda: [np.datetime64("NaT", "ns") for _ in range(3)],
    "NaT of every kind": lambda: [
        *(np.datetime64("NaT", unit) for unit in ("ns", "s", "D")),
        *(np.timedelta64("NaT", unit) for unit in ("ns", "s", "D")),
        np.datetime64("NaT"),
        pd.NaT,
    ],
    "NaN of Decimal": lambda: [Decimal("NaN"), Decimal("NaN"), Decimal("-NaN"), Decimal("NaN7")],
    "missing of every kind": lambda: [None, pd.NA, pd.NaT, nan(), np.float64("nan"), "nan", ""],
    "NaN within tuples": lambda: [
        (nan(), 1),
        (nan(), 1),
        (SHARED, 1),
        (SHARED, 2),
        (np.float64("nan"), 1),
        (np.float64("nan"), 1),
    ],
    "NaN within frozen sets": lambda: [
        frozenset({nan()}),
        frozenset({nan()}),
        frozenset({np.float64("nan"), np.float64("nan")}),
    ],
    "NaN within tuples within tuples": lambda: [((np.float64("nan"),),), ((np.float64("nan"),),)],
    "NaN within records": lambda: [
        Pair(np.float64("nan"), 1),
        Pair(np.float64("nan"), 1),
        Reading(np.float64("nan")),
        Reading(np.float64("nan")),
    ],
    "records that are themselves alone": lambda: [Sample(1), Sample(1), Sample(2)],
    "a number and its text": lambda: [1, "1", b"1", (1,), ("1",), frozenset({1})],
    "numbers on either side of 64 bits": lambda: [2**63, 2**64, -(2**63), -(2**64), 2.0**70],
}


def look(value: Any) -> Any:
    """What can be seen of a value, without asking whether it equals anything: type, and content."""
    seen: Any = repr(value)
    if isinstance(value, np.generic):
        seen = value.dtype.str, value.tobytes()
    elif isinstance(value, float):
        seen = struct.pack("<d", value)
    elif isinstance(value, complex):
        seen = struct.pack("<dd", value.real, value.imag)
    elif isinstance(value, tuple | list):
        seen = [look(each) for each in value]
    elif isinstance(value, dict):
        seen = looks(value.items())
    elif isinstance(value, set | frozenset):
        seen = looks(value)
    elif dataclasses.is_dataclass(value):
        seen = look(vars(value)["value"])
    return type(value), seen


def looks(values: Iterable[Any]) -> list[str]:
    """Each value's look, sorted: the looks of a set."""
    return sorted(repr(look(each)) for each in values)


@pytest.mark.parametrize("kind", ALIKE)
def test_keys_that_look_alike_stay_apart_each_with_its_value(
    round_trip: RoundTrip, kind: str
) -> None:
    keys = ALIKE[kind]()
    value = {key: n for n, key in enumerate(keys)}
    assert len(value) == len(keys)
    made: list[Any] = [
        value,
        collections.OrderedDict(value),
        collections.Counter(value),
        collections.defaultdict(int, value),
    ]
    for each in made:
        back = round_trip([each])[0]
        assert type(back) is type(each)
        assert [look(pair) for pair in back.items()] == [look(pair) for pair in each.items()]


@pytest.mark.parametrize("kind", ALIKE)
def test_members_that_look_alike_stay_apart(round_trip: RoundTrip, kind: str) -> None:
    members = ALIKE[kind]()
    for each in (set(members), frozenset(members)):
        assert len(each) == len(members)
        assert look(round_trip({"a": each})["a"]) == look(each)


@pytest.mark.parametrize("kind", ALIKE)
def test_a_batch_that_is_read_one_by_one_keeps_them_apart(kind: str) -> None:
    """As where another result of the batch cannot be read here."""
    value = {key: n for n, key in enumerate(ALIKE[kind]())}
    encoded, refused = encode_batch([value, set(value), [value]], mode="data")
    assert not refused
    data = memoryview(bytearray(b"".join(encoded.parts)))
    found = decode_each(encoded.format, data, mode="data")
    assert looks(found) == looks([value, set(value), [value]])


@pytest.mark.parametrize(
    "pair",
    [(1, True), (1.0, 1), (0.0, -0.0), (np.float64(1), 1), (np.str_("a"), "a"), ((1,), (True,))],
    ids=repr,
)
def test_of_keys_that_are_equal_the_one_that_is_there_comes_back(
    round_trip: RoundTrip, pair: tuple[Any, Any]
) -> None:
    """Python keeps the first key and the last value: a key's type and sign are data too."""
    for first, second in (pair, pair[::-1]):
        value = {first: "first", second: "second"}
        back = round_trip(value)
        assert look(back) == look(value)
        assert look(next(iter(back))) == look(first)
        assert look(round_trip({first})) == look({first})

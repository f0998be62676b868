"""Python's own values come back equal, and of the same type, at any depth."""

import collections
import datetime as dt
import math
import pathlib
import subprocess
import sys
import uuid
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starburst._codec import decode_batch, encode, encode_batch
from starburst.errors import UnsafeResult

RoundTrip = Callable[..., Any]
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")

keys = st.one_of(
    st.integers(), st.text(max_size=8), st.booleans(), st.none(), st.binary(max_size=8), st.dates()
)
leaves = st.one_of(
    keys,
    st.floats(),
    st.complex_numbers(),
    st.integers(min_value=-(2**200), max_value=2**200),
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.uuids(),
    st.datetimes(timezones=st.sampled_from([None, dt.UTC, BERLIN])),
    st.times(),
    st.timedeltas(),
    st.binary(max_size=8).map(bytearray),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(keys, st.tuples(keys, keys)), inner, max_size=4),
        st.sets(keys, max_size=4),
        st.frozensets(keys, max_size=4),
    ),
    max_leaves=12,
)


def same(left: Any, right: Any) -> bool:
    """Compare types too, and NaN as itself."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, float | complex):
        return repr(left) == repr(right)
    if isinstance(left, dt.datetime | dt.time):
        return (left, left.fold, left.tzinfo) == (right, right.fold, right.tzinfo)
    return left == right


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(value=values)
def test_any_nesting_comes_back(round_trip: RoundTrip, value: object) -> None:
    assert same(round_trip(value), value)


@pytest.mark.parametrize(
    "value",
    [
        2**63,
        2**64 - 1,
        2**64,
        -(2**63) - 1,
        math.inf,
        -0.0,
        "\ud800",
        b"a" * 10_000,
        bytearray(b"a" * 10_000),
        range(3, 9, 2),
        dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN),
        dt.datetime.max,
        dt.timezone(dt.timedelta(hours=5, minutes=30), "here"),
        dt.timezone(dt.timedelta(seconds=-1)),
        dt.timedelta.min,
        BERLIN,
        Decimal("-0.00"),
        Decimal("1E+1000"),
        Fraction(-1, 3),
        uuid.UUID(int=0),
        pathlib.Path("/data/x"),
        pathlib.PurePosixPath("a"),
        pathlib.PureWindowsPath("c:\\a"),
        collections.OrderedDict(b=1, a=2),
        collections.Counter("aab"),
        collections.defaultdict(list, a=[1]),
        collections.defaultdict(None, a=1),
        collections.deque([1, 2], maxlen=2),
        {frozenset({1}): (1, (2, ())), (None, True): {"x": {1}}},
    ],
    ids=repr,
)
def test_value_comes_back(round_trip: RoundTrip, value: object) -> None:
    back = round_trip(value)
    assert same(back, value)
    assert repr(back) == repr(value) or isinstance(value, set | frozenset)


def test_large_bytes_are_not_copied_when_encoded() -> None:
    value = b"x" * 10**6
    encoded = encode({"a": [value]}, mode="data")
    assert any(isinstance(part, memoryview) and part.obj is value for part in encoded.parts)


def test_batch_reports_each_refusal_by_position() -> None:
    results = [1, object(), "x", [lambda: 1], b"y" * 9000]
    encoded, refused = encode_batch(results, mode="data")
    data = memoryview(bytearray(b"".join(encoded.parts)))
    assert decode_batch(encoded.format, data, mode="data") == [1, None, "x", None, b"y" * 9000]
    assert sorted(refused) == [1, 3]
    assert all(isinstance(error, UnsafeResult) for error in refused.values())
    assert "result[0]" in str(refused[3])


def test_empty_batch() -> None:
    encoded, refused = encode_batch([], mode="data")
    assert decode_batch("data", memoryview(b"".join(encoded.parts)), mode="data") == []
    assert not refused


def test_nothing_heavy_is_imported_for_plain_values() -> None:
    program = (
        "import sys; from starburst._codec import encode, decode;"
        "e = encode({'a': [1, (2.5, None)]}, mode='data');"
        "decode(e.format, memoryview(b''.join(e.parts)), mode='data');"
        "print(sorted({'numpy', 'pandas', 'polars', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)  # noqa: S603
    assert done.stdout.strip() == b"[]"

"""What chance makes comes back bit for bit, or is refused by name: never silently changed."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import re
import struct
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from pandas.testing import assert_frame_equal
from polars.testing import assert_frame_equal as assert_polars_equal
from polars.testing.parametric import dataframes

from starburst._codec import encode
from starburst.errors import UnsafeResult

RoundTrip = Callable[..., Any]
quick = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@quick
@given(bits=st.integers(min_value=0, max_value=2**64 - 1))
def test_any_float_comes_back_with_its_bits(round_trip: RoundTrip, bits: int) -> None:
    """Infinities, negative zero, subnormal numbers and whatever a NaN holds."""
    for each in (bits, bits | 0x7FF0000000000000, bits | 0xFFF0000000000000):
        (number,) = struct.unpack("<d", struct.pack("<Q", each))
        back = round_trip([number, (number,), {"a": number}])
        same = struct.pack("<d", number)
        assert [struct.pack("<d", x) for x in (back[0], back[1][0], back[2]["a"])] == [same] * 3


@quick
@given(text=st.text(st.characters(exclude_categories=()), max_size=40), number=st.integers())
def test_any_text_comes_back(round_trip: RoundTrip, text: str, number: int) -> None:
    """Surrogates too, wherever text can stand; and integers of any length."""
    value = {text: [text, (text, number)], number: {text, number}, (text,): number**9}
    assert round_trip(value) == value


dtypes = (
    npst.scalar_dtypes()
    | npst.unicode_string_dtypes(max_len=3)
    | npst.byte_string_dtypes(max_len=3)
    | npst.array_dtypes(max_size=3)
).filter(lambda dtype: "float128" not in str(dtype) and "complex256" not in str(dtype))
shapes = npst.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)


@quick
@given(data=st.data())
def test_any_view_of_an_array_comes_back(round_trip: RoundTrip, data: st.DataObject) -> None:
    """Steps, reversed axes, transposed and broadcast ones, one element, none at all."""
    array = data.draw(npst.arrays(dtypes, shapes))
    index = npst.basic_indices(array.shape, allow_newaxis=True, allow_ellipsis=True)
    view = np.asarray(array[data.draw(index)])
    for each in (view, view.T, np.broadcast_to(view, (2, *view.shape))):
        back = round_trip(each)
        assert (back.dtype, back.shape, back.tobytes()) == (each.dtype, each.shape, each.tobytes())


@quick
@given(data=st.data(), hard=st.booleans(), fill=st.booleans())
def test_any_masked_array_comes_back(
    round_trip: RoundTrip, data: st.DataObject, hard: bool, fill: bool
) -> None:
    """What is under the mask too; a fill value only where one was set."""
    array = data.draw(npst.arrays(dtypes.filter(lambda each: each.names is None), shapes))
    mask = data.draw(npst.arrays(np.bool_, array.shape) | st.none())
    masked = np.ma.MaskedArray(
        array,
        mask=np.ma.nomask if mask is None else mask,
        hard_mask=hard,
        fill_value=array.flat[0] if fill and array.size else None,
    )
    for each in (masked, masked[::-1]):
        before: Any = each
        back: Any = round_trip({"a": each})["a"]
        assert type(back) is np.ma.MaskedArray
        assert (back.dtype, back.shape) == (each.dtype, each.shape)
        assert np.asarray(back.data).tobytes() == np.asarray(each.data).tobytes()
        assert np.array_equal(np.ma.getmaskarray(back), np.ma.getmaskarray(each))
        assert (back.mask is np.ma.nomask, back.hardmask) == (mask is None, hard)
        assert repr(vars(back)["_fill_value"]) == repr(vars(before)["_fill_value"])


def test_the_masked_value_stays_the_one_there_is(round_trip: RoundTrip) -> None:
    mean = np.ma.array([1.0, 2.0], mask=True).mean()
    assert round_trip({"mean": mean})["mean"] is np.ma.masked
    objects = np.ma.array(["x", None], mask=[True, False], dtype=object)
    assert round_trip(objects).tolist() == [None, None]


NULLABLE = ("Int8", "UInt64", "Float32", "Float64", "boolean", "string", "str")


@st.composite
def columns(draw: st.DrawFn, size: int) -> Any:
    """One column of any kind that pandas has, with and without missing values."""
    missing = draw(st.lists(st.booleans(), min_size=size, max_size=size))

    def some(strategy: st.SearchStrategy[Any]) -> list[Any]:
        values = draw(st.lists(strategy, min_size=size, max_size=size))
        return [None if gone else value for gone, value in zip(missing, values, strict=True)]

    kind = draw(
        st.sampled_from([*NULLABLE, "category", "dates", "zoned", "deltas", "any", "numpy"])
    )
    if kind == "numpy":
        dtype = draw(st.sampled_from(["i1", "u8", "f4", "f8", "c16", "?", "M8[s]", "m8[ns]"]))
        return draw(npst.arrays(np.dtype(dtype), size))
    if kind == "category":
        categories = draw(st.lists(st.text(max_size=3), min_size=1, max_size=4, unique=True))
        taken = some(st.sampled_from(categories))
        return pd.Categorical(taken, categories=categories, ordered=draw(st.booleans()))
    if kind in ("dates", "zoned"):
        moments = st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2200, 1, 1))
        unit: Any = draw(st.sampled_from(["s", "ms", "us", "ns"]))
        index = pd.DatetimeIndex(some(moments)).as_unit(unit)
        return index if kind == "dates" else index.tz_localize("UTC").tz_convert("Asia/Tokyo")
    if kind == "deltas":
        return pd.TimedeltaIndex(some(st.timedeltas(dt.timedelta(-9), dt.timedelta(9))))
    if kind == "any":
        leaf = st.none() | st.floats() | st.text(max_size=3) | st.tuples(st.integers())
        return pd.Series(some(leaf | st.lists(st.integers(), max_size=2)), dtype=object)
    inner = {
        "Int8": st.integers(-128, 127),
        "UInt64": st.integers(0, 2**64 - 1),
        "Float32": st.floats(width=32, allow_nan=False),
        "Float64": st.floats(allow_nan=False),
        "boolean": st.booleans(),
    }.get(kind, st.text(max_size=3))
    return pd.array(some(inner), dtype=kind)


@quick
@given(data=st.data(), size=st.integers(0, 4), width=st.integers(0, 4))
def test_any_frame_comes_back(
    round_trip: RoundTrip, data: st.DataObject, size: int, width: int
) -> None:
    """Empty ones, duplicate names, levels on both axes, every kind of column."""
    frame = pd.DataFrame(
        {n: pd.Series(data.draw(columns(size))) for n in range(width)}, index=range(size)
    )
    names = data.draw(
        st.lists(st.sampled_from(["a", "b", 0, None, ("x", 1)]), min_size=width, max_size=width)
    )
    frame.columns = pd.Index(names, dtype=object, tupleize_cols=False)
    if data.draw(st.booleans()):
        frame.index = pd.MultiIndex.from_arrays([range(size), ["k"] * size], names=["u", None])
    if data.draw(st.booleans()):
        frame.attrs = {"unit": "mg", "of": [1, (2,)]}
    back = round_trip({"a": [frame]})["a"][0]
    assert_frame_equal(back, frame, check_exact=True, check_freq=True, check_column_type=True)
    assert back.attrs == frame.attrs


def test_what_is_set_on_a_frame_comes_along(round_trip: RoundTrip) -> None:
    frame = pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False)
    assert not round_trip(frame).flags.allows_duplicate_labels
    series = pd.Series([1.5], name="s")
    series.attrs["unit"] = {"name": "mg"}
    assert round_trip(series).attrs == {"unit": {"name": "mg"}}
    series.attrs["call"] = print
    with pytest.raises(UnsafeResult, match="its attrs hold a builtin_function_or_method"):
        round_trip(series)


polars_frames = dataframes(
    max_cols=4,
    max_size=4,
    excluded_dtypes=[pl.Object, pl.Extension],
    allow_time_zones=True,
    allow_null=True,
)


@quick
@given(frame=polars_frames)
def test_any_polars_frame_comes_back(round_trip: RoundTrip, frame: pl.DataFrame) -> None:
    back = round_trip({"a": [frame]})["a"][0]
    assert back.schema == frame.schema
    assert_polars_equal(back, frame, check_exact=True)
    for name in frame.columns:
        assert round_trip(frame[name]).equals(frame[name], null_equal=True)


arrow_leaves = st.sampled_from(
    [
        (pa.int8(), 1),
        (pa.float16(), 1.5),
        (pa.large_string(), "x"),
        (pa.string_view(), "a text of more than twelve bytes"),
        (pa.binary(3), b"abc"),
        (pa.decimal128(9, 2), decimal.Decimal("1.50")),
        (pa.decimal256(40, 2), decimal.Decimal("1.50")),
        (pa.timestamp("us", "Asia/Tokyo"), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        (pa.duration("ms"), dt.timedelta(1)),
        (pa.time64("ns"), dt.time(1)),
        (pa.date32(), dt.date(2026, 1, 1)),
        (pa.month_day_nano_interval(), (1, 2, 3)),
        (pa.null(), None),
        (pa.bool_(), True),
    ]
)
arrow_kinds = st.recursive(
    arrow_leaves,
    lambda inner: st.one_of(
        inner.map(lambda kind: (pa.list_(kind[0]), [kind[1], None])),
        inner.map(lambda kind: (pa.large_list(kind[0]), [])),
        inner.map(lambda kind: (pa.list_(kind[0], 2), [kind[1], None])),
        inner.map(lambda kind: (pa.struct([("f", kind[0])]), {"f": kind[1]})),
        inner.map(lambda kind: (pa.map_(pa.string(), kind[0]), [("k", kind[1])])),
    ),
    max_leaves=3,
)


@quick
@given(kinds=st.lists(arrow_kinds, max_size=4), size=st.integers(0, 4))
def test_any_arrow_table_comes_back(round_trip: RoundTrip, kinds: Any, size: int) -> None:
    arrays = [pa.array([value, None][: max(size, 0)] * 2, kind) for kind, value in kinds]
    table = pa.table(arrays, names=["same name"] * len(arrays), metadata={"k": "v"})
    for each in (table, table.slice(1), *table.columns, *arrays, *(a[1:] for a in arrays)):
        back = round_trip(each)
        assert type(back) is type(each)
        assert back.equals(each)
    assert round_trip(table).schema.equals(table.schema, check_metadata=True)


REFUSED: list[tuple[object, str]] = [
    (np.longdouble(1), "numpy.longdouble"),
    (np.ones(1, np.clongdouble), "complex256"),
    (np.array(["a"], np.dtypes.StringDType()), "StringDType"),
    (np.zeros(2).view(np.recarray), "recarray"),
    (np.random.default_rng(1), "Generator"),
    (pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), "Sparse"),
    (pl.DataFrame({"a": [1]}).lazy(), "LazyFrame"),
    (pl.Series("a", [object()], dtype=pl.Object), "Python objects"),
    (pl.Series("a", [1]).ext.to(pl.Extension("our.type", pl.Int64)), "extension type"),
    (pa.array([b"x" * 16], pa.uuid()), "extension type"),
    (pa.scalar(1), "Int64Scalar"),
    (re.compile("a"), "re.Pattern"),
    (collections.ChainMap({}), "collections.ChainMap"),
    (types.SimpleNamespace(a=1), "types.SimpleNamespace"),
    (memoryview(b"x"), "memoryview"),
    (slice(1), "slice"),
    (..., "ellipsis"),
    (int, "type"),
    (len, "builtin_function_or_method"),
    (ValueError("x"), "ValueError"),
    (collections.defaultdict(lambda: 1), "default_factory"),
]


@pytest.mark.parametrize(("value", "named"), REFUSED, ids=[named for _, named in REFUSED])
def test_what_is_no_data_is_refused_by_name_with_the_opt_in(value: object, named: str) -> None:
    for each in (value, {"a": [value]}):
        with pytest.raises(UnsafeResult) as caught:
            encode(each, mode="data")
        assert named in str(caught.value)
        assert 'results="pickle"' in str(caught.value)
        assert str(caught.value).startswith("result")


def test_a_generator_is_refused_with_what_to_return_since_no_opt_in_would_help() -> None:
    with pytest.raises(UnsafeResult, match=r"type generator: .* Return list\(") as caught:
        encode((each for each in ()), mode="data")
    assert "pickle" not in str(caught.value)

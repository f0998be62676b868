"""Frames of pandas, polars and pyarrow come back with dtypes, indexes and names."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

from starburst.errors import UnsafeResult

RoundTrip = Callable[..., Any]

COLUMNS = {
    "int64": np.array([1, 2]),
    "float": np.array([1.5, np.nan]),
    "bool": np.array([True, False]),
    "complex": np.array([1j, 2]),
    "str": pd.array(["a", None], dtype="str"),
    "string[python]": pd.array(["a", None], dtype="string[python]"),
    "string[pyarrow]": pd.array(["a", None], dtype="string[pyarrow]"),
    "objects": pd.Series([{"a": (1, 2)}, [None]], dtype=object),
    "text as objects": pd.Series(["a", None], dtype=object),
    "ordered": pd.Categorical(["x", None], categories=["y", "x"], ordered=True),
    "categories": pd.Categorical([3, 3]),
    "Int8": pd.array([1, None], dtype="Int8"),
    "UInt64": pd.array([2**64 - 1, None], dtype="UInt64"),
    "Float32": pd.array([1.5, None], dtype="Float32"),
    "boolean": pd.array([True, None], dtype="boolean"),
    "naive": pd.to_datetime(["2020", None]),
    "zoned": pd.to_datetime(["2020", None]).tz_localize("Europe/Berlin"),
    "UTC": pd.to_datetime(["2020", None]).tz_localize("UTC"),
    "delta": pd.to_timedelta([1, None], unit="s"),
    "period": pd.PeriodIndex(["2020-01", None], freq="M"),
    "interval": pd.interval_range(0, 2),
    "arrow": pd.array([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
}
INDEXES = {
    "range": pd.RangeIndex(2, name="n"),
    "text": pd.Index(["a", "b"]),
    "objects": pd.Index([1, "x"], dtype=object),
    "numbers": pd.Index([1.5, 2], name=("a", 1)),
    "days": pd.date_range("2020", periods=2, freq="D"),
    "zoned hours": pd.date_range("2020", periods=2, freq="h", tz="Europe/Berlin"),
    "deltas": pd.timedelta_range("1h", periods=2),
    "levels": pd.MultiIndex.from_tuples([("a", 1), ("b", None)], names=["x", None]),
    "categories": pd.CategoricalIndex(["a", "b"]),
    "intervals": pd.interval_range(0, 2),
    "periods": pd.period_range("2020", periods=2, freq="M"),
    "masked": pd.Index(pd.array([1, 2], dtype="Int64")),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_come_back(round_trip: RoundTrip, name: str) -> None:
    series = pd.Series(COLUMNS[name], name=name)
    assert_series_equal(round_trip(series), series)
    frame = pd.DataFrame({name: series, "other": [1, 2]})
    assert_frame_equal(round_trip({"nested": [frame]})["nested"][0], frame)


@pytest.mark.parametrize("name", INDEXES)
def test_indexes_come_back(round_trip: RoundTrip, name: str) -> None:
    index = INDEXES[name]
    assert_index_equal(round_trip(index), index, exact=True)
    frame = pd.DataFrame({"a": [1, 2]}, index=index)
    assert_frame_equal(round_trip(frame), frame, check_freq=True)
    assert_frame_equal(round_trip(frame.T), frame.T)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame(index=[1, 2]),
        pd.DataFrame(columns=["a", "b"]),
        pd.DataFrame([[1, 2.5]], columns=["a", "a"]),
        pd.DataFrame({1: [1], "a": [2], ("b", None): [3]}),
        pd.DataFrame(np.arange(20_000.0).reshape(1000, 20)),
        pd.concat([pd.DataFrame({"a": [1]})] * 3),
    ],
    ids=["empty", "index", "columns", "twice", "mixed names", "wide", "index twice"],
)
def test_shapes_come_back(round_trip: RoundTrip, frame: pd.DataFrame) -> None:
    assert_frame_equal(round_trip(frame), frame)


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2020-01-01 12:00:00.123456789"),
        pd.Timestamp("2020", tz="Europe/Berlin"),
        pd.Timedelta(5, "s"),
        pd.Period("2020-01", "M"),
        pd.IntervalIndex.from_breaks(pd.date_range("2020", periods=2), closed="both")[0],
    ],
    ids=repr,
)
def test_scalars_come_back(round_trip: RoundTrip, value: object) -> None:
    back = round_trip({value: [value]})
    assert back == {value: [value]}
    assert type(next(iter(back))) is type(value)


def test_missing_scalars_stay_the_same_objects(round_trip: RoundTrip) -> None:
    assert round_trip(pd.NaT) is pd.NaT
    assert round_trip(pd.NA) is pd.NA


def test_polars_comes_back(round_trip: RoundTrip) -> None:
    frame = pl.DataFrame(
        {
            "int": [1, None],
            "list": [["x"], None],
            "struct": [{"a": 1}, {"a": None}],
            "category": pl.Series(["u", "v"], dtype=pl.Categorical),
            "enum": pl.Series(["u", "v"], dtype=pl.Enum(["v", "u"])),
            "zoned": pl.Series([dt.datetime(2020, 1, 1), None]).dt.replace_time_zone("UTC"),
            "decimal": pl.Series(["1.2", "3"]).cast(pl.Decimal(10, 2)),
        }
    )
    back = round_trip([frame])[0]
    assert back.equals(frame)
    assert back.schema == frame.schema
    assert round_trip(frame["int"]).equals(frame["int"])
    assert round_trip(pl.DataFrame()).equals(pl.DataFrame())
    large = pl.DataFrame({"a": range(10_000)})
    assert round_trip(large).equals(large)


@pytest.mark.parametrize(
    "value",
    [
        pa.table({"a": [1, None], "b": [["x"], None]}, metadata={"k": "v"}),
        pa.table({"d": pa.array(["x", "y"]).dictionary_encode()}),
        pa.table({}),
        pa.record_batch({"a": [1, 2]}),
        pa.array([1, None]),
        pa.array([], pa.int32()),
        pa.array([{"x": [1]}, None]),
        pa.chunked_array([[1], [2, 3]]),
        pa.array(range(10_000)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_arrow_comes_back(round_trip: RoundTrip, value: Any) -> None:
    back = round_trip((value,))[0]
    assert type(back) is type(value)
    assert back.equals(value)


class Subclass(pd.DataFrame):
    """May hold what we do not know of."""


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (pd.DataFrame({"a": [1], "bad": pd.Series([re.compile("x")])}), "column 'bad'.*Pattern"),
        (pd.Series(pd.arrays.SparseArray([0, 1])), "Sparse"),
        (Subclass({"a": [1]}), "Subclass"),
        (pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)}), "Python objects"),
        (pa.table({"u": pa.array([b"x" * 16], pa.uuid())}), "extension type"),
    ],
)
def test_what_is_not_data_is_refused(round_trip: RoundTrip, value: object, reason: str) -> None:
    with pytest.raises(UnsafeResult, match=reason):
        round_trip({"frame": value})


@pytest.mark.parametrize(
    "value",
    [
        pd.Series(["BRCA1", "TP53", "BRCA1"], dtype="str").unique(),
        pd.Series(["BRCA1", None], dtype="string").array,
        pd.Series([1, None], dtype="Int64").array,
        pd.Categorical(["a", "b", "a"], categories=["b", "a"], ordered=True),
    ],
)
def test_bare_pandas_arrays_come_back(round_trip: RoundTrip, value: Any) -> None:
    found: Any = round_trip(value)
    pd.testing.assert_series_equal(pd.Series(found), pd.Series(value))
    assert type(found) is type(value)

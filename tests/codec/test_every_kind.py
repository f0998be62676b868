"""Every step of pandas, result of scipy and subclass of a container: whole, or refused by name."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime as dt
import enum
import fractions
import inspect
import pathlib
import types
import uuid
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.optimize
import scipy.sparse
import scipy.stats
import sklearn.utils
from pandas.testing import assert_frame_equal
from pandas.tseries.holiday import USFederalHolidayCalendar

from starburst.errors import UnsafeResult

RoundTrip = Callable[..., Any]
OFF = pd.offsets
REC: Any = np.rec


def look(value: Any) -> object:
    """What can be seen of a value, types too, without asking whether it equals anything."""
    seen: object = repr(value)
    if isinstance(value, np.ndarray):
        seen = (value.dtype, value.shape, value.tobytes())
    elif isinstance(value, np.generic):
        seen = (value.dtype, value.tobytes())
    elif isinstance(value, dict):
        seen = [(look(key), look(each)) for key, each in value.items()]
    elif isinstance(value, list | tuple):
        seen = [look(each) for each in value]
    elif isinstance(value, types.ModuleType | np.dtype):
        return value
    elif getattr(value, "__dict__", None) and type(value).__repr__ is not object.__repr__:
        seen = None
    return type(value), seen, look(vars(value)) if hasattr(value, "__dict__") else None


# Steps of time.


def _steps() -> Iterator[pd.offsets.BaseOffset]:
    classes: dict[str, Any] = {name: cls for name, cls in vars(OFF).items() if inspect.isclass(cls)}
    for name, cls in classes.items():
        if name not in ("BaseOffset", "Tick"):
            yield cls()
            yield from ([] if "FY5253" in name else [cls(2)])
            whole = issubclass(cls, OFF.Tick) or name == "Day"
            yield from ([] if whole else [cls(normalize=True)])
    yield from (
        OFF.DateOffset(months=1),
        OFF.DateOffset(3, months=1, days=2),
        OFF.DateOffset(day=5),
    )
    yield from (
        OFF.DateOffset(weekday=2),
        OFF.DateOffset(nanoseconds=5),
        OFF.BDay(offset=dt.timedelta(1)),
    )
    yield OFF.CDay(holidays=["2024-01-03"], weekmask="Mon Wed Fri")
    yield OFF.CDay(calendar=USFederalHolidayCalendar())
    yield OFF.BusinessHour(start=["10:00", "14:00"], end=["12:00", "16:00"])
    yield OFF.CustomBusinessHour(start="11:00", holidays=["2024-01-04"])
    yield from (
        OFF.FY5253(startingMonth=12, weekday=4, variation="last"),
        OFF.WeekOfMonth(1, week=2),
    )
    yield from (OFF.Week(weekday=3), OFF.QuarterEnd(startingMonth=11), OFF.YearEnd(month=4))
    for alias in ("W-TUE", "90min", "QE-NOV", "YS-APR", "SMS-10", "BME", "WOM-3FRI", "36h", "7ns"):
        yield pd.tseries.frequencies.to_offset(alias)


def _parts(step: Any) -> object:
    calendar = step.kwds.get("calendar")
    days = calendar and (calendar.weekmask.tolist(), calendar.holidays.tolist())
    return type(step), step.n, step.normalize, {**step.kwds, "calendar": days}


def _steps_of(frame: pd.DataFrame) -> list[object]:
    found = [getattr(axis, "freq", None) for axis in frame.axes]
    return [None if step is None else _parts(step) for step in found]


@pytest.mark.parametrize("step", list(_steps()), ids=repr)
def test_every_step_of_pandas_comes_back_with_what_it_holds(
    round_trip: RoundTrip, step: pd.offsets.BaseOffset
) -> None:
    back = round_trip(step)
    assert _parts(back) == _parts(step)
    assert back == step
    dates = pd.date_range("2024-01-01 10:00", periods=5, freq=step)
    frame = pd.DataFrame({"a": range(len(dates))}, index=dates)
    zoned = frame.tz_localize("UTC").tz_convert("Europe/Berlin")  # whose freq may fit no more
    wide = frame[1:].T
    sent = [frame, zoned, wide]
    found = round_trip(sent)
    assert len(found) == len(sent)
    for each, again in zip(sent, found, strict=True):
        assert_frame_equal(again, each, check_freq=True, check_column_type=True)
        assert _steps_of(again) == _steps_of(each)


class OwnStep(pd.DateOffset):
    """A step of the analyst's own."""


@pytest.mark.parametrize(
    "step",
    [OwnStep(months=1), OFF.CDay(calendar=np.busdaycalendar(weekmask="Mon Tue"))],
    ids=["own class", "own calendar"],
)
def test_a_step_that_its_parts_do_not_make_is_refused_by_name(
    round_trip: RoundTrip, step: pd.offsets.BaseOffset
) -> None:
    dates = pd.date_range("2024-01-01", periods=3, freq=step)
    assert dates.freq is not None
    for value in (dates, pd.Series(1, index=dates), pd.DataFrame({"a": [1] * 3}, index=dates)):
        with pytest.raises(UnsafeResult, match=r"freq .* set its freq to None"):
            round_trip(value)


PERIODS = ("D", "3M", "Q-NOV", "Y-JUN", "W-WED", "2h", "min", "s", "ns")


@pytest.mark.parametrize("freq", PERIODS)
def test_every_period_comes_back(round_trip: RoundTrip, freq: str) -> None:
    periods = pd.period_range("2024-01-01", periods=3, freq=freq, name="p")
    back = round_trip([periods, periods[0], periods.array])
    assert back[0].equals(periods)
    assert (back[0].freq, back[1], back[1].freq) == (periods.freq, periods[0], periods.freq)
    assert back[2].dtype == periods.dtype


def test_levels_keep_their_order_steps_and_names(round_trip: RoundTrip) -> None:
    dates = pd.date_range("2024", periods=2, freq=OFF.DateOffset(months=1))
    levels = pd.MultiIndex.from_product([["x", "y"], dates], names=["a", ("b", 1)], sortorder=1)  # type: ignore[list-item]
    back = round_trip(levels)
    assert back.equals(levels)
    assert (back.sortorder, list(back.names)) == (levels.sortorder, list(levels.names))
    assert back.levels[1].freq == dates.freq


# Results of scipy.

X = np.random.default_rng(1).normal(size=12)
Y = np.random.default_rng(2).normal(size=12)
S, OPT = scipy.stats, scipy.optimize

CALLS: dict[str, Callable[[], object]] = {
    "ttest_ind": lambda: S.ttest_ind([1, 2, 3.0], [2, 3, 5.0]),
    "ttest_rel": lambda: S.ttest_rel(X, Y),
    "pearsonr": lambda: S.pearsonr(X, Y),
    "spearmanr": lambda: S.spearmanr(X, Y),
    "kendalltau": lambda: S.kendalltau(X, Y),
    "linregress": lambda: S.linregress(X, Y),
    "kstest": lambda: S.kstest(X, "norm"),
    "mannwhitneyu": lambda: S.mannwhitneyu(X, Y),
    "wilcoxon": lambda: S.wilcoxon(X, Y),
    "f_oneway": lambda: S.f_oneway(X, Y),
    "kruskal": lambda: S.kruskal(X, Y),
    "describe": lambda: S.describe(X),
    "mode": lambda: S.mode(X),
    "chi2_contingency": lambda: S.chi2_contingency([[1, 2], [3, 4]]),
    "fisher_exact": lambda: S.fisher_exact([[1, 2], [3, 4]]),
    "bootstrap": lambda: S.bootstrap((X,), np.mean, n_resamples=9),
    "permutation_test": lambda: S.permutation_test((X, Y), S.wasserstein_distance, n_resamples=9),
    "tukey_hsd": lambda: S.tukey_hsd(X, Y),
    "binomtest": lambda: S.binomtest(3, 10),
    "anderson": lambda: S.anderson(X),
    "theilslopes": lambda: S.theilslopes(X, Y),
    "somersd": lambda: S.somersd(X, Y),
    "ecdf": lambda: S.ecdf(X),
    "relative_risk": lambda: S.contingency.relative_risk(1, 2, 3, 4),
    "odds_ratio": lambda: S.contingency.odds_ratio([[1, 2], [3, 4]]),
    "shapiro": lambda: S.shapiro(X),
    "minimize": lambda: OPT.minimize(lambda x: float((x**2).sum()), [1.0, 2.0]),
    "root_scalar": lambda: OPT.root_scalar(lambda x: x - 1, bracket=[0, 3]),
    "linprog": lambda: OPT.linprog([1.0], bounds=[(0, 1)]),
    "curve_fit": lambda: OPT.curve_fit(lambda x, a: a * x, X, Y),
    "least_squares": lambda: OPT.least_squares(lambda x: x - 1, [0.0]),
    "differential_evolution": lambda: OPT.differential_evolution(
        lambda x: x[0], [(0, 1)], maxiter=1
    ),
    "csr_matrix": lambda: scipy.sparse.csr_matrix(np.eye(2)),
}
REFUSED = {
    "minimize": r"OptimizeResult.* Return dict\(result\)",
    "root_scalar": r"RootResults.* Return dict\(result\)",
    "linprog": r"OptimizeResult.* Return dict\(result\)",
    "least_squares": r"OptimizeResult.* Return dict\(result\)",
    "differential_evolution": r"OptimizeResult.* Return dict\(result\)",
    "tukey_hsd": r"TukeyHSDResult.* Return what you need of it, such as \(result\.statistic",
    "binomtest": r"BinomTestResult.* such as \(result\.k, ",
    "odds_ratio": r"OddsRatioResult.* such as \(result\.statistic",
    "anderson": r"AndersonResult.*'fit_result'.* Return result\._asdict\(\)",
    "ecdf": r"result\.cdf is of type .*EmpiricalDistributionFunction.*'_f'",
    "csr_matrix": r"csr_matrix.* Return result\.toarray\(\)",
}


@pytest.mark.parametrize("name", CALLS)
def test_every_result_of_scipy_comes_back_whole_or_is_refused_by_name(
    round_trip: RoundTrip, name: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = CALLS[name]()
    if name in REFUSED:
        with pytest.raises(UnsafeResult, match=REFUSED[name]):
            round_trip(value)
        return
    assert look(round_trip(value)) == look(value)


def test_a_test_of_scipy_is_as_useful_as_before(round_trip: RoundTrip) -> None:
    value = S.ttest_ind([1, 2, 3.0], [2, 3, 5.0])
    back = round_trip(value)
    assert repr(back) == repr(value)
    assert back.df == value.df
    assert back.confidence_interval(0.9) == value.confidence_interval(0.9)


def _subclasses(cls: type) -> Iterator[type]:
    for each in type.__subclasses__(cls):
        yield each
        yield from _subclasses(each)


TUPLES = sorted(
    {
        cls
        for cls in _subclasses(tuple)
        if cls.__module__.startswith(("scipy.", "sklearn.")) and hasattr(cls, "_fields")
    },
    key=str,
)


def test_every_named_tuple_of_scipy_keeps_what_it_stores(round_trip: RoundTrip) -> None:
    assert len(TUPLES) > 30
    for cls in TUPLES:
        fields: Any = vars(cls).get("_fields", ())
        value = tuple.__new__(cls, range(len(cls._fields)))  # type: ignore[attr-defined]
        if hasattr(value, "__dict__"):
            vars(value).update(dict.fromkeys((*fields, "_extra_field"), 1.5))
        try:
            back = round_trip([value])[0]
        except UnsafeResult as error:
            assert "does not hold under its name" in str(error), cls  # noqa: PT017
            continue
        assert (type(back), tuple(back)) == (cls, tuple(value))
        assert getattr(back, "__dict__", None) == getattr(value, "__dict__", None)


# What is nearly a container, a number or a text.


class OwnDict(dict[str, int]):
    pass


class OwnList(list[int]):
    pass


class OwnTuple(tuple[int, ...]):
    pass


class OwnText(str):
    pass


class OwnNumber(float):
    pass


class OwnCounter(collections.Counter[str]):
    pass


class OwnDate(dt.datetime):
    pass


class OwnFraction(fractions.Fraction):
    pass


class OwnFrame(pd.DataFrame):
    pass


class Attributed(np.ndarray[Any, Any]):
    pass


@dataclasses.dataclass
class Closing:
    def __del__(self) -> None:
        pass


def _with_attribute(value: Any) -> Any:
    value.unit = "mg"
    return value


ALMOST: list[tuple[Any, str]] = [
    (sklearn.utils.Bunch(a=1), r"Bunch.* Return dict\(result\)"),
    (OwnDict(a=1), r"OwnDict.* Return dict\(result\)"),
    (OwnCounter("a"), r"OwnCounter.* Return dict\(result\)"),
    (collections.UserDict(a=1), r"UserDict.* Return dict\(result\)"),
    (collections.ChainMap({}), r"ChainMap.* Return dict\(result\)"),
    (types.MappingProxyType({}), r"mappingproxy.* Return dict\(result\)"),
    (_with_attribute(collections.OrderedDict()), r"OrderedDict.*'unit'.* Return dict\(result\)"),
    (_with_attribute(collections.Counter()), r"Counter.*'unit'"),
    ({}.keys(), r"dict_keys.* Return list\(result\)"),
    (OwnList(), r"OwnList.* Return list\(result\)"),
    (collections.UserList(), "UserList"),
    (OwnTuple(), r"OwnTuple.* Return tuple\(result\)"),
    (OwnText(), r"OwnText.* Return str\(result\)"),
    (OwnNumber(), r"OwnNumber.* Return float\(result\)"),
    (OwnDate(2024, 1, 1), "OwnDate"),
    (OwnFraction(1, 2), "OwnFraction"),
    (array.array("i", [1]), r"array.* Return list\(result\)"),
    (memoryview(b"a"), r"memoryview.* Return bytes\(result\)"),
    (types.SimpleNamespace(a=1), r"SimpleNamespace.* Return vars\(result\)"),
    (ValueError("a"), r"ValueError.* Return repr\(result\), or raise it"),
    (np.zeros(2).view(np.matrix), r"matrix.* Return np\.asarray\(result\)"),
    (np.zeros(2).view(Attributed), r"Attributed.* Return np\.asarray\(result\)"),
    (REC.array([(1, 2.0)]), r"recarray.* Return result\.tolist\(\)"),
    (REC.array([(1, 2.0)])[0], r"record.* Return result\.tolist\(\)"),
    (REC.array([(1, 2.0)]).view(np.ndarray), r"is made of records: use astype"),
    (np.zeros(2, np.dtype("i4", metadata={"a": 1})), r"has metadata; use astype\('<i4'\)"),
    (np.zeros(2, np.dtype("O", metadata={"a": 1})), r"has metadata; use astype\('\|O'\)"),
    (np.ma.array(np.zeros((1, 2)).view(np.matrix)), "masks more than a plain array"),
    (pd.Series(pd.arrays.SparseArray([1, 0])), r"dtype Sparse"),
    (OwnFrame({"a": [1]}), r"OwnFrame.* Return pd\.DataFrame\(result\)"),
    (pl.DataFrame({"a": [1]}).lazy(), r"LazyFrame.* Return result\.collect\(\)"),
    (pl.Series([[]], dtype=pl.Array(pl.Int8, 0)), "arrays of no elements"),
    (pa.scalar(1), r"Int64Scalar.* Return result\.as_py\(\)"),
    (types, "is a module"),
    (_with_attribute(pd.DataFrame({"a": [1]})), r"DataFrame.*'unit'.* use its attrs"),
    (_with_attribute(pd.Series([1])), r"Series.*'unit'.* use its attrs"),
    (_with_attribute(pd.Index([1])), r"Index.*'unit'"),
    (_with_attribute(np.ma.array([1])), r"MaskedArray.*'unit'"),
    (_with_attribute(pl.DataFrame({"a": [1]})), r"DataFrame.*'unit'"),
    (np.zeros(1, np.dtype((np.int32, [("a", "i2"), ("b", "i2")]))), "a number with fields"),
    (Closing(), "has a __del__"),
]


@pytest.mark.parametrize(("value", "said"), ALMOST, ids=[type(each).__name__ for each, _ in ALMOST])
def test_what_is_nearly_data_is_refused_with_what_to_return_instead(
    round_trip: RoundTrip, value: object, said: str
) -> None:
    with pytest.raises(UnsafeResult, match=said):
        round_trip(value)


def test_a_map_of_a_file_is_refused_as_it_would_come_back_as_another_type(
    round_trip: RoundTrip, tmp_path: pathlib.Path
) -> None:
    mapped = np.memmap(tmp_path / "a", dtype="f8", shape=3, mode="w+")
    with pytest.raises(UnsafeResult, match=r"memmap.* Return np\.asarray\(result\)"):
        round_trip(mapped)
    assert round_trip(np.asarray(mapped)).tolist() == [0, 0, 0]


class Tissue(enum.Flag):
    LIVER = 1
    LUNG = 2


def test_what_is_more_than_its_equality_shows_comes_back(round_trip: RoundTrip) -> None:
    made = uuid.uuid1()
    assert round_trip(made).is_safe is made.is_safe
    types_of = [np.dtype("f8"), np.dtype([("a", "<i4"), ("b", "S3")]), np.dtype("M8[ns]")]
    assert round_trip(types_of) == types_of
    assert round_trip(np) is np
    assert round_trip(Tissue(0)) is Tissue(0)
    table = pa.table({"a": [1]}, metadata={"k": "v"})
    assert round_trip(table).schema.equals(table.schema, check_metadata=True)
    dates = pd.date_range("2024", periods=1, freq=OFF.CDay())
    deep: Any = pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_arrays([dates]))
    deep.attrs = {"a": (1,)}
    for _ in range(94):
        deep = (deep,)
    assert isinstance(round_trip(deep), tuple)
    joined = pa.chunked_array([pa.array([x]).dictionary_encode() for x in "ab"])
    assert round_trip(joined).equals(joined)

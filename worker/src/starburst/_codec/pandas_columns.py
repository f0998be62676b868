"""Columns of pandas, by the kind of their dtype; one way out and one way back for each."""

from __future__ import annotations

import datetime as dt
import importlib.util
import re
from typing import TYPE_CHECKING, Any, Final

from starburst.errors import IntegrityError

from .arrays import find as find_array
from .arrow_frames import lower_arrow
from .plain import lower_zone
from .structure import Unsupported, Writer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["lower_column", "lower_pandas_zone", "raise_column", "raise_zone"]

_ZONE: Final = re.compile(r"[A-Za-z][\w+-]{0,40}(/[A-Za-z][\w+-]{0,40}){0,3}", re.ASCII)

_MASKED: Final = frozenset(
    {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
    | {"Float32", "Float64", "boolean"}
)


def lower_column(  # noqa: PLR0911 - one per kind of dtype
    writer: Writer,
    column: Any,  # noqa: ANN401
    depth: int,
) -> list[object]:
    """Lower the values of a Series or an Index (not a MultiIndex)."""
    import numpy as np  # noqa: PLC0415 - pandas has imported it
    import pandas as pd  # noqa: PLC0415

    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        if dtype.hasobject:
            return ["objects", writer.lower_all(list(column), depth)]
        return ["array", _array(writer, column.to_numpy(), depth)]
    if isinstance(dtype, pd.CategoricalDtype):
        values = pd.Categorical(column)
        codes = _array(writer, values.codes, depth)
        categories = writer.lower(values.categories, depth)
        return ["categories", codes, categories, bool(values.ordered)]
    if isinstance(dtype, pd.DatetimeTZDtype):
        utc = pd.DatetimeIndex(column).tz_convert("UTC").tz_localize(None).to_numpy()
        return ["zoned", _array(writer, utc, depth), lower_pandas_zone(writer, column, dtype.tz)]
    if isinstance(dtype, pd.PeriodDtype):
        periods = pd.PeriodIndex(column)
        return ["periods", _array(writer, periods.asi8, depth), periods.freqstr]
    if isinstance(dtype, pd.IntervalDtype):
        intervals = pd.IntervalIndex(column)
        ends = [writer.lower(each, depth) for each in (intervals.left, intervals.right)]
        return ["intervals", *ends, intervals.closed]
    if str(dtype) in _MASKED:
        masked = column.array
        mask = np.asarray(masked.isna())
        numbers = masked.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
        return ["masked", _array(writer, numbers, depth), _array(writer, mask, depth)]
    if isinstance(dtype, pd.StringDtype):
        nan = dtype.na_value is not pd.NA
        texts = [
            None if missing else str(text)
            for text, missing in zip(column, column.isna(), strict=True)
        ]
        return ["strings", texts, dtype.storage, nan]
    if isinstance(dtype, pd.ArrowDtype):
        import pyarrow as pa  # noqa: PLC0415

        values = pa.array(column.array)
        chunked = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
        return ["arrow", lower_arrow(writer, chunked, depth)]
    raise Unsupported(column, f"has dtype {dtype}, which does not travel; use astype()")


def raise_column(parts: Any) -> Any:  # noqa: ANN401, PLR0911
    """Return an array that pandas takes for a Series or an Index."""
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    match parts:
        case ["array", np.ndarray() as values] if values.ndim == 1:
            return values
        case ["objects", list(items)]:
            objects = np.empty(len(items), dtype=object)
            for number, item in enumerate(items):
                objects[number] = item
            return objects
        case ["categories", np.ndarray() as codes, pd.Index() as categories, bool(ordered)]:
            dtype = pd.CategoricalDtype(categories, ordered)
            return pd.Categorical.from_codes(codes.tolist(), dtype=dtype)
        case ["zoned", np.ndarray() as utc, zone]:
            return pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(raise_zone(zone)).array
        case ["periods", np.ndarray() as ordinals, str(freq)]:
            return pd.PeriodIndex.from_ordinals(ordinals, freq=freq).array
        case [
            "intervals",
            pd.Index() as left,
            pd.Index() as right,
            ("left" | "right" | "both" | "neither") as closed,
        ]:
            return pd.arrays.IntervalArray.from_arrays(left, right, closed=closed)
        case ["masked", np.ndarray() as numbers, np.ndarray() as mask]:
            return _masked(numbers, mask)
        case ["strings", list(texts), str(storage), bool(nan)]:
            return pd.array(texts, dtype=_string_dtype(storage, nan=nan))
        case ["arrow", chunked]:
            return pd.arrays.ArrowExtensionArray(chunked)
    raise IntegrityError("an encoded pandas column has another shape")


def lower_pandas_zone(writer: Writer, holder: object, zone: Any) -> object:  # noqa: ANN401
    """Lower a time zone; pandas before 3 makes pytz ones, which it rebuilds from their name."""
    if type(zone).__module__.startswith("pytz"):
        name = zone.zone
        return name if name else lower_zone(writer, holder, dt.timezone(zone.utcoffset(None)))
    return lower_zone(writer, holder, zone)


def raise_zone(zone: object) -> dt.tzinfo | str:
    """Return a zone for pandas, which would open any file that "dateutil/…" names."""
    if isinstance(zone, dt.tzinfo):
        return zone
    if type(zone) is str and _ZONE.fullmatch(zone) and not zone.startswith(("dateutil", "tz")):
        return zone
    raise IntegrityError("an encoded time has a zone that is none")


def _array(writer: Writer, values: Any, depth: int) -> object:  # noqa: ANN401
    lower = find_array(type(values))
    if lower is None:
        raise Unsupported(values)
    return lower(writer, values, depth)


def _masked(numbers: Any, mask: Any) -> Any:  # noqa: ANN401
    import pandas as pd  # noqa: PLC0415

    if numbers.dtype.kind == "b":
        return pd.arrays.BooleanArray(numbers, mask)
    kind = pd.arrays.FloatingArray if numbers.dtype.kind == "f" else pd.arrays.IntegerArray
    return kind(numbers, mask)


def _string_dtype(storage: str, *, nan: bool) -> pd.StringDtype:
    import pandas as pd  # noqa: PLC0415

    if storage != "python" and importlib.util.find_spec("pyarrow") is None:
        storage = "python"
    if nan:
        return pd.StringDtype(storage, na_value=float("nan"))
    return pd.StringDtype(storage)

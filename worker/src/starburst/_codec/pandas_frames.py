"""pandas frames, series, indexes and scalars, with their exact dtypes and indexes."""

from __future__ import annotations

from typing import Any, Final

from starburst.errors import IntegrityError

from .pandas_columns import lower_column, lower_pandas_zone, raise_column, raise_zone
from .pandas_offsets import lower_freq, lower_offset, raise_offset, set_freq
from .stored import extra_attribute
from .structure import Code, Lower, Raise, Reader, Unsupported, Writer

__all__ = ["RAISE", "find"]


def find(cls: type) -> Lower | None:
    """Return how to lower instances of a pandas class; subclasses hold more than we know of."""
    import pandas as pd  # noqa: PLC0415 - its class is here, so it is imported already

    if cls in (pd.DataFrame, pd.Series):
        return _lower_whole
    if issubclass(cls, pd.Index) and cls.__module__.partition(".")[0] == "pandas":
        return _lower_index
    if issubclass(cls, pd.api.extensions.ExtensionArray):
        return _lower_extension_array
    if issubclass(cls, pd.offsets.BaseOffset):
        return lower_offset
    scalars = (pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval, type(pd.NaT), type(pd.NA))
    return _lower_scalar if cls in scalars else None


def _lower_whole(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    """Lower a frame or a series; what few have, attrs and a flag, is wrapped around it."""
    _check_attributes(value)
    lower = _lower_series if value.ndim == 1 else _lower_frame
    lowered = lower(writer, value, depth)
    attrs, duplicates = value.attrs, value.flags.allows_duplicate_labels
    if not attrs and duplicates:
        return lowered
    try:
        kept = writer.lower(attrs, depth)
    except Unsupported as error:
        reason = error.reason or f"hold a {type(error.offender).__qualname__}"
        raise Unsupported(value, f"its attrs {reason}") from None
    return writer.extension(Code.PANDAS_EXTRAS, lowered, kept, duplicates)


def _raise_whole(reader: Reader, payload: bytes) -> object:
    import pandas as pd  # noqa: PLC0415

    value, attrs, duplicates = reader.fields(payload, 3)
    if type(value) not in (pd.DataFrame, pd.Series) or type(attrs) is not dict:
        raise IntegrityError("an encoded pandas frame has another shape")
    value.attrs = attrs
    if not duplicates:
        value.flags.allows_duplicate_labels = False
    return value


def _lower_frame(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    index = _lower_axis(writer, value, value.index, depth=depth)
    names = _lower_axis(writer, value, value.columns, depth=depth)
    columns: list[object] = []
    for name, column in value.items():
        try:
            columns.append(lower_column(writer, column, depth))
        except Unsupported as error:
            reason = error.reason or f"holds a {type(error.offender).__qualname__}"
            raise Unsupported(value, f"its column {name!r} {reason}") from None
    return writer.extension(Code.PANDAS_FRAME, index, names, columns)


def _raise_frame(reader: Reader, payload: bytes) -> object:
    import pandas as pd  # noqa: PLC0415

    index, names, columns = reader.fields(payload, 3)
    arrays = {number: raise_column(column) for number, column in enumerate(columns)}
    series = {n: pd.Series(a, index=index, dtype=a.dtype, copy=False) for n, a in arrays.items()}
    frame = pd.DataFrame(series, index=index, copy=False)
    frame.columns = names
    return frame


def _lower_series(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    index = _lower_axis(writer, value, value.index, depth=depth)
    column = _column(writer, value, depth)
    return writer.extension(Code.PANDAS_SERIES, index, writer.lower(value.name, depth), column)


def _raise_series(reader: Reader, payload: bytes) -> object:
    import pandas as pd  # noqa: PLC0415

    index, name, column = reader.fields(payload, 3)
    values = raise_column(column)
    return pd.Series(values, index=index, dtype=values.dtype, name=name, copy=False)


def _lower_extension_array(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    import pandas as pd  # noqa: PLC0415

    column = _column(writer, pd.Series(value), depth)
    freq = None if value.dtype.kind not in "mM" else lower_freq(writer, value, depth)
    return writer.extension(Code.PANDAS_ARRAY, column, *(() if freq is None else (freq,)))


def _raise_extension_array(reader: Reader, payload: bytes) -> object:
    import pandas as pd  # noqa: PLC0415

    parts = reader.unpack(payload)
    match parts:
        case [column]:
            return pd.Series(raise_column(column), copy=False).array
        case [column, freq]:
            array = pd.Series(raise_column(column), copy=False).array
            set_freq(array, freq)
            return array
    raise IntegrityError("an encoded pandas array has another shape")


def _check_attributes(value: object) -> None:
    if extra := extra_attribute(value, "sortorder"):
        raise Unsupported(
            value, f"has the attribute {extra!r}, which pandas does not keep; use its attrs"
        )


def _lower_axis(writer: Writer, holder: object, axis: Any, *, depth: int) -> object:  # noqa: ANN401
    try:
        return _lower_index(writer, axis, depth)
    except Unsupported as error:
        reason = error.reason or f"holds a {type(error.offender).__qualname__}"
        raise Unsupported(holder, f"its index {reason}") from None


def _lower_index(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    import pandas as pd  # noqa: PLC0415

    _check_attributes(value)
    names = writer.lower_all(value.names, depth)
    body: list[object]
    if isinstance(value, pd.RangeIndex):
        body = ["range", value.start, value.stop, value.step]
    elif isinstance(value, pd.MultiIndex):
        if not all(level.is_unique for level in value.levels):
            raise Unsupported(value, "has a level in which a value occurs twice; reset_index() it")
        levels = [_lower_index(writer, level, depth) for level in value.levels]
        codes = [writer.lower(code, depth) for code in value.codes]
        body = ["levels", levels, codes, value.sortorder]
    else:
        dated = isinstance(value, pd.DatetimeIndex | pd.TimedeltaIndex)
        freq = lower_freq(writer, value, depth) if dated else None
        body = ["values", _column(writer, value, depth), freq]
    return writer.extension(Code.PANDAS_INDEX, body, names)


def _raise_index(reader: Reader, payload: bytes) -> object:
    import pandas as pd  # noqa: PLC0415

    body, names = reader.fields(payload, 2)
    match body:
        case ["range", int(start), int(stop), int(step)]:
            return pd.RangeIndex(start, stop, step, name=names[0])
        case ["levels", list(levels), list(codes), *order] if len(order) <= 1:
            return pd.MultiIndex(levels, codes, *order, names=names)
        case ["values", list(column), freq]:
            values = raise_column(column)
            index: Any = pd.Index(values, dtype=values.dtype, name=names[0], copy=False)
            set_freq(index, freq)
            return index
    raise IntegrityError("an encoded pandas index has another shape")


def _column(writer: Writer, value: Any, depth: int) -> list[object]:  # noqa: ANN401
    try:
        return lower_column(writer, value, depth)
    except Unsupported as error:
        reason = error.reason or f"holds a {type(error.offender).__qualname__}"
        raise Unsupported(value, reason) from None


def _lower_scalar(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    import pandas as pd  # noqa: PLC0415

    fields: list[object]
    if value is pd.NaT or value is pd.NA:
        fields = ["NaT" if value is pd.NaT else "NA"]
    elif isinstance(value, pd.Timestamp):
        if value.fold and value.tz is None:
            raise Unsupported(value, "has a fold without a time zone; use tz_localize()")
        moment = writer.lower(value.asm8, depth)
        fields = ["Timestamp", moment, lower_pandas_zone(writer, value, value.tz)]
    elif isinstance(value, pd.Timedelta):
        fields = ["Timedelta", writer.lower(value.asm8, depth)]
    elif isinstance(value, pd.Period):
        fields = ["Period", value.ordinal, value.freqstr]
    else:
        ends = writer.lower_all((value.left, value.right), depth)
        fields = ["Interval", *ends, value.closed]
    return writer.extension(Code.PANDAS_SCALAR, fields)


def _raise_scalar(reader: Reader, payload: bytes) -> object:
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    (fields,) = reader.fields(payload, 1)
    match fields:
        case ["NaT"]:
            return pd.NaT
        case ["NA"]:
            return pd.NA
        case ["Timestamp", np.datetime64() as moment, zone]:
            stamp = pd.Timestamp(moment)
            return stamp if zone is None else stamp.tz_localize("UTC").tz_convert(raise_zone(zone))
        case ["Timedelta", np.timedelta64() as delta]:
            return pd.Timedelta(delta)
        case ["Period", int(ordinal), str(freq)]:
            return pd.Period(ordinal=ordinal, freq=freq)
        case ["Interval", left, right, ("left" | "right" | "both" | "neither") as closed]:
            return pd.Interval(left, right, closed=closed)
    raise IntegrityError("an encoded pandas scalar has another shape")


RAISE: Final[dict[int, Raise]] = {
    Code.PANDAS_FRAME: _raise_frame,
    Code.PANDAS_SERIES: _raise_series,
    Code.PANDAS_INDEX: _raise_index,
    Code.PANDAS_SCALAR: _raise_scalar,
    Code.PANDAS_ARRAY: _raise_extension_array,
    Code.PANDAS_EXTRAS: _raise_whole,
    Code.PANDAS_OFFSET: raise_offset,
}

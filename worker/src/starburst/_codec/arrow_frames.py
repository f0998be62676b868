"""pyarrow and polars: tables, batches, arrays, frames and series as Arrow streams."""

from __future__ import annotations

import io
from typing import Any, Final

from starburst.errors import IntegrityError

from .arrow_stream import check_stream
from .stored import extra_attribute
from .structure import Code, Lower, Raise, Reader, Unsupported, Writer

__all__ = ["RAISE", "find", "lower_arrow", "raise_arrow"]


def find(cls: type) -> Lower | None:
    """Return how to lower instances of a pyarrow or polars class."""
    if cls.__module__.partition(".")[0] == "polars":
        import polars as pl  # noqa: PLC0415 - its class is here, so it is imported already

        return _lower_polars if cls in (pl.DataFrame, pl.Series) else None
    import pyarrow as pa  # noqa: PLC0415

    if cls in (pa.Table, pa.RecordBatch, pa.ChunkedArray) or issubclass(cls, pa.Array):
        return lower_arrow
    return None


def lower_arrow(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    """Lower a table, batch, array or chunked array."""
    import pyarrow as pa  # noqa: PLC0415

    if isinstance(value, pa.Table | pa.RecordBatch):
        kind, table = type(value).__name__, value
    elif isinstance(value, pa.ChunkedArray):
        kind, table = "ChunkedArray", pa.table({"": value})
    else:
        kind, table = "Array", pa.record_batch([value], names=[""])
    for field in table.schema:
        if _extension(field.type):
            raise Unsupported(value, f"has a column of the Arrow extension type {field.type}")
    sink = pa.BufferOutputStream()
    try:
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write(table)
    except pa.ArrowException as error:
        raise Unsupported(value, f"Arrow cannot write it ({error})") from error
    place = writer.place(memoryview(sink.getvalue()).cast("B"))
    return writer.extension(Code.ARROW, kind, place)


def raise_arrow(reader: Reader, payload: bytes) -> Any:  # noqa: ANN401
    """Read a table, batch, array or chunked array, and validate every offset in it."""
    import pyarrow as pa  # noqa: PLC0415 - only data with Arrow needs it

    kind, place = reader.fields(payload, 2)
    buffer = reader.own(reader.take(place))
    check_stream(buffer)
    with pa.ipc.open_stream(pa.py_buffer(buffer)) as stream:
        table = stream.read_all()
    table.validate(full=True)
    match kind:
        case "Table":
            return table
        case "RecordBatch" if len(batches := table.to_batches()) <= 1:
            return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
        case "ChunkedArray" if table.num_columns == 1:
            return table.column(0)
        case "Array" if table.num_columns == 1:
            column = table.column(0)
            return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    raise IntegrityError("an Arrow value in a result has another shape")


def _extension(kind: Any) -> bool:  # noqa: ANN401
    import pyarrow as pa  # noqa: PLC0415

    if isinstance(kind, pa.BaseExtensionType):
        return True
    inner = [kind.field(number).type for number in range(kind.num_fields)]
    if isinstance(kind, pa.DictionaryType):
        inner.append(kind.value_type)
    return any(map(_extension, inner))


def _lower_polars(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    import polars as pl  # noqa: PLC0415

    if extra := extra_attribute(value):
        raise Unsupported(value, f"has the attribute {extra!r}; return that beside it")
    series = isinstance(value, pl.Series)
    frame = value.to_frame() if series else value
    for name, kind in frame.schema.items():
        if reason := _reason(kind):
            raise Unsupported(value, f"its column {name!r} {reason}")
    sink = io.BytesIO()
    try:
        frame.write_ipc_stream(sink, compression="uncompressed")
    except pl.exceptions.PolarsError as error:
        raise Unsupported(value, f"polars cannot write it ({error})") from error
    place = writer.place(sink.getbuffer())
    return writer.extension(Code.POLARS, "Series" if series else "DataFrame", place)


def _reason(kind: Any) -> str:  # noqa: ANN401 - a polars type
    """Say why a type does not travel, however deep in another; empty where it does."""
    import polars as pl  # noqa: PLC0415

    if isinstance(kind, pl.Struct):
        return next(filter(None, (_reason(field.dtype) for field in kind.fields)), "")
    if isinstance(kind, pl.Array) and not kind.size:
        return "has arrays of no elements, which polars does not read again"
    if isinstance(kind, pl.List | pl.Array):
        return _reason(kind.inner)
    if isinstance(kind, getattr(pl, "BaseExtension", ())):
        return f"has the extension type {kind}"
    return "holds Python objects" if kind == pl.Object else ""


def _raise_polars(reader: Reader, payload: bytes) -> object:
    import polars as pl  # noqa: PLC0415

    kind, place = reader.fields(payload, 2)
    buffer = reader.take(place)
    check_stream(buffer)
    try:
        frame = pl.read_ipc_stream(io.BytesIO(buffer))
    except pl.exceptions.PanicException as error:  # not an Exception, so the door would miss it
        raise IntegrityError("polars cannot read a frame in a result") from error
    if kind == "DataFrame":
        return frame
    if kind == "Series" and frame.width == 1:
        return frame.to_series(0)
    raise IntegrityError("a polars value in a result has another shape")


RAISE: Final[dict[int, Raise]] = {Code.ARROW: raise_arrow, Code.POLARS: _raise_polars}

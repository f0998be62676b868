"""Values that travel back as data: reading a result never runs code that the result names.

``data`` covers Python's value types, NumPy, pandas, polars and pyarrow, plain dataclasses and
named tuples, nested in any way. Anything else is refused by name, and by where it is. A session
that asked for ``results="pickle"`` pickles those values, and only those.

Example:
    >>> encoded = encode({"mean": 1.5, "n": 3}, mode="data")
    >>> decode(encoded.format, memoryview(b"".join(encoded.parts)), mode="data")
    {'mean': 1.5, 'n': 3}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Final

from starburst._protocol.sealed.envelope import Buffer
from starburst.errors import IntegrityError, PayloadError, UnsafeResult

from . import arrays, pickled, plain, records, wire
from .structure import (
    ARROW_CODES,
    PANDAS_CODES,
    Lower,
    Raise,
    Reader,
    Unsupported,
    Writer,
    raw_values,
)
from .unsupported import unsafe_result

if TYPE_CHECKING:
    from starburst._protocol.manifest import ResultMode

__all__ = ["Encoded", "decode", "decode_batch", "decode_each", "encode", "encode_batch"]

_ATOMS: Final = frozenset({type(None), bool, int, float, str})


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """An encoded value.

    Attributes:
        format: ``data``, or ``pickle`` if any of it is pickled; the envelope's header carries it.
        parts: the buffers to seal, in order.
    """

    format: str
    parts: list[Buffer]


def encode(value: object, *, mode: ResultMode) -> Encoded:
    """Encode a value.

    Args:
        value: what a task returned.
        mode: what the session asked for.

    Raises:
        UnsafeResult: the value is not data (in mode ``pickle``: nor can it be pickled).
    """
    writer = Writer(_find)
    if type(value) in _ATOMS:
        return Encoded(format="data", parts=[b"\0" + writer.pack(value)])
    lowered, kind = _lower(writer, value, mode)
    return Encoded(format=kind, parts=wire.join(writer.pack(lowered), writer.buffers))


def decode(format: str, data: memoryview, *, mode: ResultMode) -> object:
    """Decode what :func:`encode` made, after its envelope was verified.

    Args:
        format: the format in the envelope's header.
        data: the plaintext; arrays may keep it in memory and write to it.
        mode: what the session asked for.

    Raises:
        UnsafeResult: the value is pickled, and the session did not ask for that.
        IntegrityError: the data is malformed.
        PayloadError: the value needs a class or a package that is not here.
    """
    if format == "pickle" and mode != "pickle":
        raise UnsafeResult(
            "the result is pickled, and reading it could run code; the session did not ask for "
            "that. It was not read. Only a holder of the session's key can have sent it: tell "
            "your security officer."
        )
    if format not in ("data", "pickle"):
        raise IntegrityError(f"a result has the format {format!r}, which this release cannot read")
    with _typed_errors():
        structure, buffers = wire.split(data)
        reader = Reader(buffers, _RAISE, pickle_allowed=format == "pickle")
        return reader.unpack(structure)


def encode_batch(
    values: Sequence[object], *, mode: ResultMode
) -> tuple[Encoded, dict[int, UnsafeResult]]:
    """Encode the results of a chunk as one structure.

    Args:
        values: the results.
        mode: what the session asked for.

    Returns:
        The encoded list, in which None stands for each value that is no data, and the errors of
        those by position.
    """
    writer = Writer(_find)
    refused: dict[int, UnsafeResult] = {}
    batch: list[object] = []
    kind = "data"
    for position, value in enumerate(values):
        if type(value) in _ATOMS:
            batch.append(value)
            continue
        placed = len(writer.buffers)
        try:
            lowered, its_kind = _lower(writer, value, mode)
        except UnsafeResult as error:
            del writer.buffers[placed:]
            refused[position] = error
            lowered, its_kind = None, "data"
        batch.append(lowered)
        kind = "pickle" if its_kind == "pickle" else kind
    parts = wire.join(writer.pack(batch), writer.buffers)
    return Encoded(format=kind, parts=parts), refused


def decode_batch(format: str, data: memoryview, *, mode: ResultMode) -> list[object]:
    """Decode what :func:`encode_batch` made; raises as :func:`decode` does."""
    values = decode(format, data, mode=mode)
    if type(values) is not list:
        raise IntegrityError("a chunk's results are not a list; they were not used")
    return values


def decode_each(format: str, data: memoryview, *, mode: ResultMode) -> list[object]:
    """Decode a batch of which some results need what is not here.

    Args:
        format: as for :func:`decode_batch`, which raised PayloadError.
        data: likewise.
        mode: likewise.

    Returns:
        The results; a PayloadError stands for each that cannot be read, and for no other.
    """
    with _typed_errors():
        structure, buffers = wire.split(data)
        members = raw_values(structure)
    # One reader for all, so that no two of them can use the same buffer.
    reader = Reader(buffers, _RAISE, pickle_allowed=format == "pickle" and mode == "pickle")
    values: list[object] = []
    for lowered in members:
        try:
            with _typed_errors():
                values.append(reader.unpack(lowered))
        except PayloadError as error:
            values.append(error)
    return values


@contextmanager
def _typed_errors() -> Iterator[None]:
    """Turn whatever hostile bytes do to NumPy, pandas or Arrow into one error of ours.

    A worker that was taken over chooses those bytes.
    """
    try:
        yield
    except PayloadError:
        raise
    except Exception as error:
        raise IntegrityError(
            f"a result is malformed: {type(error).__name__}: {error}. It was sealed with the "
            "session's key, so a worker wrote it: run the task again, and report it if it stays."
        ) from error


def _lower(writer: Writer, value: object, mode: ResultMode) -> tuple[object, str]:
    placed = len(writer.buffers)
    try:
        return writer.lower(value, 0), "data"
    except Unsupported as error:
        if mode != "pickle":
            raise unsafe_result(value, error) from None
    except MemoryError:
        raise
    # A value of the user's own class may do anything when it is looked at.
    except Exception as error:
        if mode != "pickle":
            reason = f"reading it raised {type(error).__name__}: {error}"
            raise unsafe_result(value, Unsupported(value, reason)) from error
    del writer.buffers[placed:]
    try:
        return pickled.lower(writer, value), "pickle"
    except Unsupported as error:
        raise unsafe_result(value, error) from None


def _find(cls: type) -> Lower | None:
    """Return how to lower a class. Its module's name says which family may know it."""
    lower = plain.LOWER.get(cls)
    if lower is not None:
        return lower
    if cls is ModuleType:
        return arrays.lower_module
    family = _FAMILIES.get(cls.__module__.partition(".")[0])
    lower = family(cls) if family else None
    return lower or records.find(cls)


def _find_pandas(cls: type) -> Lower | None:
    from .pandas_frames import find  # noqa: PLC0415 - pandas is loaded only by who uses it

    return find(cls)


def _find_arrow(cls: type) -> Lower | None:
    from .arrow_frames import find  # noqa: PLC0415

    return find(cls)


def _raise_pandas(reader: Reader, payload: bytes, code: int) -> object:
    from .pandas_frames import RAISE  # noqa: PLC0415

    return RAISE[code](reader, payload)


def _raise_arrow(reader: Reader, payload: bytes, code: int) -> object:
    from .arrow_frames import RAISE  # noqa: PLC0415

    return RAISE[code](reader, payload)


_FAMILIES: Final[dict[str, Callable[[type], Lower | None]]] = {
    "numpy": arrays.find,
    "pandas": _find_pandas,
    "polars": _find_arrow,
    "pyarrow": _find_arrow,
    "zoneinfo": plain.find_zone,
}
_RAISE: Final[dict[int, Raise]] = {
    **plain.RAISE,
    **records.RAISE,
    **arrays.RAISE,
    **pickled.RAISE,
    **{code: partial(_raise_pandas, code=code) for code in PANDAS_CODES},
    **{code: partial(_raise_arrow, code=code) for code in ARROW_CODES},
}

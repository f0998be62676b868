"""Walk a value into msgpack and back; families of types plug in by extension code.

A value is lowered to what msgpack can say: every type beyond its own becomes an extension whose
payload is msgpack again. Reading raises each extension to its type. Neither side ever calls code
that the data names.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Any, Final, TypeAlias, cast

import msgpack

from starburst.errors import IntegrityError

__all__ = [
    "ARROW_CODES",
    "MAX_DEPTH",
    "PANDAS_CODES",
    "Code",
    "Lower",
    "Raise",
    "Reader",
    "Unsupported",
    "Writer",
    "raw_values",
]

MAX_DEPTH: Final = 100
_ALIGNMENT: Final = 16
_WITHIN: Final = 12
"""Levels that one value may add, such as the steps of a level of an index of a frame."""

_MAX_NODES: Final = 100_000_000
_OUT_OF_BAND: Final = 4096
"""Bytes from which a buffer is laid beside the structure instead of in it."""

_ATOMS: Final = frozenset({type(None), bool, int, float, str})


class Code(IntEnum):
    """Extension codes. They are part of the protocol: never renumber."""

    BIG_INT = 1
    COMPLEX = 2
    TUPLE = 3
    SET = 4
    FROZEN_SET = 5
    RANGE = 6
    BYTES = 7
    BYTE_ARRAY = 8
    DATE_TIME = 9
    DATE = 10
    TIME = 11
    TIME_DELTA = 12
    TIME_ZONE = 13
    DECIMAL = 14
    FRACTION = 15
    UUID = 16
    PATH = 17
    COLLECTION = 18
    DATACLASS = 20
    NAMED_TUPLE = 21
    ENUM = 22
    ARRAY_MODULE = 23
    ARRAY = 30
    NUMPY_SCALAR = 31
    OBJECT_ARRAY = 32
    MASKED_ARRAY = 33
    NUMPY_TYPE = 34
    PANDAS_FRAME = 40
    PANDAS_SERIES = 41
    PANDAS_INDEX = 42
    PANDAS_SCALAR = 43
    PANDAS_ARRAY = 44
    PANDAS_EXTRAS = 45
    PANDAS_OFFSET = 46
    ARROW = 50
    POLARS = 60
    PICKLE = 100


PANDAS_CODES: Final = (
    Code.PANDAS_FRAME,
    Code.PANDAS_SERIES,
    Code.PANDAS_INDEX,
    Code.PANDAS_SCALAR,
    Code.PANDAS_ARRAY,
    Code.PANDAS_EXTRAS,
    Code.PANDAS_OFFSET,
)
ARROW_CODES: Final = (Code.ARROW, Code.POLARS)


class Unsupported(Exception):
    """A value is not data; ``offender`` is the very object, so that the doors can say where."""

    def __init__(self, offender: object, reason: str = "", *, pickled: bool = False) -> None:
        super().__init__(reason)
        self.offender = offender
        self.reason = reason
        self.pickled = pickled


class Writer:
    """Lowers one value, or one batch of them."""

    __slots__ = ("_find", "_nodes", "buffers")

    def __init__(self, find: Callable[[type], Lower | None]) -> None:
        self._find = find
        self._nodes = 0
        self.buffers: list[memoryview] = []

    def lower(self, value: object, depth: int) -> object:
        """Return what msgpack can say of a value; raise Unsupported where it is not data."""
        cls = type(value)
        if cls in _ATOMS:
            return value
        if depth > MAX_DEPTH:
            raise Unsupported(
                value, f"is nested deeper than {MAX_DEPTH} levels, or contains itself"
            )
        lower = self._find(cls)
        if lower is None:
            raise Unsupported(value)
        return lower(self, value, depth + 1)

    def lower_all(self, values: Any, depth: int) -> list[object]:  # noqa: ANN401 - any iterable
        """Lower each of some values."""
        lowered = [x if type(x) in _ATOMS else self.lower(x, depth) for x in values]
        self._nodes += len(lowered)
        if self._nodes > _MAX_NODES:
            raise Unsupported(values, f"has more than {_MAX_NODES:,} elements")
        return lowered

    def lower_mapping(self, value: dict[Any, Any], depth: int) -> dict[Any, object]:
        """Lower keys and values of a dictionary."""
        keys = self.lower_all(value, depth)
        return dict(zip(keys, self.lower_all(value.values(), depth), strict=True))

    def extension(self, code: Code, *fields: object) -> msgpack.ExtType:
        """Return an extension of lowered fields."""
        return msgpack.ExtType(code, self.pack(fields))

    def pack(self, lowered: object) -> bytes:
        """Return the msgpack of what has been lowered."""
        try:
            return msgpack.packb(lowered, default=_lower_rest)  # type: ignore[no-any-return]
        except UnicodeEncodeError:  # lone surrogates, as in undecodable file names
            return msgpack.packb(  # type: ignore[no-any-return]
                lowered, default=_lower_rest, unicode_errors="surrogatepass"
            )

    def place(self, buffer: memoryview) -> bytes | int:
        """Return the bytes themselves if they are few, else their number beside the structure."""
        if buffer.nbytes < _OUT_OF_BAND:
            return buffer.tobytes()
        self.buffers.append(buffer)
        return len(self.buffers) - 1


class Reader:
    """Raises what a Writer lowered, and trusts none of it."""

    __slots__ = ("_buffers", "_codes", "_depth", "_total", "pickle_allowed")

    def __init__(
        self, buffers: list[memoryview], codes: dict[int, Raise], *, pickle_allowed: bool
    ) -> None:
        self._buffers: list[memoryview | None] = list(buffers)
        self._total = sum(buffer.nbytes for buffer in buffers)
        self._codes = codes
        self._depth = 0
        self.pickle_allowed = pickle_allowed

    def unpack(self, payload: bytes | memoryview) -> Any:  # noqa: ANN401 - data
        """Read msgpack; msgpack checks every length against what is there before it allocates."""
        self._depth += 1
        if self._depth > MAX_DEPTH + _WITHIN:
            raise IntegrityError("an encoded value is nested too deeply")
        try:
            return msgpack.unpackb(
                payload,
                ext_hook=self._raise,
                strict_map_key=False,
                unicode_errors="surrogatepass",
                timestamp=1,
            )
        finally:
            self._depth -= 1

    def fields(self, payload: bytes, count: int) -> list[Any]:
        """Read the fields of an extension."""
        fields = self.unpack(payload)
        if type(fields) is not list or len(fields) != count:
            raise IntegrityError("an encoded value has an extension of another shape")
        return fields

    def take(self, place: object) -> memoryview:
        """Return the buffer that :meth:`Writer.place` placed. Each can be taken once."""
        if type(place) is bytes:
            return memoryview(place)
        if type(place) is not int or not 0 <= place < len(self._buffers):
            raise IntegrityError("an encoded value names a buffer that it does not hold")
        buffer, self._buffers[place] = self._buffers[place], None
        if buffer is None:
            raise IntegrityError("an encoded value uses a buffer twice")
        return buffer

    def own(self, buffer: memoryview) -> memoryview:
        """Return a writable, aligned buffer that does not keep much more than itself in memory."""
        if buffer.readonly or buffer.nbytes * 2 < self._total or not _is_aligned(buffer):
            return memoryview(bytearray(buffer))
        return buffer

    def _raise(self, code: int, payload: bytes) -> object:
        known = self._codes.get(code)
        if known is None:
            raise IntegrityError(f"an encoded value has an unknown extension {code}")
        return known(self, payload)


def _is_aligned(buffer: memoryview) -> bool:
    """Whether a writable buffer begins where compiled code takes numbers from: not all may."""
    if not buffer.nbytes:
        return True
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer)) % _ALIGNMENT == 0


def raw_values(structure: bytes | memoryview) -> list[bytes]:
    """Return the members of an encoded list, each as encoded by itself."""
    members = msgpack.unpackb(structure, strict_map_key=False, unicode_errors="surrogatepass")
    if type(members) is not list:
        raise IntegrityError("a chunk's results are not a list; they were not used")
    pack = partial(msgpack.packb, unicode_errors="surrogatepass")
    return [cast("bytes", pack(member)) for member in members]


Lower: TypeAlias = Callable[[Writer, Any, int], object]
Raise: TypeAlias = Callable[[Reader, bytes], object]


def _lower_rest(value: object) -> msgpack.ExtType:
    """Take what msgpack finds too large: an integer beyond 64 bits."""
    if type(value) is not int:
        raise TypeError(f"{type(value).__name__} was not lowered")
    size = value.bit_length() // 8 + 1
    return msgpack.ExtType(Code.BIG_INT, value.to_bytes(size, "little", signed=True))

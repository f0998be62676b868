"""Look at an Arrow stream before Arrow does: no compression bombs, no extension types.

Arrow allocates what a compressed buffer declares, and an extension type hands bytes to whatever
class was registered for it. We write neither, so neither is accepted. What is read here is the
few fields of Arrow's flatbuffer messages that say so; Arrow itself checks the rest.
"""

from __future__ import annotations

import struct
from typing import Final

from starburst.errors import IntegrityError

__all__ = ["check_stream"]

_CONTINUATION: Final = 0xFFFFFFFF
_SCHEMA, _DICTIONARY, _RECORDS = 1, 2, 3
_HEADER_TYPE, _HEADER, _BODY_LENGTH = 1, 2, 3  # fields of Message
_DATA: Final = 1  # field of DictionaryBatch
_ROWS, _NODES, _BUFFERS, _COMPRESSION, _VARIADIC = range(5)  # fields of RecordBatch
_PAIR: Final = struct.Struct("<qq")
_COUNT: Final = struct.Struct("<q")
_EXTENSION: Final = b"ARROW:extension:"
_MAX_ROWS: Final = 2**40


def check_stream(stream: memoryview) -> None:
    """Raise IntegrityError for a stream that we cannot have written."""
    at = 0
    try:
        while at < stream.nbytes:
            marker, length = struct.unpack_from("<II", stream, at)
            if marker != _CONTINUATION:
                raise IntegrityError("an Arrow stream in a result has another framing")
            at += 8
            if not length:
                break
            at += length + _check_message(stream[at : at + length])
    except struct.error:
        raise IntegrityError("an Arrow stream in a result is cut short") from None
    if at != stream.nbytes:
        raise IntegrityError("an Arrow stream in a result has another length")


def _check_message(message: memoryview) -> int:
    """Check one message; return the length of its body."""
    (root,) = struct.unpack_from("<I", message)
    kind_at = _field(message, root, _HEADER_TYPE)
    header_at = _field(message, root, _HEADER)
    body_at = _field(message, root, _BODY_LENGTH)
    kind = message[kind_at] if kind_at else 0
    if kind not in (_SCHEMA, _DICTIONARY, _RECORDS) or not header_at:
        raise IntegrityError("an Arrow stream in a result has an unknown message")
    header = _follow(message, header_at)
    body: int = struct.unpack_from("<q", message, body_at)[0] if body_at else 0
    if body < 0:
        raise IntegrityError("an Arrow stream in a result has another length")
    if kind == _SCHEMA:
        if _EXTENSION in bytes(message):
            raise IntegrityError("an Arrow stream in a result has an extension type")
    else:
        if kind == _DICTIONARY:
            header = _follow(message, _field(message, header, _DATA))
        _check_batch(message, header, body)
    return body


def _check_batch(message: memoryview, batch: int, body: int) -> None:
    """Refuse sizes that the body cannot hold: polars allocates them before it reads."""
    rows_at = _field(message, batch, _ROWS)
    rows = _COUNT.unpack_from(message, rows_at)[0] if rows_at else 0
    if _field(message, batch, _COMPRESSION) or not 0 <= rows <= _MAX_ROWS:
        raise IntegrityError("an Arrow stream in a result is compressed or has no size")
    for length, nulls in _vector(message, batch, _NODES, _PAIR):
        if not 0 <= nulls <= length <= _MAX_ROWS:
            raise IntegrityError("an Arrow stream in a result has a column without a size")
    buffers = _vector(message, batch, _BUFFERS, _PAIR)
    for offset, length in buffers:
        if min(offset, length) < 0 or offset + length > body:
            raise IntegrityError("an Arrow stream in a result declares more than it holds")
    for (count,) in _vector(message, batch, _VARIADIC, _COUNT):
        if not 0 <= count <= len(buffers):
            raise IntegrityError("an Arrow stream in a result declares more than it holds")


def _vector(
    message: memoryview, table: int, number: int, layout: struct.Struct
) -> list[tuple[int, ...]]:
    """Return a vector of structs or numbers; an absent one is empty."""
    at = _field(message, table, number)
    if not at:
        return []
    start = _follow(message, at)
    (count,) = struct.unpack_from("<I", message, start)
    end = start + 4 + count * layout.size
    if end > message.nbytes:
        raise IntegrityError("an Arrow stream in a result declares more than it holds")
    return list(layout.iter_unpack(message[start + 4 : end]))


def _field(message: memoryview, table: int, number: int) -> int:
    """Return where a field of a flatbuffer table is; 0 if it is absent."""
    vtable = table - _signed(message, table)
    if vtable < 0:
        raise IntegrityError("an Arrow stream in a result is malformed")
    (size,) = struct.unpack_from("<H", message, vtable)
    slot = 4 + 2 * number
    if slot >= size:
        return 0
    (offset,) = struct.unpack_from("<H", message, vtable + slot)
    return table + int(offset) if offset else 0


def _follow(message: memoryview, at: int) -> int:
    (offset,) = struct.unpack_from("<I", message, at)
    return at + int(offset)


def _signed(message: memoryview, at: int) -> int:
    (value,) = struct.unpack_from("<i", message, at)
    return int(value)

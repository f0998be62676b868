"""A Parquet file, written row group by row group: flat columns, plain values, gzip.

Lambda's runtime brings no library for it, and one would be a hundred times this function. What is
written is the least that the format asks for, and a test has pyarrow and DuckDB read it.
Source: https://parquet.apache.org/docs/file-format/.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, Final

__all__ = ["ParquetFile"]

_MAGIC: Final = b"PAR1"
_BOOLEAN, _INT64, _DOUBLE, _TEXT = 0, 2, 5, 6
_KINDS: Final = {"boolean": _BOOLEAN, "bigint": _INT64, "double": _DOUBLE, "string": _TEXT}
_OPTIONAL, _UTF8, _PLAIN, _RLE, _GZIP = 1, 0, 0, 3, 2

_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
"""Types of Thrift's compact protocol."""

Row = Mapping[str, Any]


class ParquetFile:
    """Writes one file; ``close`` ends it.

    Args:
        out: where to.
        columns: their types by name: ``string``, ``bigint``, ``double`` or ``boolean``.
    """

    def __init__(self, out: BinaryIO, columns: Mapping[str, str]) -> None:
        self._out, self._at = out, 0
        self._columns = {name: _KINDS[kind] for name, kind in columns.items()}
        self._groups: list[bytes] = []
        self._rows = 0
        self._write(_MAGIC)

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows as one group; a name that is missing in a row is null."""
        if not rows:
            return
        begins, chunks = self._at, []
        for name, kind in self._columns.items():
            chunks.append(self._chunk(name, kind, [row.get(name) for row in rows]))
        self._groups.append(
            _struct(
                (1, _LIST, _list(_STRUCT, chunks)),
                (2, _I64, _zigzag(self._at - begins)),
                (3, _I64, _zigzag(len(rows))),
            )
        )
        self._rows += len(rows)

    def close(self) -> None:
        """Write the footer."""
        footer = _struct(
            (1, _I32, _zigzag(1)),
            (2, _LIST, _list(_STRUCT, [self._root(), *self._schema()])),
            (3, _I64, _zigzag(self._rows)),
            (4, _LIST, _list(_STRUCT, self._groups)),
            (6, _BINARY, _binary(b"starburst")),
        )
        self._write(footer + struct.pack("<I", len(footer)) + _MAGIC)

    def _root(self) -> bytes:
        return _struct((4, _BINARY, _binary(b"row")), (5, _I32, _zigzag(len(self._columns))))

    def _schema(self) -> list[bytes]:
        return [
            _struct(
                (1, _I32, _zigzag(kind)),
                (3, _I32, _zigzag(_OPTIONAL)),
                (4, _BINARY, _binary(name.encode())),
                *([(6, _I32, _zigzag(_UTF8))] if kind == _TEXT else []),
            )
            for name, kind in self._columns.items()
        ]

    def _chunk(self, name: str, kind: int, values: Sequence[Any]) -> bytes:
        body = _levels(values) + _ENCODERS[kind]([one for one in values if one is not None])
        packed = gzip.compress(body, mtime=0)
        header = _struct(
            (1, _I32, _zigzag(0)),
            (2, _I32, _zigzag(len(body))),
            (3, _I32, _zigzag(len(packed))),
            (
                5,
                _STRUCT,
                _struct(
                    (1, _I32, _zigzag(len(values))),
                    (2, _I32, _zigzag(_PLAIN)),
                    (3, _I32, _zigzag(_RLE)),
                    (4, _I32, _zigzag(_RLE)),
                ),
            ),
        )
        begins = self._at
        self._write(header + packed)
        about = _struct(
            (1, _I32, _zigzag(kind)),
            (2, _LIST, _list(_I32, [_zigzag(_PLAIN), _zigzag(_RLE)])),
            (3, _LIST, _list(_BINARY, [_binary(name.encode())])),
            (4, _I32, _zigzag(_GZIP)),
            (5, _I64, _zigzag(len(values))),
            (6, _I64, _zigzag(len(header) + len(body))),
            (7, _I64, _zigzag(len(header) + len(packed))),
            (9, _I64, _zigzag(begins)),
        )
        return _struct((2, _I64, _zigzag(begins)), (3, _STRUCT, about))

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._at += len(data)


def _levels(values: Sequence[Any]) -> bytes:
    """Return which values are there: one bit each, in groups of eight."""
    bits = _bits([one is not None for one in values])
    run = _varint(len(bits) << 1 | 1) + bits
    return struct.pack("<I", len(run)) + run


def _bits(flags: Sequence[bool]) -> bytes:
    padded = [*flags, *([False] * (-len(flags) % 8))]
    return bytes(
        sum(flag << place for place, flag in enumerate(padded[at : at + 8]))
        for at in range(0, len(padded), 8)
    )


def _texts(values: Sequence[Any]) -> bytes:
    encoded = [str(one).encode("utf-8", "replace") for one in values]
    return b"".join(struct.pack("<I", len(one)) + one for one in encoded)


_ENCODERS: Final[Mapping[int, Callable[[Sequence[Any]], bytes]]] = {
    _BOOLEAN: lambda values: _bits([bool(one) for one in values]),
    _INT64: lambda values: struct.pack(f"<{len(values)}q", *map(int, values)),
    _DOUBLE: lambda values: struct.pack(f"<{len(values)}d", *map(float, values)),
    _TEXT: _texts,
}


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _zigzag(number: int) -> bytes:
    return _varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _binary(data: bytes) -> bytes:
    return _varint(len(data)) + data


def _list(kind: int, items: Sequence[bytes]) -> bytes:
    short = len(items) < 15  # noqa: PLR2004 - what fits beside the type
    head = bytes([len(items) << 4 | kind]) if short else bytes([0xF0 | kind]) + _varint(len(items))
    return head + b"".join(items)


def _struct(*fields: tuple[int, int, bytes]) -> bytes:
    out, last = bytearray(), 0
    for number, kind, value in fields:
        out.append((number - last) << 4 | kind)
        out += value
        last = number
    return bytes(out) + b"\0"

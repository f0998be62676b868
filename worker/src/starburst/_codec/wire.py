"""The bytes of an encoded value: one msgpack structure, then large buffers that are not copied.

::

    0 | structure
    1 | buffer count 4 | structure length 8 | buffer length 8 … | structure | padding, buffer …

Buffers begin at multiples of 64 bytes, so that arrays over them are aligned.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from starburst._protocol.sealed.envelope import Buffer
from starburst.errors import IntegrityError

__all__ = ["join", "split"]

_ALIGNMENT: Final = 64
_FIXED: Final = struct.Struct("<BIQ")
_LENGTH: Final = 8


def join(structure: bytes, buffers: Sequence[memoryview]) -> list[Buffer]:
    """Return the parts to seal, in order."""
    if not buffers:
        return [b"\0" + structure]
    lengths = [buffer.nbytes for buffer in buffers]
    head = _FIXED.pack(1, len(buffers), len(structure))
    table = struct.pack(f"<{len(lengths)}Q", *lengths)
    parts: list[Buffer] = [b"".join((head, table, structure))]
    at = len(parts[0])
    for buffer in buffers:
        padding = -at % _ALIGNMENT
        parts += [bytes(padding), buffer]
        at += padding + buffer.nbytes
    return parts


def split(data: memoryview) -> tuple[memoryview, list[memoryview]]:
    """Return the structure and the buffers of what :func:`join` laid out."""
    if not data.nbytes or data[0] > 1:
        raise IntegrityError("an encoded value has no layout that this release knows")
    if not data[0]:
        return data[1:], []
    if data.nbytes < _FIXED.size:
        raise IntegrityError("an encoded value is cut short")
    _, count, structure_length = _FIXED.unpack_from(data)
    at = _FIXED.size + count * _LENGTH
    if at + structure_length > data.nbytes:
        raise IntegrityError("an encoded value declares more than it holds")
    lengths = struct.unpack_from(f"<{count}Q", data, _FIXED.size)
    structure = data[at : at + structure_length]
    at += structure_length
    buffers: list[memoryview] = []
    for length in lengths:
        at += -at % _ALIGNMENT
        if at + length > data.nbytes:
            raise IntegrityError("an encoded value declares more than it holds")
        buffers.append(data[at : at + length])
        at += length
    if at != data.nbytes:
        raise IntegrityError("an encoded value holds more than it declares")
    return structure, buffers

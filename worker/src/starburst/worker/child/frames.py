"""Frames between a worker and its child: a table, then raw buffers, over a pipe."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from starburst._protocol.sealed.envelope import Buffer
from starburst._protocol.sealed.tables import dump_table, load_table, whole
from starburst.errors import IntegrityError

__all__ = ["Frame", "read_frame", "write_frame"]


_LENGTH: Final = struct.Struct(">I")
_MAX_HEADER: Final = 1 << 28
_MAX_BUFFER: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Frame:
    """What one side said: ``header`` holds plain data, ``buffers`` the bytes it speaks of."""

    header: dict[str, Any]
    buffers: tuple[memoryview, ...]


def write_frame(
    stream: BinaryIO, header: dict[str, Any], *, buffers: Sequence[Buffer] = ()
) -> None:
    """Write one frame and flush it."""
    views = [memoryview(buffer).cast("B") for buffer in buffers]
    head = dump_table([header, [view.nbytes for view in views]])
    stream.write(_LENGTH.pack(len(head)) + head)
    for view in views:
        stream.write(view)
    stream.flush()


def read_frame(stream: BinaryIO) -> Frame | None:
    """Read one frame; None where the other side has closed the pipe, even in mid-frame.

    Raises:
        IntegrityError: the other side, or a function that found its pipe, sent something else.
    """
    prefix = _read(stream, _LENGTH.size)
    if prefix is None:
        return None
    head = _read(stream, _bounded(_LENGTH.unpack(prefix)[0], _MAX_HEADER))
    if head is None:
        return None
    try:
        header, sizes = load_table(head)
        lengths = [_bounded(whole(size), _MAX_BUFFER) for size in sizes]
    except (TypeError, ValueError) as error:
        raise IntegrityError(f"what came over a worker's pipe is no frame: {error}") from None
    if type(header) is not dict:
        raise IntegrityError("what came over a worker's pipe is no frame: it has no header")
    buffers = []
    for length in lengths:
        data = _read(stream, length)
        if data is None:
            return None
        buffers.append(data)
    return Frame(header, tuple(buffers))


def _bounded(size: int, most: int) -> int:
    """Refuse a length before it is allocated."""
    if size > most:
        raise IntegrityError(f"what came over a worker's pipe is no frame: {size} bytes in one")
    return size


def _read(stream: BinaryIO, size: int) -> memoryview | None:
    data = bytearray(size)
    view = memoryview(data)
    done = 0
    while done < size:
        count = os.readv(stream.fileno(), [view[done:]])
        if count == 0:
            return None
        done += count
    return view

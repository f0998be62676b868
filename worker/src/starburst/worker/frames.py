"""Frames between a worker and its child: a table, then raw buffers, over a pipe."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from starburst.envelope import Buffer
from starburst.tables import dump_table, load_table

__all__ = ["Frame", "read_frame", "write_frame"]


_LENGTH: Final = struct.Struct(">I")


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
    """Read one frame; None where the other side has closed the pipe, even in mid-frame."""
    prefix = _read(stream, _LENGTH.size)
    if prefix is None:
        return None
    head = _read(stream, _LENGTH.unpack(prefix)[0])
    if head is None:
        return None
    header, sizes = load_table(head)
    buffers = []
    for size in sizes:
        data = _read(stream, size)
        if data is None:
            return None
        buffers.append(data)
    return Frame(header, tuple(buffers))


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

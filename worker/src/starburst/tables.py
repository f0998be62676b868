"""Tables of contents inside sealed objects and frames: msgpack, plain data only."""

from __future__ import annotations

from typing import Any, cast

import msgpack

from .envelope import Buffer

__all__ = ["dump_table", "load_table"]


def dump_table(table: object) -> bytes:
    """Return a table's bytes; its keys, if any, may be numbers."""
    return cast("bytes", msgpack.packb(table))


def load_table(data: Buffer) -> Any:  # noqa: ANN401 - the caller checks the shape
    """Read a table; raise ValueError where the bytes are not one."""
    return msgpack.unpackb(data, strict_map_key=False)

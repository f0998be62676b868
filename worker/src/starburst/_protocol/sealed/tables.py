"""Tables of contents inside sealed objects and frames: msgpack, plain data only."""

from __future__ import annotations

from typing import Any, cast

import msgpack

from .envelope import Buffer

__all__ = ["dump_table", "load_table", "text", "whole"]


def dump_table(table: object) -> bytes:
    """Return a table's bytes; its keys, if any, may be numbers."""
    return cast("bytes", msgpack.packb(table))


def load_table(data: Buffer) -> Any:  # noqa: ANN401 - the caller checks the shape
    """Read a table; raise ValueError where the bytes are not one."""
    try:
        return msgpack.unpackb(data, strict_map_key=False)
    except TypeError as error:  # a list as a key
        raise ValueError(str(error)) from None


def text(value: object) -> str:
    """Return a field that must be text; raise ValueError for anything else."""
    if type(value) is not str:
        raise ValueError(f"a {type(value).__name__} stands where text belongs")
    return value


def whole(value: object) -> int:
    """Return a field that must be a whole number from 0 on; raise ValueError for anything else.

    ``int()`` would take text, fractions and truth values, and fail in its own way on infinity.
    """
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r:.40} stands where a whole number belongs")
    return value

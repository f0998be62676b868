"""Headers that announce five gigabytes, in every format, read by a process that may not have them.

``python -m tests.codec.lengths`` prints a line for each: its name, what became of it, and the most
memory that was allocated meanwhile.
"""

from __future__ import annotations

import json
import resource
import struct
import tracemalloc
from pathlib import Path
from typing import Any, Final

import msgpack
import pyarrow as pa
import zstandard

from starburst._codec.structure import Code
from starburst._protocol.sealed.chunks import ChunkMessage
from starburst._protocol.sealed.envelope import seal
from starburst._protocol.sealed.header import header_text
from tests.fuzz.doors import CHUNK, DOORS, HEADER, KEY, PACK
from tests.fuzz.seeds import seeds

__all__ = ["main"]

_HUGE: Final = 5 * 2**30
_SPARE: Final = 2**29
"""What the process may allocate in all, far less than anything announces."""


def _pack(value: object) -> bytes:
    packed: Any = msgpack.packb(value)
    return bytes(packed)


def _value(code: int, *fields: object) -> bytes:
    return b"\0" + _pack(msgpack.ExtType(code, _pack(fields)))


def _announced() -> dict[str, tuple[str, bytes]]:
    """Return door and bytes by name."""
    words: dict[str, tuple[str, bytes]] = {
        "text": ("value", b"\0\xdb" + b"\xff" * 4 + b"x"),
        "bytes": ("value", b"\0\xc6" + b"\xff" * 4 + b"x"),
        "list": ("value", b"\0\xdd" + b"\xff" * 4 + b"\xc0"),
        "map": ("value", b"\0\xdf" + b"\xff" * 4 + b"\xc0"),
        "extension": ("value", b"\0\xc9" + b"\xff" * 4 + b"\x1e"),
        "list of lists": ("value", b"\0" + b"\xdd\x00\xff\xff\xff" * 100),
        "structure": ("value", b"\1" + struct.pack("<IQ", 0, _HUGE)),
        "buffer": ("value", b"\1" + struct.pack("<IQQ", 1, 1, _HUGE) + b"\0"),
        "buffers": ("value", b"\1" + struct.pack("<IQ", 2**32 - 1, 1)),
        "array": ("value", _value(Code.ARRAY, "<f8", [_HUGE // 8], "C", bytes(8))),
        "array of rows": ("value", _value(Code.ARRAY, "<f8", [2**16, 2**17], "C", bytes(8))),
        "wide text": ("value", _value(Code.ARRAY, "<U999999999", [2], "C", bytes(8))),
        "wide field": (
            "value",
            _value(
                Code.ARRAY,
                {"fields": [["a", "<i8", 0, None]], "size": 2**31 - 1, "aligned": False},
                [3],
                "C",
                bytes(8),
            ),
        ),
        "subarrays": ("value", _value(Code.ARRAY, ["<i8", [2**28]], [3], "C", bytes(8))),
        "objects": ("value", _value(Code.OBJECT_ARRAY, [_HUGE], [None])),
        "empty axis": ("value", _value(Code.ARRAY, "<f8", [0, 2**40, 2**40], "C", b"")),
        "scalar": ("value", _value(Code.NUMPY_SCALAR, "<U999999999", b"x")),
        "fraction": (
            "value",
            _value(Code.FRACTION, msgpack.ExtType(Code.BIG_INT, bytes(2**17) + b"\1"), 3),
        ),
        "range in set": ("value", _value(Code.SET, msgpack.ExtType(Code.RANGE, _pack([0, 1, 0])))),
        "pandas range": (
            "value",
            _value(
                Code.PANDAS_SERIES,
                msgpack.ExtType(Code.PANDAS_INDEX, _pack([["range", 0, _HUGE, 1], [None]])),
                None,
                ["objects", [None]],
            ),
        ),
        "pandas levels": (
            "value",
            _value(Code.PANDAS_INDEX, ["levels", [], [[_HUGE]]], [None]),
        ),
        "node": ("node", struct.pack(">I", 2**32 - 1)),
        "chunk": ("chunk", struct.pack(">I", 2**32 - 1)),
        "inputs": ("chunk", _table(["f1", 0, [_HUGE]])),
        "ledger": ("ledger", b"\xdd" + b"\xff" * 4),
        "frame": ("frame", struct.pack(">I", 2**32 - 1)),
        "frame buffer": ("frame", _table([{}, [_HUGE]])),
        "message": ("message", _message()),
        "manifest": ("manifest", b"[" * 10**6),
        "status": ("status", b'{"a":' * 10**5),
        "envelope": ("header", _header(size=_HUGE, stored=3, compression="zstd") + b"\0abc"),
        "envelope stored": ("header", _header(size=_HUGE, stored=_HUGE) + b"\0abc"),
        "zstd": ("header", _bomb()),
    }
    words |= {f"{name} of arrow": ("value", data) for name, data in _streams(Code.ARROW, "Table")}
    words |= {
        f"{name} of polars": ("value", data) for name, data in _streams(Code.POLARS, "DataFrame")
    }
    return words


def _table(table: object) -> bytes:
    data = _pack(table)
    return struct.pack(">I", len(data)) + data


def _message() -> bytes:
    fields = json.loads(seeds()["message"][0])
    huge = ChunkMessage(chunk=CHUNK, lo=0, hi=3, pack=PACK, offset=0, length=1, inline=None)
    return json.dumps({**fields, "range": [0, _HUGE], "inline": huge.to_body()}).encode()


def _header(*, size: int, stored: int, compression: str = "none") -> bytes:
    return header_text(HEADER, size=size, stored=stored, compression=compression)


def _bomb() -> bytes:
    """Five gigabytes of zeros, of which the header speaks the truth."""
    piece = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(2**20))
    body = piece * 100
    return _header(size=_HUGE, stored=len(body), compression="zstd") + b"\0" + body


def _streams(code: Code, kind: str) -> list[tuple[str, bytes]]:
    """Arrow streams in which one number of each message announces too much."""
    sink = pa.BufferOutputStream()
    table = pa.table({"a": [1, 2, 3], "b": ["x", "y", None]})
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write(table)
    good = sink.getvalue().to_pybytes()
    lies = []
    for at in range(8, len(good) - 8, 8):
        changed = good[:at] + struct.pack("<q", _HUGE) + good[at + 8 :]
        lies.append((f"word {at}", _value(code, kind, changed)))
    return lies


def main() -> None:
    """Read each; say what became of it."""
    announced = _announced()
    for name, each in seeds().items():  # so that every library is loaded
        for data in each:
            DOORS[name].read(data)
    seal([b""], key=KEY, header=HEADER)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + _SPARE
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    tracemalloc.start()
    for name, (door, data) in announced.items():
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        try:
            DOORS[door].read(data)
            became = "read"
        except DOORS[door].raises as error:
            memory = "MemoryError" in str(error) or "malloc" in str(error)
            became = "out of memory" if memory else "refused"
        peak = tracemalloc.get_traced_memory()[1] - before
        print(json.dumps([name, became, peak]))


if __name__ == "__main__":
    main()

"""A worker that was taken over writes what it likes; the reader sees one error and runs nothing."""

import builtins
import os
import pickle
import random
import struct
import threading
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from starburst._codec import decode, decode_batch, encode, encode_batch
from starburst._codec.structure import Code
from starburst.errors import IntegrityError, PayloadError, UnsafeResult

RoundTrip = Callable[..., Any]


class Evil:
    """Says so if it is ever unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return pytest.fail, ("a pickle in a result was loaded",)


def packed(value: object) -> bytes:
    data: Any = msgpack.packb(value)
    return data


def ext(code: int, *fields: object) -> msgpack.ExtType:
    return msgpack.ExtType(code, packed(fields))


def read(value: object) -> object:
    data = value if isinstance(value, bytes) else b"\0" + packed(value)
    return decode("data", memoryview(bytearray(data)), mode="data")


def deep(depth: int, code: int) -> msgpack.ExtType:
    value: object = 1
    for _ in range(depth):
        value = ext(code, value)
    return value  # type: ignore[return-value]


def nested(depth: int) -> object:
    described: object = "<f8"
    for _ in range(depth):
        described = [described, [1]]
    return described


MALFORMED: dict[str, object] = {
    "empty": b"",
    "no layout": b"\x07\x01",
    "no structure": b"\0",
    "deep lists": b"\0" + b"\x91" * 100_000 + b"\x01",
    "deep maps": b"\0" + b"\x81\x01" * 100_000 + b"\x01",
    "deep tuples": deep(200, Code.TUPLE),
    "huge list": b"\0\xdd\xff\xff\xff\xff",
    "huge map": b"\0\xdf\xff\xff\xff\xff",
    "huge text": b"\0\xdb\xff\xff\xff\xff",
    "huge bytes": b"\0\xc6\xff\xff\xff\xff",
    "huge extension": b"\0\xc9\xff\xff\xff\xff\x03",
    "many huge lists": b"\0" + (b"\xdd\x00\x01\x00\x00" * 1000),
    "trailing": b"\0\x01\x01",
    "list as key": b"\0\x81\x90\x01",
    "reserved byte": b"\0\xc1",
    "bad text": b"\0\xa1\xff",
    "unknown extension": ext(99),
    "buffers: huge count": b"\1" + struct.pack("<IQ", 2**32 - 1, 1),
    "buffers: huge structure": b"\1" + struct.pack("<IQ", 0, 2**63),
    "buffers: huge buffer": b"\1" + struct.pack("<IQQ", 1, 1, 2**63) + b"\x01",
    "buffers: cut": b"\1\0",
    "buffers: left over": b"\1" + struct.pack("<IQ", 0, 1) + b"\x01\x01",
    "pickle in data": ext(Code.PICKLE, pickle.dumps(Evil()), []),
    "set of lists": ext(Code.SET, [1]),
    "complex of text": ext(Code.COMPLEX, "a", "b"),
    "date": ext(Code.DATE, "2020-13-01"),
    "date of number": ext(Code.DATE, 1),
    "datetime": ext(Code.DATE_TIME, "2020", 7, None),
    "zone path": ext(Code.TIME_ZONE, None, "../../etc/passwd"),
    "zone of number": ext(Code.TIME_ZONE, None, 3),
    "decimal": ext(Code.DECIMAL, "x" * 100),
    "fraction by zero": ext(Code.FRACTION, 1, 0),
    "fraction of text": ext(Code.FRACTION, "1", 1),
    "fraction too long": ext(Code.FRACTION, msgpack.ExtType(Code.BIG_INT, b"\1" * 2**20), 3),
    "uuid": ext(Code.UUID, b"short"),
    "path class": ext(Code.PATH, "system", "x"),
    "path with null": ext(Code.PATH, 1, 2),
    "collection": ext(Code.COLLECTION, "eval", None, [], []),
    "factory": ext(Code.COLLECTION, "defaultdict", "eval", [], []),
    "pairs": ext(Code.COLLECTION, "dict", None, [1], []),
    "range of text": ext(Code.RANGE, "a", 1, 1),
    "range by zero": ext(Code.RANGE, 1, 1, 0),
    "delta": ext(Code.TIME_DELTA, 2**62, 0, 0),
    "dataclass of function": ext(Code.DATACLASS, "os", "system", ["x"], [1]),
    "dataclass of class": ext(Code.DATACLASS, "subprocess", "Popen", ["args"], [1]),
    "dataclass without name": ext(Code.DATACLASS, None, 1, [], []),
    "tuple of class": ext(Code.NAMED_TUPLE, "subprocess", "Popen", [1]),
    "array of objects": ext(Code.ARRAY, "|O", [1], "C", bytes(8)),
    "array of python": ext(Code.ARRAY, "O8", [1], "C", bytes(8)),
    "array of objects in fields": ext(
        Code.ARRAY,
        {"fields": [["a", "|O", 0, None]], "size": 8, "aligned": False},
        [1],
        "C",
        bytes(8),
    ),
    "array overlapping fields": ext(
        Code.ARRAY,
        {"fields": [["a", "<f8", 2**40, None]], "size": 8, "aligned": False},
        [1],
        "C",
        bytes(8),
    ),
    "array code in dtype": ext(Code.ARRAY, "__import__('os')", [1], "C", b""),
    "array too short": ext(Code.ARRAY, "<f8", [2], "C", bytes(8)),
    "array too large": ext(Code.ARRAY, "<f8", [2**62, 2**62], "C", bytes(8)),
    "array empty and huge": ext(Code.ARRAY, "<f8", [0, 2**62, 2**62], "C", b""),
    "array negative": ext(Code.ARRAY, "<f8", [-1, -1], "C", bytes(8)),
    "array of nothing": ext(Code.ARRAY, "|V0", [2**40], "C", b""),
    "array order": ext(Code.ARRAY, "<f8", [1], "X", bytes(8)),
    "array of a buffer that is not there": ext(Code.ARRAY, "<f8", [1], "C", 0),
    "array of a negative buffer": ext(Code.ARRAY, "<f8", [1], "C", -1),
    "array type nested": ext(Code.ARRAY, nested(10), [1], "C", bytes(8)),
    "number too short": ext(Code.NUMPY_SCALAR, "<f8", b"x"),
    "number of objects": ext(Code.NUMPY_SCALAR, "|O", bytes(8)),
    "index": ext(Code.PANDAS_INDEX, ["eval"], [None]),
    "index codes": ext(Code.PANDAS_INDEX, ["levels", [], [[5]]], []),
    "frame": ext(Code.PANDAS_FRAME, 1, 2, 3),
    "column": ext(Code.PANDAS_SERIES, None, None, ["strings", ["a"], "eval", True]),
    "freq": ext(Code.PANDAS_SCALAR, ["Period", 1, "x"]),
    "scalar": ext(Code.PANDAS_SCALAR, ["eval", "1"]),
    "arrow": ext(Code.ARROW, "Table", b"garbage garbage garbage"),
    "arrow of nothing": ext(Code.ARROW, "Table", b""),
    "arrow framing": ext(Code.ARROW, "Table", b"\xff\xff\xff\xff\xff\xff\xff\x7f"),
    "polars": ext(Code.POLARS, "DataFrame", b"garbage garbage garbage"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_value_is_one_typed_error(name: str) -> None:
    with pytest.raises(PayloadError):
        read(MALFORMED[name])


def test_buffer_cannot_be_used_twice() -> None:
    data = bytearray(b"".join(encode([bytes(10_000)], mode="data").parts))
    value = msgpack.ExtType(Code.BYTES, packed([0]))
    structure = packed([value] * 1000)
    twice = b"\1" + struct.pack("<IQQ", 1, len(structure), 10_000) + structure
    twice += bytes(-len(twice) % 64) + bytes(10_000)
    assert len(data) < len(twice)
    with pytest.raises(IntegrityError, match="twice"):
        read(bytes(twice))


@pytest.mark.parametrize(
    "options", [pa.ipc.IpcWriteOptions(compression=name) for name in ("zstd", "lz4")]
)
def test_compressed_arrow_is_refused_before_it_is_expanded(options: Any) -> None:
    sink = pa.BufferOutputStream()
    table = pa.table({"a": np.zeros(10**6)})
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write(table)
    bomb = sink.getvalue().to_pybytes()
    for code in (Code.ARROW, Code.POLARS):
        with pytest.raises(IntegrityError, match="compressed"):
            read(ext(code, "Table", bomb))


def test_arrow_extension_type_is_refused_before_it_is_built() -> None:
    sink = pa.BufferOutputStream()
    table = pa.table({"u": pa.array([b"x" * 16], pa.uuid())})
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write(table)
    with pytest.raises(IntegrityError, match="extension type"):
        read(ext(Code.ARROW, "Table", sink.getvalue().to_pybytes()))


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, (2.5, None)], "b": {1, 2}},
        np.arange(6, dtype="f4").reshape(2, 3),
        np.arange(2000.0),
        pd.DataFrame({"a": [1, 2], "b": pd.Categorical(["x", "y"])}),
        pl.DataFrame({"a": ["x", "y"], "b": [[1], [2, 3]]}),
        pa.table({"a": ["x", "y"], "b": [[1], [2, 3]]}),
    ],
    ids=["plain", "small array", "array", "pandas", "polars", "arrow"],
)
def test_any_corruption_is_read_or_refused_and_never_crashes(value: object) -> None:
    good = bytes(b"".join(encode(value, mode="data").parts))
    draw = random.Random(7)  # noqa: S311 - seeded, so that a failure repeats
    for _ in range(150):
        bad = bytearray(good)
        for _ in range(draw.randrange(1, 4)):
            bad[draw.randrange(len(bad))] = draw.randrange(256)
        if draw.random() < 0.2:
            del bad[draw.randrange(len(bad)) :]
        try:
            decode("data", memoryview(bad), mode="data")
        except PayloadError:
            continue


def test_pickle_is_never_loaded_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle, "loads", lambda *_, **__: pytest.fail("unpickled"))
    encoded = encode(Evil(), mode="pickle")
    assert encoded.format == "pickle"
    data = memoryview(b"".join(encoded.parts))
    with pytest.raises(UnsafeResult, match="did not ask"):
        decode("pickle", data, mode="data")
    with pytest.raises(IntegrityError, match="says that it is data"):
        decode("data", data, mode="pickle")
    with pytest.raises(IntegrityError, match="cannot read"):
        decode("eval", data, mode="pickle")


def test_no_result_executes(monkeypatch: pytest.MonkeyPatch) -> None:
    # Readers are imported when they are first needed, and an import executes a module.
    for value in MALFORMED.values():
        with pytest.raises(PayloadError):
            read(value)
    for module, name in ((os, "system"), (builtins, "eval"), (builtins, "exec")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("executed"))
    for value in MALFORMED.values():
        with pytest.raises(PayloadError):
            read(value)


class Model:
    """Something that only pickle can carry."""

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights


def test_opting_in_pickles_only_what_is_not_data(round_trip: RoundTrip) -> None:
    assert encode({"a": np.ones(3)}, mode="pickle").format == "data"
    weights = np.arange(10_000.0)
    back = round_trip({"model": Model(weights)}, mode="pickle")
    assert np.array_equal(back["model"].weights, weights)
    parts = encode(Model(weights), mode="pickle").parts
    shared = [part for part in parts if isinstance(part, memoryview)]
    assert any(np.shares_memory(np.frombuffer(part, "u1"), weights) for part in shared)


def test_batch_mixes_both_and_reports_what_neither_can_carry() -> None:
    encoded, refused = encode_batch([1, Model(np.ones(2)), threading.Lock()], mode="pickle")
    assert encoded.format == "pickle"
    data = memoryview(bytearray(b"".join(encoded.parts)))
    one, model, none = decode_batch("pickle", data, mode="pickle")
    assert (one, type(model), none) == (1, Model, None)
    assert "cannot be pickled either" in str(refused[2])
    with pytest.raises(UnsafeResult):
        decode_batch("pickle", data, mode="data")
    with pytest.raises(IntegrityError, match="not a list"):
        decode_batch("data", memoryview(b"\0\x01"), mode="data")


def test_broken_pickle_is_typed(round_trip: RoundTrip) -> None:
    data = b"\0" + packed(ext(Code.PICKLE, b"garbage", []))
    with pytest.raises(PayloadError, match="cannot be loaded here"):
        decode("pickle", memoryview(data), mode="pickle")

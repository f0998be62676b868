"""Good bytes for every door, from which the fuzzer starts; generated, so that none is kept."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import functools
import io
import pathlib
import uuid
import zoneinfo
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import zstandard

from starburst._codec import encode, encode_batch
from starburst._codec.exceptions import describe
from starburst._protocol.requeue import RequeueMessage
from starburst._protocol.sealed import envelope
from starburst._protocol.sealed.chunks import Chunk, write_pack
from starburst._protocol.sealed.envelope import seal
from starburst._protocol.sealed.header import header_text
from starburst._protocol.sealed.result_nodes import Batch, ResultNode
from starburst._protocol.sealed.tables import dump_table
from starburst._protocol.status import StatusDocument
from starburst.contract import Limits, RuntimeDocument, WorkspaceDocument
from starburst.worker.child.frames import write_frame
from tests.manifests import a_manifest

from . import controller_doors
from .doors import CHUNK, HEADER, KEY, PACK, SESSION, SIGNER

__all__ = ["VALUES", "seeds"]


class Colour(enum.Enum):
    """A member of a class that is imported here."""

    RED = 1


class Flags(enum.Flag):
    """Flags likewise."""

    A = 1
    B = 2


@dataclasses.dataclass
class Record:
    """A dataclass likewise."""

    name: str
    values: list[int]


class Bunch(collections.namedtuple("Bunch", ["x"])):
    """A named tuple that holds more than its fields."""


def _more_than_fields() -> Bunch:
    bunch = Bunch(1)
    vars(bunch)["df"] = 2.5
    return bunch


def _annotated() -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"unit": "mg"}
    return frame


_ZONE: Final = zoneinfo.ZoneInfo("Europe/Berlin")

VALUES: Final[list[Any]] = [
    None,
    [True, -1, 2**80, -(2**300), 1.5, float("nan"), "text", "\ud800", b"bytes", bytes(5000)],
    {"a": (1, [2]), 3: {4, 5}, (6,): frozenset({"7"}), None: {}},
    [
        1j,
        range(3, 9, 2),
        bytearray(b"b"),
        decimal.Decimal("1.50"),
        Fraction(2, 3),
        uuid.UUID(int=9),
    ],
    [dt.datetime(2026, 11, 22, 8, tzinfo=_ZONE), dt.date(2026, 1, 2), dt.time(1, 2, fold=1)],
    [dt.timedelta(-1, 2, 3), dt.UTC, dt.timezone(dt.timedelta(hours=2), "x"), _ZONE],
    [pathlib.Path("a/b"), pathlib.PurePosixPath("c"), pathlib.PureWindowsPath("d")],
    [collections.OrderedDict(a=1), collections.Counter("aab"), collections.deque([1], 3)],
    [collections.defaultdict(list, a=[1])],
    [np.arange(6, dtype=">i4").reshape(2, 3), np.zeros((0, 3)), np.float32(1.5), np.array(7)],
    [np.array(["a", "bc"]), np.array(["2026-01-01"], "M8[D]"), np.timedelta64(3, "ms")],
    [np.asfortranarray(np.ones((3, 4))), np.array(["x", None, 1], dtype=object), np.arange(1000.0)],
    [np.zeros(2, [("a", "<f4"), ("b", "S3", (2,))]), np.str_("s"), np.bytes_(b"b"), np.bool_(True)],
    [Colour.RED, {Flags.A | Flags.B: 1}, Record("r", [1]), _annotated(), _more_than_fields()],
    [np.ma.array([1, 2], mask=[False, True], fill_value=9), np.ma.masked],
    pd.DataFrame({"a": [1, 2], "b": pd.Categorical(["x", "y"], ordered=True), "c": ["p", None]}),
    pd.DataFrame({"t": pd.date_range("2026", periods=2, tz="Europe/Berlin"), "i": [1.5, None]}),
    pd.DataFrame({"n": pd.array([1, None], "Int64"), "s": pd.array(["a", None], "string")}),
    pd.DataFrame({"p": pd.period_range("2026", periods=2, freq="M"), "o": [{"k": 1}, (2,)]}),
    pd.DataFrame({"x": [1]}, index=pd.MultiIndex.from_tuples([("a", 1)], names=["u", "v"])),
    pd.Series([1, 2], pd.date_range("2026", periods=2, freq=pd.DateOffset(months=1))),
    [pd.offsets.CDay(2, holidays=["2026-01-05"]), np.dtype("f8"), np, uuid.uuid1()],
    pd.Series(pd.arrays.IntervalArray.from_breaks([0, 1, 2]), name="s"),
    pd.Series(pd.array([1, None], pd.ArrowDtype(pa.int64()))),
    [pd.Timestamp("2026", tz="UTC"), pd.Timedelta(3), pd.NaT, pd.NA, pd.Period("2026", "D")],
    pa.table({"a": ["x", None], "b": [[1], [2, 3]], "c": pa.array(["k", "l"]).dictionary_encode()}),
    pa.record_batch({"a": [1, 2]}),
    pa.array([{"f": 1.5}, None]),
    pl.DataFrame({"a": ["x", None], "b": [[1], [2, 3]], "c": [1.5, 2.5]}),
    pl.DataFrame({"d": [dt.date(2026, 1, 1)], "s": [{"f": 1, "g": "h"}]}),
    pl.Series("c", ["x", "y", "x"], dtype=pl.Categorical),
]


@functools.cache
def seeds() -> dict[str, tuple[bytes, ...]]:
    """Return good bytes by door; the same ones for the whole of a process."""
    return {name: tuple(each) for name, each in _seeds().items()}


def _seeds() -> dict[str, list[bytes]]:
    values = [b"".join(encode(value, mode="data").parts) for value in VALUES]
    batches = [b"".join(encode_batch([value] * 2, mode="data")[0].parts) for value in VALUES]
    parts, messages = write_pack(
        PACK,
        [Chunk(name=CHUNK, function="f1", first=0, inputs=[b"one", b"two", b""])],
        session=SESSION,
        key=KEY,
        signer=SIGNER,
    )
    pack = b"".join(bytes(part) for part in parts)
    failure = describe(ExceptionGroup("two", [KeyError(3), OSError(2, "no", "file")]), mode="data")
    sealed = bytes(seal([b"text " * 300], key=KEY, header=HEADER))
    body = zstandard.compress(bytes(600))
    return {
        "envelope": [sealed, bytes(seal([b""], key=KEY, header=HEADER))],
        "signature": [SIGNER.sign(sealed)],
        "header": [
            _header(600, body, "zstd") + b"\0" + body,
            _header(3, b"abc", "none") + b"\0abc",
        ],
        "value": values,
        "each": batches,
        "node": [_node(batch) for batch in batches[:14]],
        "chunk": [_table(["f1", 0, [3, 3, 0]]) + b"onetwo"],
        "ledger": [dump_table([[CHUNK, 0, 3, 0, 50], [CHUNK, 3, 1, 50, 9]])],
        "pack": [pack],
        "cancels": [dump_table([[0, 3], [7, 9]])],
        "preparation": [dump_table([{"TZ": "UTC"}, "f0", b"x"]), dump_table([{}, "", b""])],
        "lines": [dump_table(["w", 0, [[3, "stdout", "hi", 1.5], [-1, "stderr", "", 0.0]]])],
        "message": [
            messages[0].to_body().encode(),
            RequeueMessage(live=frozenset({"0f", "1e"})).to_body().encode(),
        ],
        "status": [_status()],
        "manifest": [_manifest()],
        "document": [_document()],
        "frame": [_frame()],
        "failure": [dump_table(failure.to_data())],
        **controller_doors.seeds(),
    }


def _table(table: object) -> bytes:
    data = dump_table(table)
    return len(data).to_bytes(4, "big") + data


def _header(size: int, body: bytes, compression: str) -> bytes:
    return header_text(HEADER, size=size, stored=len(body), compression=compression)


def _node(batch: bytes) -> bytes:
    node = ResultNode(
        lo=0,
        hi=8,
        covered=2,
        children=((2, 5), (5, 8)),
        batches=[Batch(first=0, count=2, format="data", parts=[batch])],
        failures={1: describe(KeyError("k"), mode="data")},
        seconds=1.5,
        worker="w",
    )
    sealed = node.seal(session=SESSION, chunk=CHUNK, key=KEY, attempt=1)
    expect = envelope.Header(
        session=SESSION, kind="result", name=f"{CHUNK}/000000-000008", attempt=1, format="results"
    )
    return bytes(envelope.unseal(sealed, key=KEY, expect=expect))


def _status() -> bytes:
    return StatusDocument(
        session=SESSION,
        state="running",
        reason="1 of 2 workers running",
        workers_wanted=2,
        workers_starting=1,
        workers_running=1,
        workers_started=2,
        workers_lost=0,
        backlog=3,
        in_flight=1,
        worker_seconds=12.5,
        usd=0.25,
        started=1.0,
        deadline=2.0,
        updated=1.5,
    ).to_json()


def _manifest() -> bytes:
    return a_manifest(
        session=SESSION,
        capacity="spot",
        public_key="AA==",
        data_key="AA==",
        signing_key="AA==",
        labels={"name": "study"},
    ).to_json()


def _document() -> bytes:
    workspace = WorkspaceDocument(analyst_role_arn="arn", task_definition="t", limits=Limits())
    document = RuntimeDocument(
        environment="prod",
        account="111122223333",
        region="eu-west-1",
        bucket="b",
        key_arn="k",
        controller="c",
        python="3.11",
        architecture="X86_64",
        workspaces={"genomics": workspace},
    )
    return document.to_json().encode()


def _frame() -> bytes:
    stream = io.BytesIO()
    header = {"first": 0, "count": 1, "format": "data", "failures": [], "final": True}
    write_frame(stream, header, buffers=[b"abc", b""])
    return stream.getvalue()

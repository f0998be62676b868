"""Chunks: tasks that travel together, the packs that hold them, the messages that lease them.

A *pack* is one S3 object that the client writes once per flush::

    u32 length of the ledger · signed, sealed ledger · signed, sealed chunk · signed, sealed chunk …

The ledger says which chunks follow, where, and how many tasks each has: a client on another machine
rebuilds every future from it. A *message* points at one chunk and leases a range of its tasks; a
small chunk travels inside the message as well, so that a worker need not fetch it.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from starburst._protocol.requeue import REQUEUE, RequeueMessage
from starburst.contract import PROTOCOL, SessionKeys, speaks_protocol
from starburst.errors import IntegrityError
from starburst.untrusted.strict_json import read_object

from .envelope import Buffer, Header, seal, unseal
from .signing import SigningKey, verify
from .tables import dump_table, load_table, text, whole

__all__ = [
    "INLINE_BYTES",
    "Chunk",
    "ChunkMessage",
    "Ledger",
    "LedgerEntry",
    "open_chunk",
    "open_ledger",
    "pack_key",
    "pack_name",
    "read_message",
    "write_pack",
]


INLINE_BYTES: Final = 45_000
"""Chunks up to this size travel in their message: in base64 that is one 64 KB billing unit."""

_LEDGER_LENGTH: Final = struct.Struct(">I")
_MOST_TASKS: Final = 65_536
_MOST_BYTES: Final = 2**43
"""No object in S3 is larger (5 TiB), so no part of one lies beyond."""

_CHUNK_NAME: Final = re.compile(r"(p\d{6})-\d{5}")


def pack_key(keys: SessionKeys, pack: str) -> str:
    """Return the S3 key of a pack."""
    return f"{keys.inputs}{pack}"


def pack_name(number: int) -> str:
    """Return the name of a session's pack; the first has number 1.

    Example:
        >>> pack_name(7)
        'p000007'
    """
    return f"p{number:06d}"


def _chunk_header(session: str, name: str) -> Header:
    return Header(session=session, kind="input", name=name, attempt=0, format="chunk")


def _ledger_header(session: str, pack: str) -> Header:
    return Header(session=session, kind="input", name=pack, attempt=0, format="ledger")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """The tasks of one chunk.

    Attributes:
        name: ``<pack>-<number>``.
        function: name of the sealed function that each task calls.
        first: session-wide number of its first task.
        inputs: one pickled ``(args, kwargs)`` per task; unpickled by the worker's child alone.
    """

    name: str
    function: str
    first: int
    inputs: Sequence[Buffer]


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerEntry:
    """Where one chunk is in its pack, and which tasks it holds."""

    name: str
    first: int
    tasks: int
    offset: int
    length: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """The table of contents of one pack."""

    pack: str
    entries: tuple[LedgerEntry, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkMessage:
    """A lease on tasks ``lo`` to ``hi`` (exclusive, counted from the chunk's first) of a chunk.

    All of it is a hint, for others may send to the queue: it chooses which signed chunk runs.

    Attributes:
        chunk, lo, hi: which tasks.
        pack, offset, length: where the chunk may be.
        inline: a copy of it, or None.
        again: whether the range was sent before, so that it may have its result already.
    """

    chunk: str
    lo: int
    hi: int
    pack: str
    offset: int
    length: int
    inline: bytes | None
    again: bool = False

    def to_body(self) -> str:
        """Return the text of the SQS message."""
        inline = None if self.inline is None else base64.b64encode(self.inline).decode()
        fields = {
            "protocol": PROTOCOL,
            "chunk": self.chunk,
            "range": [self.lo, self.hi],
            "at": [self.pack, self.offset, self.length],
            "inline": inline,
        }
        return _dump({**fields, "again": True} if self.again else fields)

    @classmethod
    def from_body(cls, body: str) -> ChunkMessage:
        """Read a message; raise IntegrityError where it is not one of ours."""
        return cls.from_fields(_load(body))

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> ChunkMessage:
        """Read the fields of a message; raise IntegrityError where they are not a lease's."""
        try:
            (lo, hi), (pack, offset, length) = fields["range"], fields["at"]
            inline = fields["inline"]
            message = cls(
                chunk=text(fields["chunk"]),
                lo=whole(lo),
                hi=whole(hi),
                pack=text(pack),
                offset=whole(offset),
                length=whole(length),
                inline=None if inline is None else base64.b64decode(inline, validate=True),
                again=fields.get("again") is True,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(f"message is malformed: {error}") from error
        if not 0 <= message.lo < message.hi <= _MOST_TASKS:
            raise IntegrityError(f"message has range {message.lo}-{message.hi}")
        named = _CHUNK_NAME.fullmatch(message.chunk)
        if named is None or named[1] != message.pack or message.length < 1:
            raise IntegrityError("message names no chunk")
        if message.offset + message.length > _MOST_BYTES:
            raise IntegrityError("message names a place that no object has")
        return message

    def over(self, lo: int, hi: int) -> ChunkMessage:
        """Return the same lease over another range, as one that was not sent before."""
        return replace(self, lo=lo, hi=hi, again=False)


def read_message(body: str) -> ChunkMessage | RequeueMessage:
    """Read a message of a session's queue; raise IntegrityError where it is not one of ours."""
    fields = _load(body)
    if REQUEUE in fields:
        return RequeueMessage.from_fields(fields)
    return ChunkMessage.from_fields(fields)


def _dump(fields: dict[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":"))


def _load(body: str) -> dict[str, Any]:
    try:
        fields = read_object(body)
    except ValueError as error:
        raise IntegrityError(f"message is malformed: {error}") from error
    if not speaks_protocol(fields.get("protocol")):
        raise IntegrityError(f"message has protocol {fields.get('protocol')!r:.80}")
    return fields


def write_pack(
    pack: str, chunks: Sequence[Chunk], *, session: str, key: bytes, signer: SigningKey
) -> tuple[list[Buffer], list[ChunkMessage]]:
    """Seal and sign chunks into one pack.

    Returns:
        the pack's parts, to be written one after the other, and one message per chunk.
    """
    sealed = [
        signer.sign(seal(list(_parts(chunk)), key=key, header=_chunk_header(session, chunk.name)))
        for chunk in chunks
    ]
    entries: list[list[object]] = []
    offset = 0
    for chunk, body in zip(chunks, sealed, strict=True):
        entries.append([chunk.name, chunk.first, len(chunk.inputs), offset, len(body)])
        offset += len(body)
    ledger = signer.sign(seal([dump_table(entries)], key=key, header=_ledger_header(session, pack)))
    start = _LEDGER_LENGTH.size + len(ledger)
    messages = []
    for chunk, body, entry in zip(chunks, sealed, entries, strict=True):
        messages.append(
            ChunkMessage(
                chunk=chunk.name,
                lo=0,
                hi=len(chunk.inputs),
                pack=pack,
                offset=start + int(str(entry[3])),
                length=len(body),
                inline=bytes(body) if len(body) <= INLINE_BYTES else None,
            )
        )
    return [_LEDGER_LENGTH.pack(len(ledger)), ledger, *sealed], messages


def _parts(chunk: Chunk) -> Iterator[Buffer]:
    sizes = [len(blob) for blob in chunk.inputs]
    table = dump_table([chunk.function, chunk.first, sizes])
    yield _LEDGER_LENGTH.pack(len(table))
    yield table
    yield from chunk.inputs


def open_chunk(signed: Buffer, *, name: str, session: str, key: bytes, public: bytes) -> Chunk:
    """Verify, decrypt and read a chunk.

    Raises:
        IntegrityError: the bytes are not what the session's client signed under that name.
    """
    plain = unseal(verify(signed, public=public), key=key, expect=_chunk_header(session, name))
    table, rest = _read_table(plain, name)
    try:
        function, first, sizes = table
        bounds = [0]
        for size in sizes:
            bounds.append(bounds[-1] + whole(size))
        chunk = Chunk(
            name=name,
            function=text(function),
            first=whole(first),
            inputs=[rest[a:b] for a, b in itertools.pairwise(bounds)],
        )
    except (TypeError, ValueError) as error:
        raise IntegrityError(f"chunk {name} is malformed: {error}") from error
    if bounds[-1] != len(rest):
        raise IntegrityError(f"chunk {name} is malformed: its table and its length differ")
    return chunk


def open_ledger(
    start: Buffer, *, pack: str, session: str, key: bytes, public: bytes
) -> Ledger | int:
    """Read the ledger from the first bytes of a pack.

    Returns:
        the ledger, or how many bytes from the start are needed where ``start`` is too short.

    Raises:
        IntegrityError: the bytes are not what the session's client signed.
    """
    if len(start) < _LEDGER_LENGTH.size:
        raise IntegrityError(f"pack {pack} is cut short")
    (length,) = _LEDGER_LENGTH.unpack_from(start)
    end = _LEDGER_LENGTH.size + length
    if len(start) < end:
        return int(end)
    signed = memoryview(start)[_LEDGER_LENGTH.size : end]
    plain = unseal(verify(signed, public=public), key=key, expect=_ledger_header(session, pack))
    try:
        entries = tuple(
            LedgerEntry(
                name=text(name),
                first=whole(first),
                tasks=whole(tasks),
                offset=end + whole(offset),
                length=whole(size),
            )
            for name, first, tasks, offset, size in load_table(plain)
        )
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"the ledger of pack {pack} is malformed: {error}") from error
    return Ledger(pack=pack, entries=entries)


def _read_table(plain: memoryview, name: str) -> tuple[Any, memoryview]:
    if len(plain) < _LEDGER_LENGTH.size:
        raise IntegrityError(f"chunk {name} is cut short")
    (length,) = _LEDGER_LENGTH.unpack_from(plain)
    start = _LEDGER_LENGTH.size
    try:
        table = load_table(plain[start : start + length])
    except ValueError as error:
        raise IntegrityError(f"chunk {name} is malformed: {error}") from error
    return table, plain[start + length :]

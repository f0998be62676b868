"""Good sealed objects of every kind, the doors that they pass, and dishonest ones to order."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from starburst._codec import decode_batch, encode_batch
from starburst._functions.payload import dump_function, dump_input, load
from starburst._protocol.sealed.cancel_list import (
    CANCEL_LIST,
    CancelledTasks,
    open_cancel_list,
    seal_cancel_list,
)
from starburst._protocol.sealed.chunks import (
    Chunk,
    open_chunk,
    open_ledger,
    write_pack,
)
from starburst._protocol.sealed.code.functions import (
    Function,
    ModuleFile,
    function_header,
    open_function,
    write_function,
)
from starburst._protocol.sealed.envelope import Header
from starburst._protocol.sealed.failure import describe
from starburst._protocol.sealed.header import derive, header_text
from starburst._protocol.sealed.result_nodes import Batch, ResultNode, node_name, open_node
from starburst._protocol.sealed.segments import nonce
from starburst._protocol.sealed.signing import SIGNATURE_BYTES, SigningKey

__all__ = [
    "CHUNK",
    "KEY",
    "KINDS",
    "PACK",
    "SEGMENT",
    "SESSION",
    "SIGNER",
    "THEIR_KEY",
    "THEIR_SIGNER",
    "Kind",
    "Parts",
    "forge",
]

SEGMENT: Final = 64
"""Segments are small here, so that small objects have several."""

SESSION: Final = "a" * 20
KEY: Final = bytes(range(32))
SIGNER: Final = SigningKey.from_seed(bytes(range(32, 64)))
THEIR_KEY: Final = bytes(range(64, 96))
THEIR_SIGNER: Final = SigningKey.from_seed(bytes(range(96, 128)))
PACK: Final = "p000001"
CHUNK: Final = f"{PACK}-00000"
CONTENT: Final = b"RATE = 0.1\n" + bytes(range(256))
_TAG: Final = 16
_PREAMBLE: Final = 70
_LENGTH: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of object.

    Attributes:
        header: what it must carry.
        signed: whether its client signs it.
        make: returns a good one of a session, a key and a signer.
        read: what its reader does with it, down to the deserializer of the user's own values.
    """

    header: Header
    signed: bool
    make: Callable[[str, bytes, SigningKey], bytes]
    read: Callable[[bytes], object]


def _make_result(session: str, key: bytes, signer: SigningKey) -> bytes:
    encoded, _ = encode_batch([1.5, {"gene": "x" * 90}, None], mode="data")
    node = ResultNode(
        lo=0,
        hi=3,
        covered=3,
        children=(),
        batches=[Batch(first=0, count=3, format=encoded.format, parts=encoded.parts)],
        failures={2: describe(ValueError("no such gene"))},
        worker="w",
    )
    return bytes(node.seal(session=session, chunk=CHUNK, key=key, attempt=1))


def _read_result(data: bytes) -> object:
    node = open_node(data, session=SESSION, chunk=CHUNK, lo=0, hi=3, key=KEY)
    return [decode_batch(b.format, memoryview(b.parts[0]), mode="data") for b in node.batches]


def _pack(session: str, key: bytes, signer: SigningKey) -> tuple[bytes, bytes]:
    inputs = [dump_input(((number, "x" * 50), {})) for number in range(3)]
    chunk = Chunk(name=CHUNK, function="f1", first=0, inputs=inputs)
    parts, _ = write_pack(PACK, [chunk], session=session, key=key, signer=signer)
    return bytes(parts[1]), bytes(parts[2])


def _read_chunk(data: bytes) -> object:
    chunk = open_chunk(data, name=CHUNK, session=SESSION, key=KEY, public=SIGNER.public)
    return [load(each) for each in chunk.inputs]


def _read_ledger(data: bytes) -> object:
    start = len(data).to_bytes(_LENGTH, "big") + data
    return open_ledger(start, pack=PACK, session=SESSION, key=KEY, public=SIGNER.public)


def _make_function(session: str, key: bytes, signer: SigningKey) -> bytes:
    data = dump_function(len) + bytes(range(256))
    digest = hashlib.sha256(CONTENT).digest()
    function = Function(
        name="f1",
        pickle=data,
        files=(ModuleFile(path="a/model.py", digest=digest, carrier="f1"),),
        entries=("a",),
        contents={digest: CONTENT},
    )
    return write_function(function, session=session, key=key, signer=signer)


def _read_function(data: bytes) -> object:
    function = open_function(data, name="f1", session=SESSION, key=KEY, public=SIGNER.public)
    return load(function.pickle)


def _make_cancels(session: str, key: bytes, signer: SigningKey) -> bytes:
    tasks = CancelledTasks.of(range(0, 300, 2))
    return bytes(seal_cancel_list(tasks, session=session, key=key, signer=signer))


def _read_cancels(data: bytes) -> object:
    return open_cancel_list(data, session=SESSION, key=KEY, public=SIGNER.public)


def _input(name: str, format: str) -> Header:
    return Header(session=SESSION, kind="input", name=name, attempt=0, format=format)


KINDS: Final[dict[str, Kind]] = {
    "result": Kind(
        header=Header(
            session=SESSION,
            kind="result",
            name=node_name(CHUNK, 0, 3),
            attempt=1,
            format="results",
        ),
        signed=False,
        make=_make_result,
        read=_read_result,
    ),
    "chunk": Kind(
        header=_input(CHUNK, "chunk"),
        signed=True,
        make=lambda session, key, signer: _pack(session, key, signer)[1],
        read=_read_chunk,
    ),
    "ledger": Kind(
        header=_input(PACK, "ledger"),
        signed=True,
        make=lambda session, key, signer: _pack(session, key, signer)[0],
        read=_read_ledger,
    ),
    "function": Kind(
        header=function_header(SESSION, "f1"),
        signed=True,
        make=_make_function,
        read=_read_function,
    ),
    "cancels": Kind(
        header=_input(CANCEL_LIST, "ranges"),
        signed=True,
        make=_make_cancels,
        read=_read_cancels,
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """A sealed object, taken apart."""

    magic: bytes
    length: bytes
    salt: bytes
    commitment: bytes
    header: bytes
    segments: tuple[bytes, ...]
    signature: bytes

    @classmethod
    def of(cls, data: bytes, *, signed: bool) -> Parts:
        """Take a good object apart."""
        sealed = data[:-SIGNATURE_BYTES] if signed else data
        start = _PREAMBLE + int.from_bytes(sealed[4:6], "big")
        body = sealed[start:]
        whole = SEGMENT + _TAG
        return cls(
            magic=sealed[:4],
            length=sealed[4:6],
            salt=sealed[6:38],
            commitment=sealed[38:_PREAMBLE],
            header=sealed[_PREAMBLE:start],
            segments=tuple(body[at : at + whole] for at in range(0, len(body), whole)),
            signature=data[-SIGNATURE_BYTES:] if signed else b"",
        )

    def join(self) -> bytes:
        """Put it together again."""
        head = self.magic + self.length + self.salt + self.commitment + self.header
        return head + b"".join(self.segments) + self.signature


def forge(
    kind: Kind,
    body: bytes,
    *,
    fields: dict[str, object] | None = None,
    compression: str = "none",
    magic: bytes = b"SBE1",
    size: int | None = None,
    counters: Sequence[int] | None = None,
    flags: Sequence[bool] | None = None,
    preamble_differs: bool = False,
) -> bytes:
    """Seal as a holder of the key could, but dishonestly; signed by the true client if need be.

    Args:
        kind: what it pretends to be.
        body: what is encrypted.
        fields: of the header, other than they should be; None takes one away.
        compression: what the header says of it.
        magic: the first four bytes.
        size: what the header says of it.
        counters: of the segments' nonces.
        flags: which segments say that they are the last.
        preamble_differs: encrypt the segments under another preamble.
    """
    text = header_text(
        kind.header,
        size=len(body) if size is None else size,
        stored=len(body),
        compression=compression,
    )
    if fields is not None:
        changed = {**json.loads(text), **fields}
        kept = {name: value for name, value in changed.items() if value is not None}
        text = json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()
    salt = bytes(32)
    subkey, commitment = derive(KEY, salt, text)
    preamble = magic + len(text).to_bytes(2, "big") + salt + commitment + text
    cipher = AESGCM(subkey)
    segments = [body[at : at + SEGMENT] for at in range(0, len(body), SEGMENT)] or [b""]
    last = [number == len(segments) - 1 for number in range(len(segments))]
    bound = preamble[::-1] if preamble_differs else preamble
    sealed = preamble + b"".join(
        cipher.encrypt(nonce(counter, last=flag), segment, bound)
        for counter, flag, segment in zip(
            counters or itertools.count(), flags or last, segments, strict=False
        )
    )
    return SIGNER.sign(sealed) if kind.signed else sealed

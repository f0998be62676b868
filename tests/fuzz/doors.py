"""Every place where untrusted bytes are read, each behind one function.

A *door* takes bytes and may raise what it promises to raise, and nothing else. Bytes that must be
sealed or signed to get in are sealed here with the true keys: the fuzzer plays a worker that was
taken over, or a client, and so reaches what stands behind the verification too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from starburst._codec import decode, decode_batch, decode_each
from starburst._codec.exceptions import rebuild
from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed import cancel_list, chunks, log_lines, result_nodes
from starburst._protocol.sealed.code.preparation import Preparation
from starburst._protocol.sealed.envelope import Header, Kind, seal, unseal
from starburst._protocol.sealed.failure import Failure
from starburst._protocol.sealed.header import MAX_HEADER_BYTES, derive
from starburst._protocol.sealed.segments import nonce
from starburst._protocol.sealed.signing import SigningKey, verify
from starburst._protocol.sealed.tables import load_table
from starburst._protocol.status import StatusDocument
from starburst.contract import RuntimeDocument
from starburst.errors import IntegrityError, PayloadError, UnsafeResult
from starburst.worker.child.frames import read_frame

from .controller_doors import (
    KEYS,
    NOTE,
    TURN,
    NoPayload,
    at_rest,
    in_a_manifest,
    in_a_payload,
    in_a_request,
    in_an_event,
)

__all__ = ["CHUNK", "DOORS", "HEADER", "KEY", "PACK", "SESSION", "SIGNER", "Door"]

KEY: Final = bytes(range(32))
SESSION: Final = "a" * 20
PACK: Final = "p000001"
CHUNK: Final = f"{PACK}-00000"
SIGNER: Final = SigningKey.from_seed(bytes(range(32, 64)))
HEADER: Final = Header(session=SESSION, kind="result", name="n", attempt=1, format="data")


@dataclass(frozen=True, slots=True)
class Door:
    """One place where foreign bytes are read.

    Attributes:
        read: reads them.
        raises: what it may raise.
        sealed: whether nothing but the very bytes of a seed may be accepted.
    """

    read: Callable[[bytes], object]
    raises: tuple[type[Exception], ...] = (PayloadError,)
    sealed: bool = False


def _envelope(data: bytes) -> object:
    return unseal(data, key=KEY, expect=HEADER)


def _signature(data: bytes) -> object:
    return verify(data, public=SIGNER.public)


def _header(data: bytes) -> object:
    """A header and a body, ``header | NUL | body``, that a holder of the key sealed."""
    text, _, body = data.partition(b"\0")
    text = text[:MAX_HEADER_BYTES]
    salt = bytes(32)
    subkey, commitment = derive(KEY, salt, text)
    preamble = b"SBE1" + len(text).to_bytes(2, "big") + salt + commitment + text
    sealed = AESGCM(subkey).encrypt(nonce(0, last=True), body, preamble)
    return unseal(preamble + sealed, key=KEY, expect=HEADER, max_bytes=2**26)


def _value(data: bytes) -> object:
    return decode("data", memoryview(bytearray(data)), mode="data")


def _each(data: bytes) -> object:
    return decode_each("data", memoryview(bytearray(data)), mode="data")


def _node(data: bytes) -> None:
    """A result node, and then its results, as the client reads them."""
    name = result_nodes.node_name(CHUNK, 0, 8)
    header = Header(session=SESSION, kind="result", name=name, attempt=1, format="results")
    sealed = seal([data], key=KEY, header=header, compress=False)
    place: dict[str, Any] = {"session": SESSION, "chunk": CHUNK, "lo": 0, "hi": 8, "key": KEY}
    handed_on: object = None
    with suppress(IntegrityError):
        handed_on = result_nodes.open_children(sealed, nbytes=len(sealed), **place)
    node = result_nodes.open_node(sealed, **place)
    if handed_on not in (None, node.children):
        raise AssertionError("a node's beginning says something else than all of it")
    for failure in node.failures.values():
        rebuild(failure, mode="data")
    for batch in node.batches:
        part = memoryview(batch.parts[0])
        try:
            decode_batch(batch.format, part, mode="data")
        except (IntegrityError, UnsafeResult):
            continue
        except PayloadError:
            decode_each(batch.format, part, mode="data")


def _signed(data: bytes, *, name: str, format: str, kind: Kind = "input") -> bytes:
    header = Header(session=SESSION, kind=kind, name=name, attempt=0, format=format)
    return SIGNER.sign(seal([data], key=KEY, header=header, compress=False))


def _chunk(data: bytes) -> object:
    signed = _signed(data, name=CHUNK, format="chunk")
    return chunks.open_chunk(signed, name=CHUNK, session=SESSION, key=KEY, public=SIGNER.public)


def _ledger(data: bytes) -> object:
    signed = _signed(data, name=PACK, format="ledger")
    start = len(signed).to_bytes(4, "big") + signed
    return chunks.open_ledger(start, pack=PACK, session=SESSION, key=KEY, public=SIGNER.public)


def _pack(data: bytes) -> object:
    return chunks.open_ledger(data, pack=PACK, session=SESSION, key=KEY, public=SIGNER.public)


def _cancels(data: bytes) -> object:
    signed = _signed(data, name=cancel_list.CANCEL_LIST, format="ranges")
    return cancel_list.open_cancel_list(signed, session=SESSION, key=KEY, public=SIGNER.public)


def _preparation(data: bytes) -> object:
    signed = _signed(data, name="preparation", format="preparation", kind="function")
    return Preparation.open(signed, session=SESSION, key=KEY, public=SIGNER.public)


def _lines(data: bytes) -> object:
    """What tasks printed, as the client reads it."""
    name = log_lines.log_name("0123456789ab", 1)
    header = Header(session=SESSION, kind="log", name=f"logs/{name}", attempt=0, format="log")
    sealed = seal([data], key=KEY, header=header, compress=False)
    return log_lines.open_lines(sealed, session=SESSION, name=name, key=KEY)


def _message(data: bytes) -> object:
    message = chunks.read_message(data.decode("utf-8", "surrogateescape"))
    if isinstance(message, chunks.ChunkMessage):
        message = message.over(message.lo, message.hi)
    return message.to_body()


def _status(data: bytes) -> object:
    return str(StatusDocument.from_json(data))


def _manifest(data: bytes) -> object:
    return Manifest.from_json(data).keys.prefix


def _document(data: bytes) -> object:
    return RuntimeDocument.from_json(data.decode("utf-8", "surrogateescape")).to_json()


def _frame(data: bytes) -> object:
    """What a function could write into the pipe between a worker and its child."""
    fd = os.memfd_create("frame", 0)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    with os.fdopen(fd, "rb", buffering=0) as stream:
        return read_frame(stream)


def _failure(data: bytes) -> object:
    return rebuild(Failure.from_data(load_table(data)), mode="data")


DOORS: Final[dict[str, Door]] = {
    "envelope": Door(_envelope, sealed=True),
    "signature": Door(_signature, sealed=True),
    "header": Door(_header),
    "value": Door(_value),
    "each": Door(_each),
    "node": Door(_node),
    "chunk": Door(_chunk),
    "ledger": Door(_ledger),
    "pack": Door(_pack),
    "cancels": Door(_cancels),
    "preparation": Door(_preparation),
    "lines": Door(_lines),
    "message": Door(_message),
    "status": Door(_status, (ValueError,)),
    "manifest": Door(_manifest, (ValueError,)),
    "document": Door(_document, (ValueError,)),
    "frame": Door(_frame),
    "failure": Door(_failure, (PayloadError, ValueError)),
    "payload": Door(in_a_payload, (NoPayload,)),
    "event": Door(in_an_event, (NoPayload,)),
    "request": Door(in_a_request, ()),
    "asked-for": Door(in_a_manifest, ()),
    "record": Door(at_rest(KEYS.control_record), ()),
    "filed": Door(at_rest(KEYS.ended_record), ()),
    "note": Door(at_rest(NOTE), ()),
    "turn": Door(at_rest(TURN), ()),
}

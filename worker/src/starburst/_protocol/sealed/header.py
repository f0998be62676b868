"""The head of a sealed object: what the object is, authenticated before a byte of it is parsed."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from typing import Any, Final, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from starburst.contract import PROTOCOL
from starburst.errors import IntegrityError

__all__ = [
    "ANY_ATTEMPT",
    "ANY_FORMAT",
    "MAX_HEADER_BYTES",
    "SEGMENT_BYTES",
    "Begun",
    "Header",
    "Kind",
    "begin",
    "derive",
    "failed",
    "header_text",
    "preamble",
]

Kind = Literal["function", "input", "result", "log"]

ANY_ATTEMPT: Final = -1
"""``Header.attempt`` in ``expect=``: accept every attempt."""

ANY_FORMAT: Final = ""
"""``Header.format`` in ``expect=``: accept every format."""

SEGMENT_BYTES: Final = 2**20
"""Plaintext of each segment but the last; it stands in the header."""

_MAGIC: Final = b"SBE1"
_SALT_AT: Final = 6
_COMMITMENT_AT: Final = 38
_HEADER_AT: Final = 70
MAX_HEADER_BYTES: Final = 4095
_KEY: Final = 32
_INFO: Final = b"starburst envelope 1\0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a sealed object is, and where it belongs.

    Attributes:
        session: the session's id.
        kind: the direction, so that an input cannot come back as a result.
        name: the object's name in the session, such as ``f1`` or
            ``p000001-00012/000000-000100``.
        attempt: which attempt made it; :data:`ANY_ATTEMPT` in ``expect=`` accepts all.
        format: how the plaintext is encoded; :data:`ANY_FORMAT` in ``expect=`` accepts all.
    """

    session: str
    kind: Kind
    name: str
    attempt: int
    format: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """An authentic header: what it says, and what opens the segments after it.

    Attributes:
        header: what the object is.
        size: bytes of its plaintext.
        stored: bytes that are sealed, which is fewer where they are compressed.
        compressed: whether they are.
        start: where the first segment begins.
        cipher: of the segments.
    """

    header: Header
    size: int
    stored: int
    compressed: bool
    start: int
    cipher: AESGCM


def preamble(
    header: Header, *, key: bytes, size: int, stored: int, compression: str
) -> tuple[bytes, AESGCM]:
    """Return what stands ahead of an object's segments, and the cipher that seals these.

    Args:
        header: what the object is.
        key: the session's data key, 32 bytes.
        size: bytes of its plaintext.
        stored: bytes that are sealed.
        compression: ``none`` or ``zstd``.
    """
    text = header_text(header, size=size, stored=stored, compression=compression)
    salt = os.urandom(32)
    subkey, commitment = derive(key, salt, text)
    ahead = b"".join((_MAGIC, len(text).to_bytes(2, "big"), salt, commitment, text))
    return ahead, AESGCM(subkey)


def begin(view: memoryview, *, key: bytes, expect: Header) -> Begun:
    """Verify an object's header, and compare it with what the object must be.

    Raises:
        IntegrityError: anything differs.
    """
    if view.nbytes < _HEADER_AT or bytes(view[:4]) != _MAGIC:
        raise failed(expect, "it is not a sealed object of this protocol")
    length = int.from_bytes(view[4:_SALT_AT], "big")
    start = _HEADER_AT + length
    if length > MAX_HEADER_BYTES or view.nbytes < start:
        raise failed(expect, "its header is cut short or too long")
    text = bytes(view[_HEADER_AT:start])
    subkey, commitment = derive(key, bytes(view[_SALT_AT:_COMMITMENT_AT]), text)
    if not hmac.compare_digest(commitment, view[_COMMITMENT_AT:_HEADER_AT]):
        raise failed(expect, "its header was changed or it has another key")
    header, size, stored, compressed = _read_header(text, expect)
    return Begun(
        header=header,
        size=size,
        stored=stored,
        compressed=compressed,
        start=start,
        cipher=AESGCM(subkey),
    )


def failed(expect: Header, reason: str) -> IntegrityError:
    """Return the error for an object that is not what it must be."""
    return IntegrityError(
        f"{expect.kind} {expect.name!r} of session {expect.session} failed verification: {reason}. "
        "It was not read. It may be forged: tell your security officer."
    )


def derive(key: bytes, salt: bytes, text: bytes) -> tuple[bytes, bytes]:
    """Return an object's subkey and its commitment, 32 bytes each.

    Args:
        key: the session's data key, 32 bytes.
        salt: the object's, 32 bytes.
        text: of its header.
    """
    if len(key) != _KEY:
        raise ValueError(f"a data key has {_KEY} bytes; this one has {len(key)}")
    info = _INFO + hashlib.sha256(text).digest()
    derived = HKDF(algorithm=hashes.SHA256(), length=2 * _KEY, salt=salt, info=info).derive(key)
    return derived[:_KEY], derived[_KEY:]


def header_text(header: Header, *, size: int, stored: int, compression: str) -> bytes:
    """Return a header's canonical JSON; raise ValueError where it is too long."""
    fields = {
        "attempt": header.attempt,
        "compression": compression,
        "format": header.format,
        "kind": header.kind,
        "name": header.name,
        "segment": SEGMENT_BYTES,
        "session": header.session,
        "size": size,
        "stored": stored,
        "v": PROTOCOL,
    }
    text = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    if len(text) > MAX_HEADER_BYTES:
        raise ValueError(f"header has {len(text)} bytes; most is {MAX_HEADER_BYTES}")
    return text


def _read_header(text: bytes, expect: Header) -> tuple[Header, int, int, bool]:
    """Parse an authentic header and compare it with what the object must be."""
    try:
        header, size, stored, compression = _parse_header(text)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise failed(expect, "its header is malformed") from None
    for name in ("session", "kind", "name"):
        found, wanted = getattr(header, name), getattr(expect, name)
        if found != wanted:
            raise failed(expect, f"its {name} is {found!r}, not {wanted!r}")
    if expect.attempt not in (ANY_ATTEMPT, header.attempt):
        reason = f"it is of attempt {header.attempt}, not {expect.attempt}"
        raise failed(expect, reason)
    if expect.format not in (ANY_FORMAT, header.format):
        reason = f"its format is {header.format!r}, not {expect.format!r}"
        raise failed(expect, reason)
    return header, size, stored, compression == "zstd"


def _parse_header(text: bytes) -> tuple[Header, int, int, str]:
    """Return a canonical header's fields; raise ValueError for any other."""
    # json would look for other encodings in bytes, and load their codecs.
    fields: dict[str, Any] = json.loads(text.decode())
    size, stored, compression = fields["size"], fields["stored"], fields["compression"]
    header = Header(
        session=fields["session"],
        kind=fields["kind"],
        name=fields["name"],
        attempt=fields["attempt"],
        format=fields["format"],
    )
    if (
        any(type(number) is not int or number < 0 for number in (size, stored, header.attempt))
        or any(type(name) is not str for name in (header.session, header.name, header.format))
        or compression not in ("none", "zstd")
        or (compression == "none" and size != stored)
        or header_text(header, size=size, stored=stored, compression=compression) != text
    ):
        raise ValueError("not canonical")
    return header, size, stored, compression

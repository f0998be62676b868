"""Seal what travels, so that it can neither be read, changed, moved, replayed nor cut short.

A sealed object is::

    magic 4 | header length 2 | salt 32 | commitment 32 | header | segment … segment

The header is canonical JSON. ``HKDF-SHA256(key, salt, SHA-256(header))`` gives a subkey and the
commitment, so the header is authenticated, and one key alone fits, before a byte of it is parsed.
Each segment is AES-256-GCM over up to 1 MiB with the nonce ``counter | last flag`` (STREAM) and
everything ahead of the segments as associated data. Nothing is returned until all is verified.

Example:
    >>> key = bytes(32)
    >>> header = Header(session="a" * 20, kind="input", name="c1", attempt=0, format="data")
    >>> bytes(unseal(seal([b"hello"], key=key, header=header), key=key, expect=header))
    b'hello'
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from starburst.contract import PROTOCOL
from starburst.errors import IntegrityError

__all__ = [
    "ANY_ATTEMPT",
    "ANY_FORMAT",
    "DEFAULT_MAX_BYTES",
    "Buffer",
    "Header",
    "Kind",
    "Opened",
    "open_sealed",
    "seal",
    "unseal",
    "unseal_start",
]

Buffer: TypeAlias = bytes | bytearray | memoryview
Kind = Literal["function", "input", "result"]

ANY_ATTEMPT: Final = -1
"""``Header.attempt`` in ``expect=``: accept every attempt."""

ANY_FORMAT: Final = ""
"""``Header.format`` in ``expect=``: accept every format."""

DEFAULT_MAX_BYTES: Final = 4 * 2**30

_MAGIC: Final = b"SBE1"
_SALT_AT: Final = 6
_COMMITMENT_AT: Final = 38
_HEADER_AT: Final = 70
_MAX_HEADER: Final = 4095
_SEGMENT: Final = 2**20
_TAG: Final = 16
_KEY: Final = 32
_INFO: Final = b"starburst envelope 1\0"
_ZSTD_LEVEL: Final = 1
_ZSTD_WINDOW: Final = 2**23
_SAMPLE: Final = 2**16
_SAMPLES: Final = 4
_WORTHWHILE: Final = 0.9
"""A sample must shrink to this share, or the object is not compressed."""
_SMALLEST_COMPRESSED: Final = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a sealed object is, and where it belongs.

    Attributes:
        session: the session's id.
        kind: the direction, so that an input cannot come back as a result.
        name: the object's name in the session, such as ``f1`` or ``c00000012/000000-000100``.
        attempt: which attempt made it; :data:`ANY_ATTEMPT` in ``expect=`` accepts all.
        format: how the plaintext is encoded; :data:`ANY_FORMAT` in ``expect=`` accepts all.
    """

    session: str
    kind: Kind
    name: str
    attempt: int
    format: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A verified object: its true header and its plaintext."""

    header: Header
    data: memoryview


def seal(
    parts: Sequence[Buffer], *, key: bytes, header: Header, compress: bool = True
) -> bytearray:
    """Seal the concatenation of ``parts``.

    Args:
        parts: contiguous buffers; they are not copied before encryption.
        key: the session's data key, 32 bytes.
        header: what the object is.
        compress: try zstd, and use it where a sample shrinks by a tenth or more.

    Returns:
        The sealed object.
    """
    if header.attempt < 0 or not header.format:
        raise ValueError("a sealed object has a definite attempt and format")
    views = [view for view in map(_as_bytes, parts) if view.nbytes]
    size = sum(view.nbytes for view in views)
    compression = "none"
    if compress and size >= _SMALLEST_COMPRESSED and _pays(views, size):
        squeezed = _compress(views, size)
        if sum(view.nbytes for view in squeezed) < size:
            views, compression = squeezed, "zstd"
    stored = sum(view.nbytes for view in views)
    text = _header_text(header, size=size, stored=stored, compression=compression)
    salt = os.urandom(32)
    subkey, commitment = _derive(key, salt, text)
    preamble = b"".join((_MAGIC, len(text).to_bytes(2, "big"), salt, commitment, text))
    count = _segments(stored)
    sealed = bytearray(len(preamble) + stored + count * _TAG)
    sealed[: len(preamble)] = preamble
    cipher = AESGCM(subkey)
    at = len(preamble)
    with memoryview(sealed) as out:
        for number, segment in enumerate(_cut(views)):
            end = at + segment.nbytes + _TAG
            nonce = _nonce(number, last=number == count - 1)
            cipher.encrypt_into(nonce, segment, preamble, out[at:end])
            at = end
    return sealed


def unseal(
    sealed: Buffer, *, key: bytes, expect: Header, max_bytes: int = DEFAULT_MAX_BYTES
) -> memoryview:
    """Verify a sealed object against what it must be, and return its plaintext.

    Args:
        sealed: the object as read from storage; never trusted.
        key: the session's data key.
        expect: what the object must be; every field is compared.
        max_bytes: most plaintext to accept.

    Raises:
        IntegrityError: anything differs. Nothing of the plaintext is returned or parsed.
    """
    return open_sealed(sealed, key=key, expect=expect, max_bytes=max_bytes).data


def open_sealed(
    sealed: Buffer, *, key: bytes, expect: Header, max_bytes: int = DEFAULT_MAX_BYTES
) -> Opened:
    """Do as :func:`unseal`, and return the object's true header (its attempt, its format) too."""
    view = _as_bytes(sealed)
    begun = _begin(view, key=key, expect=expect)
    if max(begun.size, begun.stored) > max_bytes:
        reason = f"it declares {begun.size} bytes; {max_bytes} are allowed"
        raise IntegrityError(_about(expect, reason))
    if view.nbytes != begun.nbytes:
        raise IntegrityError(_about(expect, "its length is not the length that it declares"))
    plain = _decrypt(view, begun, expect, segments=_segments(begun.stored))
    data = _decompress(plain, begun.size, expect) if begun.compressed else plain
    return Opened(header=begun.header, data=memoryview(data))


def unseal_start(start: Buffer, *, nbytes: int, key: bytes, expect: Header) -> memoryview:
    """Verify the first segments of a sealed object, and return the beginning of its plaintext.

    Each segment is bound to its place and to the whole header, so what is returned is what the
    object begins with. Of what follows it says nothing.

    Args:
        start: the object's first bytes.
        nbytes: length of the whole object, as its storage says.
        key: the session's data key.
        expect: what the object must be; every field is compared.

    Raises:
        IntegrityError: anything differs, or ``start`` holds no whole segment.
    """
    view = _as_bytes(start)
    begun = _begin(view, key=key, expect=expect)
    if nbytes != begun.nbytes:
        raise IntegrityError(_about(expect, "its length is not the length that it declares"))
    count = _segments(begun.stored)
    if view.nbytes < nbytes:
        count = min(count - 1, (view.nbytes - begun.start) // (_SEGMENT + _TAG))
    if count < 1:
        raise IntegrityError(_about(expect, "its first segment is cut short"))
    plain = _decrypt(view, begun, expect, segments=count)
    return memoryview(_decompress_start(plain, begun.size, expect) if begun.compressed else plain)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Begun:
    """An authentic header: what it says, and what opens the segments after it."""

    header: Header
    size: int
    stored: int
    compressed: bool
    start: int
    cipher: AESGCM

    @property
    def nbytes(self) -> int:
        return self.start + self.stored + _segments(self.stored) * _TAG


def _begin(view: memoryview, *, key: bytes, expect: Header) -> _Begun:
    """Verify an object's header, and compare it with what the object must be."""
    if view.nbytes < _HEADER_AT or bytes(view[:4]) != _MAGIC:
        raise IntegrityError(_about(expect, "it is not a sealed object of this protocol"))
    length = int.from_bytes(view[4:_SALT_AT], "big")
    start = _HEADER_AT + length
    if length > _MAX_HEADER or view.nbytes < start:
        raise IntegrityError(_about(expect, "its header is cut short or too long"))
    text = bytes(view[_HEADER_AT:start])
    subkey, commitment = _derive(key, bytes(view[_SALT_AT:_COMMITMENT_AT]), text)
    if not hmac.compare_digest(commitment, view[_COMMITMENT_AT:_HEADER_AT]):
        raise IntegrityError(_about(expect, "its header was changed or it has another key"))
    header, size, stored, compressed = _read_header(text, expect)
    return _Begun(
        header=header,
        size=size,
        stored=stored,
        compressed=compressed,
        start=start,
        cipher=AESGCM(subkey),
    )


def _decrypt(view: memoryview, begun: _Begun, expect: Header, *, segments: int) -> bytearray:
    """Return the plaintext of the first segments, all of which ``view`` holds."""
    count = _segments(begun.stored)
    preamble, body = bytes(view[: begun.start]), view[begun.start :]
    plain = bytearray(min(begun.stored, segments * _SEGMENT))
    with memoryview(plain) as out:
        for number in range(segments):
            at = number * _SEGMENT
            end = min(at + _SEGMENT, begun.stored)
            sealed = body[at + number * _TAG : end + (number + 1) * _TAG]
            nonce = _nonce(number, last=number == count - 1)
            try:
                begun.cipher.decrypt_into(nonce, sealed, preamble, out[at:end])
            except InvalidTag:
                reason = f"segment {number + 1} of {count} was changed or moved"
                raise IntegrityError(_about(expect, reason)) from None
    return plain


def _derive(key: bytes, salt: bytes, text: bytes) -> tuple[bytes, bytes]:
    if len(key) != _KEY:
        raise ValueError(f"a data key has {_KEY} bytes; this one has {len(key)}")
    info = _INFO + hashlib.sha256(text).digest()
    derived = HKDF(algorithm=hashes.SHA256(), length=2 * _KEY, salt=salt, info=info).derive(key)
    return derived[:_KEY], derived[_KEY:]


def _header_text(header: Header, *, size: int, stored: int, compression: str) -> bytes:
    fields = {
        "attempt": header.attempt,
        "compression": compression,
        "format": header.format,
        "kind": header.kind,
        "name": header.name,
        "segment": _SEGMENT,
        "session": header.session,
        "size": size,
        "stored": stored,
        "v": PROTOCOL,
    }
    text = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    if len(text) > _MAX_HEADER:
        raise ValueError(f"header has {len(text)} bytes; most is {_MAX_HEADER}")
    return text


def _read_header(text: bytes, expect: Header) -> tuple[Header, int, int, bool]:
    """Parse an authentic header and compare it with what the object must be."""
    try:
        header, size, stored, compression = _parse_header(text)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise IntegrityError(_about(expect, "its header is malformed")) from None
    for name in ("session", "kind", "name"):
        found, wanted = getattr(header, name), getattr(expect, name)
        if found != wanted:
            raise IntegrityError(_about(expect, f"its {name} is {found!r}, not {wanted!r}"))
    if expect.attempt not in (ANY_ATTEMPT, header.attempt):
        reason = f"it is of attempt {header.attempt}, not {expect.attempt}"
        raise IntegrityError(_about(expect, reason))
    if expect.format not in (ANY_FORMAT, header.format):
        reason = f"its format is {header.format!r}, not {expect.format!r}"
        raise IntegrityError(_about(expect, reason))
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
        or _header_text(header, size=size, stored=stored, compression=compression) != text
    ):
        raise ValueError("not canonical")
    return header, size, stored, compression


def _about(expect: Header, reason: str) -> str:
    return (
        f"{expect.kind} {expect.name!r} of session {expect.session} failed verification: {reason}. "
        "It was not read. Somebody else may have written it: tell your security officer."
    )


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


def _segments(stored: int) -> int:
    # An empty object has one empty segment: something must carry the tag.
    return max(1, -(-stored // _SEGMENT))


def _as_bytes(buffer: Buffer) -> memoryview:
    view = memoryview(buffer)
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")


def _cut(views: Sequence[memoryview]) -> Iterator[memoryview]:
    """Yield the segments; only one that spans several views is assembled by copying."""
    pending: list[memoryview] = []
    held = 0
    for view in views:
        at = 0
        while at < view.nbytes:
            piece = view[at : at + _SEGMENT - held]
            at += piece.nbytes
            held += piece.nbytes
            pending.append(piece)
            if held == _SEGMENT:
                yield pending[0] if len(pending) == 1 else memoryview(b"".join(pending))
                pending, held = [], 0
    if pending or not views:
        yield pending[0] if len(pending) == 1 else memoryview(b"".join(pending))


def _pays(views: Sequence[memoryview], size: int) -> bool:
    """Say whether samples from all over the object shrink enough to be worth the time."""
    if size <= _SAMPLE * _SAMPLES:
        sample = b"".join(views)
    else:
        step = (size - _SAMPLE) // (_SAMPLES - 1)
        sample = b"".join(_slice(views, number * step, _SAMPLE) for number in range(_SAMPLES))
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
    return len(compressor.compress(sample)) <= len(sample) * _WORTHWHILE


def _slice(views: Sequence[memoryview], start: int, length: int) -> bytes:
    pieces: list[memoryview] = []
    for view in views:
        if length and start < view.nbytes:
            piece = view[start : start + length]
            pieces.append(piece)
            length -= piece.nbytes
            start = 0
        else:
            start -= min(start, view.nbytes)
    return b"".join(pieces)


def _compress(views: Sequence[memoryview], size: int) -> list[memoryview]:
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj(size=size)
    pieces = [compressor.compress(view) for view in views]
    pieces.append(compressor.flush())
    return [memoryview(piece) for piece in pieces if piece]


def _decompress(plain: bytearray, size: int, expect: Header) -> bytearray:
    """Decompress exactly ``size`` bytes; more, fewer or a large window are refused."""
    filled = 0
    try:
        frame = zstandard.get_frame_parameters(plain)
        if frame.content_size != size or frame.window_size > _ZSTD_WINDOW:
            reason = "it does not decompress to the size that it declares, or needs too much memory"
            raise IntegrityError(_about(expect, reason))
        data = bytearray(size)
        decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        with memoryview(data) as out, decompressor.stream_reader(plain) as reader:
            while filled < size:
                got = reader.readinto(out[filled:])
                if not got:
                    break
                filled += got
            exact = filled == size and not reader.read(1)
    except zstandard.ZstdError as error:
        raise IntegrityError(_about(expect, f"it does not decompress ({error})")) from None
    if not exact:
        raise IntegrityError(_about(expect, "it does not decompress to the size that it declares"))
    return data


def _decompress_start(plain: bytearray, size: int, expect: Header) -> bytes:
    """Decompress what the beginning of a frame holds, up to one segment."""
    try:
        frame = zstandard.get_frame_parameters(plain)
        if frame.content_size != size or frame.window_size > _ZSTD_WINDOW:
            reason = "it does not decompress to the size that it declares, or needs too much memory"
            raise IntegrityError(_about(expect, reason))
        decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        with decompressor.stream_reader(plain) as reader:
            return reader.read(min(size, _SEGMENT))
    except zstandard.ZstdError as error:
        raise IntegrityError(_about(expect, f"it does not decompress ({error})")) from None

"""Seal what travels, so that it can neither be read, changed, moved, replayed nor cut short.

A sealed object is::

    magic 4 | header length 2 | salt 32 | commitment 32 | header | segment … segment

The header is canonical JSON. ``HKDF-SHA256(key, salt, SHA-256(header))`` gives a subkey and the
commitment, so the header is authenticated, and one key alone fits, before a byte of it is parsed.
Each segment is AES-256-GCM over up to 1 MiB with the nonce ``counter | last flag`` (STREAM) and
everything ahead of the segments as associated data. Nothing is returned until all is verified.

Example:
    >>> key = bytes(32)
    >>> header = Header(
    ...     session="a" * 20, kind="input", name="p000001-00000", attempt=0, format="data"
    ... )
    >>> bytes(unseal(seal([b"hello"], key=key, header=header), key=key, expect=header))
    b'hello'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from . import header as head
from .compression import compress as squeeze
from .compression import decompress, decompress_start, pays
from .header import ANY_ATTEMPT, ANY_FORMAT, Begun, Header, Kind, begin, failed, preamble
from .segments import count_segments, decrypt, encrypt, sealed_bytes, whole_segments

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

DEFAULT_MAX_BYTES: Final = 4 * 2**30


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
    if compress and pays(views, size):
        squeezed = squeeze(views, size)
        if sum(view.nbytes for view in squeezed) < size:
            views, compression = squeezed, "zstd"
    stored = sum(view.nbytes for view in views)
    ahead, cipher = preamble(header, key=key, size=size, stored=stored, compression=compression)
    return encrypt(views, cipher=cipher, preamble=ahead, stored=stored)


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
    begun = begin(view, key=key, expect=expect)
    if max(begun.size, begun.stored) > max_bytes:
        reason = f"it declares {begun.size} bytes; {max_bytes} are allowed"
        raise failed(expect, reason)
    if view.nbytes != _length(begun):
        raise failed(expect, "its length is not the length that it declares")
    plain = decrypt(view, begun, expect, segments=count_segments(begun.stored))
    data = decompress(plain, begun.size, expect) if begun.compressed else plain
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
    begun = begin(view, key=key, expect=expect)
    if nbytes != _length(begun):
        raise failed(expect, "its length is not the length that it declares")
    count = count_segments(begun.stored)
    if view.nbytes < nbytes:
        count = min(count - 1, whole_segments(view.nbytes - begun.start))
    if count < 1:
        raise failed(expect, "its first segment is cut short")
    plain = decrypt(view, begun, expect, segments=count)
    return memoryview(
        decompress_start(plain, begun.size, expect, most=head.SEGMENT_BYTES)
        if begun.compressed
        else plain
    )


def _length(begun: Begun) -> int:
    return begun.start + sealed_bytes(begun.stored)


def _as_bytes(buffer: Buffer) -> memoryview:
    view = memoryview(buffer)
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")

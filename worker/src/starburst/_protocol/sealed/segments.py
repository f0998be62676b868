"""The segments of a sealed object: AES-256-GCM over up to 1 MiB each, bound to their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import header as head
from .header import Begun, Header, failed

__all__ = ["count_segments", "decrypt", "encrypt", "nonce", "sealed_bytes", "whole_segments"]

_TAG: Final = 16


def count_segments(stored: int) -> int:
    """Return how many segments so many bytes take."""
    # An empty object has one empty segment: something must carry the tag.
    return max(1, -(-stored // head.SEGMENT_BYTES))


def sealed_bytes(stored: int) -> int:
    """Return the bytes of all segments of so many stored bytes, their tags included."""
    return stored + count_segments(stored) * _TAG


def whole_segments(nbytes: int) -> int:
    """Return how many full segments so many sealed bytes begin with."""
    return nbytes // (head.SEGMENT_BYTES + _TAG)


def encrypt(
    views: Sequence[memoryview], *, cipher: AESGCM, preamble: bytes, stored: int
) -> bytearray:
    """Return a sealed object: what stands ahead, then the segments.

    Args:
        views: what is to be sealed, of format ``B``.
        cipher: of this object.
        preamble: all that stands ahead of the segments; each is bound to it.
        stored: bytes of all views.
    """
    count = count_segments(stored)
    sealed = bytearray(len(preamble) + sealed_bytes(stored))
    sealed[: len(preamble)] = preamble
    at = len(preamble)
    with memoryview(sealed) as out:
        for number, segment in enumerate(_cut(views)):
            end = at + segment.nbytes + _TAG
            unique = nonce(number, last=number == count - 1)
            cipher.encrypt_into(unique, segment, preamble, out[at:end])
            at = end
    return sealed


def decrypt(view: memoryview, begun: Begun, expect: Header, *, segments: int) -> bytearray:
    """Return the plaintext of the first segments, all of which ``view`` holds.

    Args:
        view: the object, or its beginning.
        begun: its header.
        expect: what the object must be, for the error's words.
        segments: how many to open.

    Raises:
        IntegrityError: one was changed or moved.
    """
    count = count_segments(begun.stored)
    preamble, body = bytes(view[: begun.start]), view[begun.start :]
    plain = bytearray(min(begun.stored, segments * head.SEGMENT_BYTES))
    with memoryview(plain) as out:
        for number in range(segments):
            at = number * head.SEGMENT_BYTES
            end = min(at + head.SEGMENT_BYTES, begun.stored)
            sealed = body[at + number * _TAG : end + (number + 1) * _TAG]
            unique = nonce(number, last=number == count - 1)
            try:
                begun.cipher.decrypt_into(unique, sealed, preamble, out[at:end])
            except InvalidTag:
                reason = f"segment {number + 1} of {count} was changed or moved"
                raise failed(expect, reason) from None
    return plain


def nonce(number: int, *, last: bool) -> bytes:
    """Return the nonce of a segment, 12 bytes: its number from 0, and whether it is the last."""
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


def _cut(views: Sequence[memoryview]) -> Iterator[memoryview]:
    """Yield the segments; only one that spans several views is assembled by copying."""
    pending: list[memoryview] = []
    held = 0
    for view in views:
        at = 0
        while at < view.nbytes:
            piece = view[at : at + head.SEGMENT_BYTES - held]
            at += piece.nbytes
            held += piece.nbytes
            pending.append(piece)
            if held == head.SEGMENT_BYTES:
                yield pending[0] if len(pending) == 1 else memoryview(b"".join(pending))
                pending, held = [], 0
    if pending or not views:
        yield pending[0] if len(pending) == 1 else memoryview(b"".join(pending))

"""Telling whether large data is what it was before, within one process: exact, and fast.

A GMAC reads 10 GB/s where SHA-256 reads one. Under a key that is random and known to nobody, two
different contents have the same code with a probability below 2 to the power of -90, whatever they
are. It is no digest: it means nothing in another process, and never leaves this one.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from starburst._protocol.sealed.envelope import Buffer

__all__ = ["content_of"]

_NONCE: Final = bytes(12)
"""Always the same: the codes are only compared, and nobody sees one."""

_PIECE: Final = 1 << 30


def content_of(*parts: Buffer) -> bytes:
    """Return a code of some data, part by part; equal data has equal codes.

    Args:
        parts: buffers of any kind, in one piece each.

    Example:
        >>> content_of(b"ab") == content_of(bytearray(b"ab"))
        True
    """
    return b"".join(map(_code, parts))


def _code(part: Buffer) -> bytes:
    view = memoryview(part).cast("B")
    codes = [_key().encrypt(_NONCE, b"", piece) for piece in _pieces(view)]
    return view.nbytes.to_bytes(8, "big") + b"".join(codes)


def _pieces(view: memoryview) -> Iterable[memoryview]:
    return (view[at : at + _PIECE] for at in range(0, max(1, view.nbytes), _PIECE))


@functools.cache
def _key() -> AESGCM:
    return AESGCM(os.urandom(16))

"""zstd for sealed objects: only where a sample pays, never more than an object declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import zstandard

from .header import Header, failed

__all__ = ["compress", "decompress", "decompress_start", "pays"]

_ZSTD_LEVEL: Final = 1
_ZSTD_WINDOW: Final = 2**23
_SAMPLE: Final = 2**16
_SAMPLES: Final = 4
_WORTHWHILE: Final = 0.9
"""A sample must shrink to this share, or the object is not compressed."""
_SMALLEST_COMPRESSED: Final = 512
"""Bytes; what is smaller is not worth the time."""


def pays(views: Sequence[memoryview], size: int) -> bool:
    """Say whether samples from all over the object shrink enough to be worth the time."""
    if size < _SMALLEST_COMPRESSED:
        return False
    if size <= _SAMPLE * _SAMPLES:
        sample = b"".join(views)
    else:
        step = (size - _SAMPLE) // (_SAMPLES - 1)
        sample = b"".join(_slice(views, number * step, _SAMPLE) for number in range(_SAMPLES))
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
    return len(compressor.compress(sample)) <= len(sample) * _WORTHWHILE


def compress(views: Sequence[memoryview], size: int) -> list[memoryview]:
    """Return the zstd frame of ``size`` bytes, in pieces."""
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj(size=size)
    pieces = [compressor.compress(view) for view in views]
    pieces.append(compressor.flush())
    return [memoryview(piece) for piece in pieces if piece]


def decompress(plain: bytearray, size: int, expect: Header) -> bytearray:
    """Decompress exactly ``size`` bytes; more, fewer or a large window are refused."""
    filled = 0
    try:
        frame = zstandard.get_frame_parameters(plain)
        if frame.content_size != size or frame.window_size > _ZSTD_WINDOW:
            reason = "it does not decompress to the size that it declares, or needs too much memory"
            raise failed(expect, reason)
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
        raise failed(expect, f"it does not decompress ({error})") from None
    if not exact:
        raise failed(expect, "it does not decompress to the size that it declares")
    return data


def decompress_start(plain: bytearray, size: int, expect: Header, *, most: int) -> bytes:
    """Decompress what the beginning of a frame of ``size`` bytes holds, at most ``most`` of it."""
    try:
        frame = zstandard.get_frame_parameters(plain)
        if frame.content_size != size or frame.window_size > _ZSTD_WINDOW:
            reason = "it does not decompress to the size that it declares, or needs too much memory"
            raise failed(expect, reason)
        decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        with decompressor.stream_reader(plain) as reader:
            return reader.read(min(size, most))
    except zstandard.ZstdError as error:
        raise failed(expect, f"it does not decompress ({error})") from None


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

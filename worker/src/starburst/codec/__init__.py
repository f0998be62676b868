"""Values that travel back as data: no code runs when a result is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starburst.envelope import Buffer
from starburst.errors import UnsafeResult
from starburst.manifest import ResultMode

__all__ = ["Encoded", "decode", "decode_batch", "encode", "encode_batch"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """An encoded value: the envelope header's format, and the parts to seal."""

    format: str
    parts: list[Buffer]


def encode(value: object, *, mode: ResultMode) -> Encoded:
    """Encode one value."""
    raise NotImplementedError


def decode(format: str, data: memoryview, *, mode: ResultMode) -> object:
    """Decode one value."""
    raise NotImplementedError


def encode_batch(
    values: Sequence[object], *, mode: ResultMode
) -> tuple[Encoded, dict[int, UnsafeResult]]:
    """Encode results; refused positions hold None and are reported one by one."""
    raise NotImplementedError


def decode_batch(format: str, data: memoryview, *, mode: ResultMode) -> list[object]:
    """Decode what encode_batch made."""
    raise NotImplementedError

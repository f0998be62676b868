"""Change bytes the way an attacker would: by their grammar where they have one, else bit by bit."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, Final

import msgpack

__all__ = ["mutate"]

_NUMBERS: Final[list[Any]] = [
    *(0, 1, -1, 2, 7, 8, 127, 128, 255, 4095, 4096, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1),
    *(2**32, 5 * 10**9, 2**53, 2**62, 2**63 - 1, -(2**63), 2**64 - 1, 0.0, -0.0, 1.5, 1e308),
    *(float("inf"), float("-inf"), float("nan")),
]
_OTHERS: Final[list[Any]] = [
    *(None, True, False, "", "a", "\0", "data", "pickle", "os", "system", "__class__", "<f8"),
    *("|O", "|V0", "<U9", "Europe/Berlin", "../../etc/passwd", "dateutil//etc/passwd", "x" * 300),
    *(b"", b"\0" * 8, b"\xff" * 16, [], {}, [[]], [None] * 3),
]
_CODES: Final = (*range(1, 34), *range(40, 48), 50, 60, 100, 99, 127, -1)
_JSON: Final = ["1e999", "NaN", "-Infinity", "9" * 5000, "[" * 5000, '{"a":' * 3000, '"\\ud800"']
_DEEPEST: Final = 40


def mutate(data: bytes, draw: random.Random, others: list[bytes], *, most: int = 1 << 16) -> bytes:
    """Return a changed copy.

    Args:
        data: what to change.
        draw: where chance comes from.
        others: more inputs of the same door, to splice with.
        most: longest result.
    """
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        change = draw.choice((_flip, _flip, _length, _cut, _repeat, _splice, _tree, _tree, _text))
        data = change(data, draw, others)
    return data[:most]


def _flip(data: bytes, draw: random.Random, _others: list[bytes]) -> bytes:
    if not data:
        return draw.randbytes(8)
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8))):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def _length(data: bytes, draw: random.Random, _: list[bytes]) -> bytes:
    """Write a lie of 2, 4 or 8 bytes anywhere: most of them hit a length somewhere."""
    size = draw.choice((2, 4, 8))
    if len(data) < size:
        return data
    at = draw.randrange(len(data) - size + 1)
    number = draw.choice([n for n in _NUMBERS if type(n) is int]) % (1 << 8 * size)
    return data[:at] + number.to_bytes(size, draw.choice(("big", "little"))) + data[at + size :]


def _cut(data: bytes, draw: random.Random, _: list[bytes]) -> bytes:
    low, high = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
    return data[:low] if draw.random() < 0.5 else data[:low] + data[high:]


def _repeat(data: bytes, draw: random.Random, _: list[bytes]) -> bytes:
    low, high = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
    return data[:high] + data[low:high] * draw.choice((1, 2, 30)) + data[high:]


def _splice(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    other = draw.choice(others) if others else data
    return data[: draw.randrange(len(data) + 1)] + other[draw.randrange(len(other) + 1) :]


def _tree(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """Change one node of what the bytes say in msgpack or JSON."""
    if data[:1] == b"{":
        try:
            return json.dumps(_change(json.loads(data), draw, 0), default=repr).encode()
        except (ValueError, RecursionError):
            return _flip(data, draw, others)
    for start in (0, 1, 4):
        try:
            feed = msgpack.Unpacker(strict_map_key=False, unicode_errors="surrogatepass")
            feed.feed(data[start:])
            value = feed.unpack()
            rest = data[start + feed.tell() :]
            packed = _pack(_change(value, draw, 0))
        except (ValueError, TypeError, OverflowError, msgpack.UnpackException):
            continue
        head = len(packed).to_bytes(4, "big") if start > 1 else data[:start]
        return head + packed + rest
    return _flip(data, draw, others)


def _text(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """Put what Python's JSON accepts and others do not, in place of a value."""
    if data[:1] != b"{" or b":" not in data:
        return _tree(data, draw, others)
    at = draw.choice([n for n, byte in enumerate(data) if byte == ord(":")]) + 1
    ends = [end for end in (data.find(b",", at), data.find(b"}", at)) if end > 0]
    return data[:at] + draw.choice(_JSON).encode() + data[min(ends, default=at) :]


def _pack(value: object) -> bytes:
    packed: Any = msgpack.packb(value, default=repr, unicode_errors="surrogatepass")
    return bytes(packed)


def _change(value: Any, draw: random.Random, depth: int) -> Any:
    """Walk down at random, and change where the walk ends."""
    if depth < _DEEPEST and draw.random() < 0.8:
        if isinstance(value, list) and value:
            at = draw.randrange(len(value))
            return [*value[:at], _change(value[at], draw, depth + 1), *value[at + 1 :]]
        if isinstance(value, dict) and value:
            key = draw.choice(list(value))
            return {**value, key: _change(value[key], draw, depth + 1)}
        if isinstance(value, msgpack.ExtType):
            return _change_extension(value, draw, depth)
    return draw.choice(_CHANGES)(value, draw)


def _change_extension(value: msgpack.ExtType, draw: random.Random, depth: int) -> msgpack.ExtType:
    if draw.random() < 0.15:
        return msgpack.ExtType(draw.choice(_CODES) % 128, value.data)
    try:
        inner = msgpack.unpackb(value.data, strict_map_key=False, unicode_errors="surrogatepass")
        return msgpack.ExtType(value.code, _pack(_change(inner, draw, depth + 1)))
    except (ValueError, TypeError, OverflowError):
        return msgpack.ExtType(value.code, _flip(value.data, draw, []))


def _number(value: Any, draw: random.Random) -> Any:
    if type(value) is int and draw.random() < 0.5:
        return value + draw.choice((-1, 1))
    return draw.choice(_NUMBERS)


def _other(_: Any, draw: random.Random) -> Any:
    return draw.choice(_OTHERS)


def _wrap(value: Any, draw: random.Random) -> Any:
    if draw.random() < 0.5:
        return [value] * draw.choice((1, 2, 100))
    try:
        return msgpack.ExtType(draw.choice(_CODES) % 128, _pack([value]))
    except (ValueError, TypeError, OverflowError):
        return value


def _edit(value: Any, draw: random.Random) -> Any:
    if isinstance(value, list):
        at = draw.randrange(len(value) + 1)
        return draw.choice((value[:at], value[::-1], value + value[:at], [*value, None]))
    if isinstance(value, dict) and value:
        kept = dict(value)
        kept.pop(draw.choice(list(kept)))
        return kept if draw.random() < 0.5 else {**value, "more": 1}
    if isinstance(value, bytes):
        return draw.choice((_flip, _length, _cut, _repeat))(value, draw, [])
    if isinstance(value, str):
        return draw.choice((value * 2, value[:-1], value + "\0", value.swapcase(), value[::-1]))
    return draw.choice(_OTHERS)


_CHANGES: Final[tuple[Callable[[Any, random.Random], Any], ...]] = (
    _number,
    _other,
    _wrap,
    _edit,
    _edit,
)

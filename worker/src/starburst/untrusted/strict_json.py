"""Untrusted JSON, read strictly: UTF-8, bounded, each field of its type.

Pure: imported by the controller's Lambda, which carries no third-party package.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as fields_of
from functools import cache
from typing import Annotated, Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin
from typing import get_type_hints as hints_of

__all__ = [
    "MAX_BYTES",
    "Amount",
    "Moment",
    "Size",
    "Whole",
    "Within",
    "check_plain",
    "fill",
    "known_fields",
    "read_object",
]

MAX_BYTES: Final = 1_048_576
_MAX_DEPTH: Final = 32
_MAX_VALUES: Final = 200_000
_MAX_NUMBER: Final = 2**53
"""Beyond, a float no longer tells two neighbours apart."""

_T = TypeVar("_T")
_Check = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Within:
    """The bounds of a number, as an annotation of its field; both are allowed."""

    low: float
    high: float


Moment = Annotated[float, Within(0, 253_402_300_799)]
"""Seconds since the epoch, until the year 9999."""

Whole = Annotated[int, Within(0, 10**12)]
"""A whole number that counts something."""

Amount = Annotated[float, Within(0, 1e15)]
"""How much of something, or none."""

Size = Annotated[float, Within(1e-6, 1e6)]
"""How large something is that is never nothing."""


def read_object(text: bytes | str, *, most: int = MAX_BYTES) -> dict[str, Any]:
    """Read an untrusted JSON object; raise ValueError for anything else.

    Refused are other encodings, a byte order mark, a name that comes twice, NaN and infinity,
    numbers beyond 2**53, half a surrogate pair, deep nesting and more than ``most`` bytes.

    Example:
        >>> read_object(b'{"protocol": 1}')
        {'protocol': 1}
    """
    if len(text) > most:
        raise ValueError(f"it has {len(text)} bytes; the limit is {most}")
    try:
        # json would look for other encodings in bytes, and load their codecs.
        fields = json.loads(
            text if isinstance(text, str) else text.decode(),
            object_pairs_hook=_without_repeats,
            parse_constant=_no_number,
            parse_int=_whole,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if type(fields) is not dict:
        raise ValueError("it is no JSON object")
    check_plain(fields)
    return fields


def check_plain(value: object) -> None:
    """Raise ValueError where a parsed value holds what no strict reader of JSON would give."""
    level, seen = [value], 0
    for _ in range(_MAX_DEPTH):
        seen += len(level)
        if seen > _MAX_VALUES:
            raise ValueError("it holds too many values")
        level = [inner for one in level for inner in _opened(one)]
        if not level:
            return
    raise ValueError("it is nested too deeply")


def fill(kind: type[_T], fields: Mapping[str, object]) -> _T:
    """Make a dataclass of fields that were read; raise ValueError where one is of another type."""
    for name, (fits, words) in _fields(cast("Any", kind)).items():
        if name in fields and not fits(fields[name]):
            raise ValueError(f"field {name} is {_shown(fields[name])}; it must be {words}")
    try:
        return kind(**fields)
    except TypeError as error:
        raise ValueError(str(error)) from error


def known_fields(kind: type[Any], fields: Mapping[str, object]) -> dict[str, Any]:
    """Return what a dataclass has fields for, and leave out what only a later release knows.

    Example:
        >>> known_fields(Within, {"low": 0, "high": 1, "middle": 0.5})
        {'low': 0, 'high': 1}
    """
    names = {one.name for one in fields_of(kind)}
    return {name: value for name, value in fields.items() if name in names}


def _opened(value: object) -> Iterable[object]:
    """Return what a value holds; raise ValueError where it is none that JSON has."""
    if isinstance(value, dict):
        if not all(type(name) is str for name in value):
            raise ValueError("a name in it is no text")
        return (*value, *value.values())
    if isinstance(value, list | tuple):
        return value
    if type(value) is str:
        if not value.isascii():
            value.encode()  # half a surrogate pair is no text: a UnicodeEncodeError, a ValueError
    elif type(value) in (int, float):
        if not -_MAX_NUMBER <= value <= _MAX_NUMBER:  # type: ignore[operator]
            raise ValueError("a number in it is beyond all measure")
    elif value is not None and type(value) is not bool:
        raise ValueError(f"a {type(value).__name__} is no value of JSON")
    return ()


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name in it comes twice")
    return fields


def _whole(digits: str) -> int:
    if len(digits) > len(str(-_MAX_NUMBER)):
        raise ValueError("a number in it is beyond all measure")
    return int(digits)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} in it is no number")


@cache
def _fields(kind: type) -> Mapping[str, tuple[_Check, str]]:
    hints = hints_of(kind, include_extras=True)
    return {name: (_check(hint), _words(hint)) for name, hint in hints.items()}


def _check(hint: Any) -> _Check:  # noqa: ANN401 PLR0911 - a table over annotations
    """Return what tells whether a value is of a field's annotated type."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        kind, bounds = _check(inner[0]), inner[1]
        return lambda value: kind(value) and bounds.low <= value <= bounds.high
    if origin is Literal:
        return lambda value: any(type(value) is type(one) and value == one for one in inner)
    checks = [_check(one) for one in inner if one is not Ellipsis]
    if origin in (Union, types.UnionType):
        return lambda value: any(check(value) for check in checks)
    if origin is Mapping:
        name, entry = checks
        return lambda value: (
            type(value) is dict and all(name(k) and entry(v) for k, v in value.items())
        )
    if origin in (Sequence, tuple):
        return lambda value: type(value) in (list, tuple) and all(map(checks[0], value))
    if hint is float:
        return lambda value: type(value) is float or type(value) is int
    return lambda value: type(value) is hint


def _words(hint: Any) -> str:  # noqa: ANN401 - likewise
    if get_origin(hint) is Annotated:
        kind, bounds = get_args(hint)
        name = "a whole number" if kind is int else "a number"
        return f"{name} from {bounds.low:g} to {bounds.high:g}"
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(map(_words, get_args(hint)))
    known = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    known[type(None)] = "null"
    return known.get(hint, str(hint))


def _shown(value: object) -> str:
    return (
        f"{value!r:.80}" if type(value) in (str, int, float, bool) else f"a {type(value).__name__}"
    )

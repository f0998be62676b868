"""Python's own value types: containers, numbers, dates, identifiers and paths."""

from __future__ import annotations

import collections
import datetime as dt
import pathlib
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from uuid import UUID, SafeUUID

from starburst.errors import IntegrityError, PayloadError

from .stored import extra_attribute
from .structure import Code, Lower, Raise, Reader, Unsupported, Writer

__all__ = ["LOWER", "RAISE", "find_zone", "lower_zone"]

_MAX_FRACTION_BITS: Final = 2**19
"""Reducing a fraction takes quadratic time."""

_FACTORIES: Final[dict[str, type]] = {
    cls.__name__: cls for cls in (bool, bytes, dict, float, int, list, set, str, tuple)
}
_PATHS: Final[dict[str, type[pathlib.PurePath]]] = {
    "Path": pathlib.Path,
    "PurePosixPath": pathlib.PurePosixPath,
    "PureWindowsPath": pathlib.PureWindowsPath,
}


def _list(writer: Writer, value: list[Any], depth: int) -> object:
    return writer.lower_all(value, depth)


def _dict(writer: Writer, value: dict[Any, Any], depth: int) -> object:
    lowered = writer.lower_mapping(value, depth)
    if len(lowered) == len(value):
        return lowered
    # Keys that are equal once lowered, such as two NaNs of NumPy, must stay apart.
    return _pairs(writer, value, depth, name="dict")


def _sequence(code: Code) -> Lower:
    def lower(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
        return writer.extension(code, *writer.lower_all(value, depth))

    return lower


def _binary(code: Code) -> Lower:
    def lower(writer: Writer, value: bytes | bytearray, depth: int) -> object:
        place = writer.place(memoryview(value))
        if type(place) is bytes and code is Code.BYTES:
            return place
        return writer.extension(code, place)

    return lower


def _text(code: Code) -> Lower:
    return lambda writer, value, depth: writer.extension(code, str(value))


def _date_time(writer: Writer, value: dt.datetime, depth: int) -> object:
    zone = lower_zone(writer, value, value.tzinfo)
    naive = value.replace(tzinfo=None).isoformat()
    return writer.extension(Code.DATE_TIME, naive, value.fold, zone)


def _time(writer: Writer, value: dt.time, depth: int) -> object:
    zone = lower_zone(writer, value, value.tzinfo)
    naive = value.replace(tzinfo=None).isoformat()
    return writer.extension(Code.TIME, naive, value.fold, zone)


def _time_delta(writer: Writer, value: dt.timedelta, depth: int) -> object:
    return writer.extension(Code.TIME_DELTA, value.days, value.seconds, value.microseconds)


def _fixed_zone(writer: Writer, value: dt.timezone, depth: int) -> object:
    offset = value.utcoffset(None)
    name = value.tzname(None)
    # Only a zone that was named keeps its name: the others make theirs from the offset.
    named = None if name == dt.timezone(offset).tzname(None) else name
    return writer.extension(Code.TIME_ZONE, offset // dt.timedelta(microseconds=1), named)


def _zone_info(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    if value.key is None:
        raise Unsupported(value, "is a time zone without a name")
    return writer.extension(Code.TIME_ZONE, None, value.key)


def find_zone(cls: type) -> Lower | None:
    """Return how to lower a ``zoneinfo.ZoneInfo``."""
    return _zone_info if cls.__name__ == "ZoneInfo" else None


def lower_zone(writer: Writer, holder: object, zone: dt.tzinfo | None) -> object:
    """Lower a time zone; an error names the holder, which the analyst knows."""
    if zone is None:
        return None
    if type(zone) is dt.timezone:
        return _fixed_zone(writer, zone, 0)
    if type(zone).__module__.startswith("zoneinfo") and getattr(zone, "key", None):
        return _zone_info(writer, zone, 0)
    raise Unsupported(holder, f"has a time zone of type {type(zone).__qualname__}; use zoneinfo")


def _fraction(writer: Writer, value: Fraction, depth: int) -> object:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_FRACTION_BITS:
        raise Unsupported(value, "has too many digits")
    return writer.extension(Code.FRACTION, value.numerator, value.denominator)


def _uuid(writer: Writer, value: UUID, depth: int) -> object:
    unknown = value.is_safe is SafeUUID.unknown
    return writer.extension(Code.UUID, value.bytes, *(() if unknown else (value.is_safe.value,)))


def _path(writer: Writer, value: pathlib.PurePath, depth: int) -> object:
    name = "Path" if isinstance(value, pathlib.Path) else type(value).__name__
    return writer.extension(Code.PATH, name, str(value))


def _collection(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    name = type(value).__name__
    if attribute := extra_attribute(value):
        raise Unsupported(value, f"has the attribute {attribute!r}")
    if name == "deque":
        return writer.extension(
            Code.COLLECTION, name, value.maxlen, writer.lower_all(value, depth), []
        )
    extra: object = None
    if name == "defaultdict":
        factory = value.default_factory
        extra = getattr(factory, "__name__", None)
        if factory is not None and _FACTORIES.get(str(extra)) is not factory:
            raise Unsupported(value, "has a default_factory that is code; return dict(...) of it")
    return _pairs(writer, value, depth, name=name, extra=extra)


def _pairs(
    writer: Writer, value: dict[Any, Any], depth: int, *, name: str, extra: object = None
) -> object:
    keys = writer.lower_all(value, depth)
    values = writer.lower_all(value.values(), depth)
    return writer.extension(Code.COLLECTION, name, extra, keys, values)


LOWER: Final[dict[type, Lower]] = {
    list: _list,
    dict: _dict,
    tuple: _sequence(Code.TUPLE),
    set: _sequence(Code.SET),
    frozenset: _sequence(Code.FROZEN_SET),
    bytes: _binary(Code.BYTES),
    bytearray: _binary(Code.BYTE_ARRAY),
    complex: lambda writer, value, depth: writer.extension(Code.COMPLEX, value.real, value.imag),
    range: lambda writer, value, depth: writer.extension(
        Code.RANGE, value.start, value.stop, value.step
    ),
    dt.datetime: _date_time,
    dt.date: _text(Code.DATE),
    dt.time: _time,
    dt.timedelta: _time_delta,
    dt.timezone: _fixed_zone,
    Decimal: _text(Code.DECIMAL),
    Fraction: _fraction,
    UUID: _uuid,
    pathlib.PurePosixPath: _path,
    pathlib.PureWindowsPath: _path,
    pathlib.PosixPath: _path,
    pathlib.WindowsPath: _path,
    collections.OrderedDict: _collection,
    collections.Counter: _collection,
    collections.defaultdict: _collection,
    collections.deque: _collection,
}


def _raise_items(reader: Reader, payload: bytes) -> list[Any]:
    items = reader.unpack(payload)
    if type(items) is not list:
        raise IntegrityError("an encoded value has an extension of another shape")
    return items


def _raise_date_time(reader: Reader, payload: bytes) -> dt.datetime:
    text, fold, zone = reader.fields(payload, 3)
    return dt.datetime.fromisoformat(text).replace(fold=fold, tzinfo=zone)


def _raise_time(reader: Reader, payload: bytes) -> dt.time:
    text, fold, zone = reader.fields(payload, 3)
    return dt.time.fromisoformat(text).replace(fold=fold, tzinfo=zone)


def _raise_time_delta(reader: Reader, payload: bytes) -> dt.timedelta:
    days, seconds, microseconds = reader.fields(payload, 3)
    return dt.timedelta(days=days, seconds=seconds, microseconds=microseconds)


def _raise_zone(reader: Reader, payload: bytes) -> dt.tzinfo:
    offset, name = reader.fields(payload, 2)
    if offset is not None:
        delta = dt.timedelta(microseconds=offset)
        return dt.timezone(delta) if name is None else dt.timezone(delta, name)
    import zoneinfo  # noqa: PLC0415 - only data that holds a zone needs it

    try:
        return zoneinfo.ZoneInfo(name)
    except zoneinfo.ZoneInfoNotFoundError:
        raise PayloadError(
            f"the result holds the time zone {name!r}, which this machine does not know. "
            "Install the package tzdata and read the result again."
        ) from None


def _raise_fraction(reader: Reader, payload: bytes) -> Fraction:
    numerator, denominator = reader.fields(payload, 2)
    if type(numerator) is not int or type(denominator) is not int:
        raise IntegrityError("an encoded fraction is not of whole numbers")
    if max(numerator.bit_length(), denominator.bit_length()) > _MAX_FRACTION_BITS:
        raise IntegrityError("an encoded fraction has too many digits")
    return Fraction(numerator, denominator)


def _raise_text(reader: Reader, payload: bytes) -> str:
    (text,) = reader.fields(payload, 1)
    if type(text) is not str:
        raise IntegrityError("an encoded value has something else where text belongs")
    return text


def _raise_uuid(reader: Reader, payload: bytes) -> UUID:
    data, *safe = _raise_items(reader, payload)
    return UUID(bytes=data, is_safe=SafeUUID(*safe) if safe else SafeUUID.unknown)


def _raise_path(reader: Reader, payload: bytes) -> pathlib.PurePath:
    name, text = reader.fields(payload, 2)
    return _PATHS[name](text)


def _raise_collection(reader: Reader, payload: bytes) -> object:
    name, extra, keys, values = reader.fields(payload, 4)
    if name == "deque":
        return collections.deque(keys, extra)
    pairs = zip(keys, values, strict=True)
    match name:
        case "dict":
            return dict(pairs)
        case "OrderedDict":
            return collections.OrderedDict(pairs)
        case "Counter":
            return collections.Counter(dict(pairs))
        case "defaultdict":
            return collections.defaultdict(None if extra is None else _FACTORIES[extra], pairs)
    raise IntegrityError("an encoded value has an unknown collection")


RAISE: Final[dict[int, Raise]] = {
    Code.BIG_INT: lambda reader, payload: int.from_bytes(payload, "little", signed=True),
    Code.COMPLEX: lambda reader, payload: complex(*reader.fields(payload, 2)),
    Code.TUPLE: lambda reader, payload: tuple(_raise_items(reader, payload)),
    Code.SET: lambda reader, payload: set(_raise_items(reader, payload)),
    Code.FROZEN_SET: lambda reader, payload: frozenset(_raise_items(reader, payload)),
    Code.RANGE: lambda reader, payload: range(*reader.fields(payload, 3)),
    Code.BYTES: lambda reader, payload: bytes(reader.take(*reader.fields(payload, 1))),
    Code.BYTE_ARRAY: lambda reader, payload: bytearray(reader.take(*reader.fields(payload, 1))),
    Code.DATE_TIME: _raise_date_time,
    Code.DATE: lambda reader, payload: dt.date.fromisoformat(_raise_text(reader, payload)),
    Code.TIME: _raise_time,
    Code.TIME_DELTA: _raise_time_delta,
    Code.TIME_ZONE: _raise_zone,
    Code.DECIMAL: lambda reader, payload: Decimal(_raise_text(reader, payload)),
    Code.FRACTION: _raise_fraction,
    Code.UUID: _raise_uuid,
    Code.PATH: _raise_path,
    Code.COLLECTION: _raise_collection,
}

"""Plain dataclasses, named tuples and enums: fields and names travel, classes do not.

All that an instance stores travels, what stands beside its fields too. Reading looks the class up
among the modules that are already imported. It imports nothing and calls neither ``__init__``,
``__setattr__``, a property nor a module's ``__getattr__``.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import sys
import types
from collections.abc import Sequence
from typing import Any, Final

from starburst.errors import IntegrityError, PayloadError

from .stored import is_special, slots_of, stored
from .structure import Code, Lower, Raise, Reader, Unsupported, Writer

__all__ = ["RAISE", "find", "find_imported"]


def find(cls: type) -> Lower | None:
    """Return how to lower instances of a class, or None if it is not a record."""
    if isinstance(cls, enum.EnumMeta):
        return _lower_enum
    if _is_dataclass(cls):
        return _lower_dataclass
    return _lower_named_tuple if _is_named_tuple(cls) else None


def _is_dataclass(cls: type) -> bool:
    # Another __new__ means a base such as dict or Exception, which holds more than its fields.
    return dataclasses.is_dataclass(cls) and cls.__new__ is object.__new__


def _is_named_tuple(cls: type) -> bool:
    fields = getattr(cls, "_fields", None)
    return issubclass(cls, tuple) and type(fields) is tuple and cls is not tuple


def _identify(value: object) -> tuple[str, str]:
    cls = type(value)
    if "<locals>" in cls.__qualname__:
        raise Unsupported(
            value, "is of a class made inside a function; define the class in a module"
        )
    if hasattr(cls, "__del__"):
        raise Unsupported(value, "has a __del__, which would run where it is read")
    home = sys.modules.get(cls.__module__)
    if (
        home is not None
        and cls.__module__ != "__main__"
        and find_member(home, cls.__qualname__) is not cls
    ):
        raise Unsupported(
            value,
            f"is of a class that {cls.__module__} does not hold under its name; "
            "return a tuple, a dictionary or a class of your own",
        )
    return cls.__module__, cls.__qualname__


def _lower_dataclass(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    module, name = _identify(value)
    held = stored(value)
    fields = [field.name for field in dataclasses.fields(value)]
    present = [name for name in fields if name in held]
    values = writer.lower_all([held.pop(name) for name in present], depth)
    extras = _lower_extras(writer, value, held, depth)
    return writer.extension(Code.DATACLASS, module, name, present, values, *extras)


def _lower_named_tuple(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    module, name = _identify(value)
    if len(value) != len(value._fields):
        raise Unsupported(value, "has another number of values than of names")
    values = writer.lower_all(tuple(value), depth)
    extras = _lower_extras(writer, value, stored(value), depth)
    return writer.extension(Code.NAMED_TUPLE, module, name, values, *extras)


def _lower_extras(
    writer: Writer, value: object, extras: dict[str, Any], depth: int
) -> list[dict[str, object]]:
    """Lower what is no field: none, or one dictionary. A cache that is no data is made anew."""
    lowered: dict[str, object] = {}
    for name, extra in extras.items():
        if is_special(name):
            raise Unsupported(value, f"has the attribute {name!r}, which Python reads itself")
        if _hides(type(value), name):
            raise Unsupported(value, f"has the attribute {name!r}, which hides one of its class")
        placed = len(writer.buffers)
        try:
            lowered[name] = writer.lower(extra, depth)
        except Unsupported as error:
            if isinstance(_of_class(type(value), name), functools.cached_property):
                del writer.buffers[placed:]
                continue
            reason = error.reason or f"is a {type(error.offender).__qualname__}, which is no data"
            raise Unsupported(value, f"its attribute {name!r} {reason}") from None
    return [lowered] if lowered else []


def _hides(cls: type, name: str) -> bool:
    """Whether an attribute of an instance takes the place of its class's, a constant's say.

    A worker could choose what a class of the client's goes by.
    """
    found = _of_class(cls, name)
    if found is None or isinstance(found, functools.cached_property):
        return False
    return not hasattr(type(found), "__set__")


def _of_class(cls: type, name: str) -> object:
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def _lower_enum(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    """Lower a member to its name, and a combination of flags to the names of its members."""
    module, name = _identify(value)
    members = type(value)._member_map_
    names = [value._name_]
    if members.get(value._name_) is not value:
        names = [each._name_ for each in value] if isinstance(value, enum.Flag) else []
        if not isinstance(value, enum.Flag) or _bits(members, names) != value._value_:
            raise Unsupported(value, "is no member of its class")
    return writer.extension(Code.ENUM, module, name, names)


def _bits(members: dict[str, Any], names: Sequence[Any]) -> int:
    bits = 0
    for name in names:
        bits |= members[name]._value_
    return bits


def _raise_enum(reader: Reader, payload: bytes) -> object:
    module, name, names = reader.fields(payload, 3)
    cls = _class(module, name)
    if not isinstance(cls, enum.EnumMeta) or type(names) is not list:
        raise IntegrityError(f"the result calls {module}.{name} an enum; it is none")
    members: dict[str, Any] = vars(cls)["_member_map_"]
    if unknown := [each for each in names if type(each) is not str or each not in members]:
        raise PayloadError(
            f"the result holds {module}.{name}.{unknown[0]}, which that class does not have here. "
            "Run the analysis with the same code as this."
        )
    if len(names) == 1:
        return members[names[0]]
    if not issubclass(cls, enum.Flag):
        raise IntegrityError(f"the result has {len(names)} members of {module}.{name} in one")
    bits = _bits(members, names)
    known: dict[int, object] = vars(cls)["_value2member_map_"]
    if bits in known:
        return known[bits]
    # Flag's own way to make a combination: a class may have another, which is code of its own.
    return vars(enum.Flag)["_missing_"].__func__(cls, bits)


def _raise_dataclass(reader: Reader, payload: bytes) -> object:
    module, name, names, values, extras = _parts(reader, payload, 4)
    cls = _class(module, name)
    if not _is_dataclass(cls):
        raise IntegrityError(f"the result calls {module}.{name} a plain dataclass; it is none")
    if not set(names) <= {field.name for field in dataclasses.fields(cls)}:
        raise _other_code(module, name, f"the fields {', '.join(map(str, names))}")
    instance: Any = object.__new__(cls)
    for field, value in zip(names, values, strict=True):
        _set_field(instance, field, value)
    _set_extras(instance, extras)
    return instance


def _parts(reader: Reader, payload: bytes, count: int) -> list[Any]:
    """Read so many fields, and the attributes that may follow them."""
    parts = reader.unpack(payload)
    if type(parts) is not list or len(parts) not in (count, count + 1):
        raise IntegrityError("an encoded record has another shape")
    extras: object = parts.pop() if len(parts) > count else {}
    if type(extras) is not dict or any(map(is_special, extras)):
        raise IntegrityError("an encoded record has attributes that are none")
    return [*parts, extras]


def _other_code(module: object, name: object, what: str) -> PayloadError:
    return PayloadError(
        f"the result holds a {module}.{name} with {what}, which is not what that class has here. "
        "Run the analysis with the same code as this."
    )


def _set_extras(instance: object, extras: dict[str, object]) -> None:
    for name, value in extras.items():
        if _hides(type(instance), name):
            raise IntegrityError(f"the result sets {name!r}, which hides an attribute of its class")
        _set_field(instance, name, value)


def _set_field(instance: Any, name: str, value: object) -> None:  # noqa: ANN401
    slot = slots_of(type(instance)).get(name)
    if slot is not None:
        slot.__set__(instance, value)
    elif not type(instance).__dictoffset__:
        cls = type(instance)
        raise _other_code(cls.__module__, cls.__qualname__, f"the attribute {name!r}")
    else:
        instance.__dict__[name] = value


def _raise_named_tuple(reader: Reader, payload: bytes) -> object:
    module, name, values, extras = _parts(reader, payload, 3)
    cls: Any = _class(module, name)
    if not _is_named_tuple(cls) or type(values) is not list or len(values) != len(cls._fields):
        raise IntegrityError(f"the result calls {module}.{name} a named tuple of another shape")
    instance: object = tuple.__new__(cls, values)
    _set_extras(instance, extras)
    return instance


def _class(module: object, name: object) -> type:
    if type(module) is not str or type(name) is not str:
        raise IntegrityError("an encoded record has no class name")
    home = sys.modules.get(module)
    found = None if home is None else find_member(home, name)
    if isinstance(found, type):
        if hasattr(found, "__del__"):
            raise PayloadError(
                f"the result is of the class {name} of {module}, which has a __del__: it would run "
                "on fields that a worker chose. Return a dictionary, or drop that method."
            )
        return found
    if home is not None:
        raise PayloadError(
            f"the result is of the class {name}, which {module} does not hold here. Define it at "
            "the top of that module, outside of functions, or return a tuple or a dictionary."
        )
    raise PayloadError(
        f"the result holds a {name} of the module {module!r}, which is not imported here. "
        f"Import it (import {module}) and read the result again."
    )


def find_imported(module: str, name: str) -> object:
    """Return what a module holds under a dotted name; None where it or the name is not here."""
    home = sys.modules.get(module)
    return None if home is None else find_member(home, name)


def find_member(home: types.ModuleType, name: str) -> object:
    """Return what a module holds under a dotted name, without running any code of it."""
    found: object = home
    for part in name.split("."):
        found = vars(found).get(part) if isinstance(found, types.ModuleType | type) else None
    return found


RAISE: Final[dict[int, Raise]] = {
    Code.DATACLASS: _raise_dataclass,
    Code.NAMED_TUPLE: _raise_named_tuple,
    Code.ENUM: _raise_enum,
}

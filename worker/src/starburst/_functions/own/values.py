"""Which values of a module are data, so that they can be compared, sent, and put in their place."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import os
import types
import uuid
from pathlib import PurePath
from typing import Any, Final

from .finding import travels

__all__ = [
    "equal",
    "is_atom",
    "is_data",
    "is_fixed",
    "is_kept",
    "is_place",
    "is_stateful",
    "state_of",
]

_ATOMS: Final = frozenset({type(None), bool, int, float, complex, str, bytes, type(...), range})
_VALUES: Final = frozenset(
    {
        *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone),
        *(decimal.Decimal, fractions.Fraction, uuid.UUID),
    }
)
_SEQUENCES: Final = (list, tuple, set, frozenset, collections.deque)
_MAPPINGS: Final = (dict, collections.OrderedDict, collections.defaultdict, collections.Counter)
_NAMED: Final = (types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type)
_KEPT: Final = frozenset(
    {
        *("lock", "RLock", "Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier"),
        *("local", "_local", "Thread", "ContextVar", "Logger", "RootLogger", "object"),
        *("TypeVar", "ParamSpec", "_UnionGenericAlias", "_GenericAlias", "GenericAlias"),
        *("UnionType", "Pattern", "property", "_SpecialForm", "_Feature", "ModuleSpec"),
    }
)
"""Types of what belongs to its process, or tells itself from others by being the one it is."""
_MOST_VALUES: Final = 5_000
_MOST_BYTES: Final = 1 << 20


def is_atom(value: object) -> bool:
    """Whether a value cannot change but by being replaced."""
    return type(value) in _ATOMS or type(value) in _VALUES or isinstance(value, enum.Enum)


def is_fixed(value: object) -> bool:
    """Whether what a name holds only changes where the name gets another value."""
    return is_atom(value) or isinstance(value, _NAMED)


def is_place(value: object) -> bool:
    """Whether a value is an absolute path, which another machine has elsewhere."""
    if isinstance(value, PurePath):
        return value.is_absolute()
    return type(value) is str and os.path.isabs(value)


def is_data(value: object, *, most: int = _MOST_VALUES) -> bool:
    """Whether a value is data throughout: numbers, text, arrays, what holds them, own records.

    Functions, classes and modules in a container count as data too: they go by name.

    Args:
        value: any.
        most: values in it that are looked at; one that has more is not taken for data.
    """
    pending: list[Any] = [value]
    seen: set[int] = set()
    for each in pending:
        cls = type(each)
        if cls in _ATOMS or cls in _VALUES or id(each) in seen:
            continue
        seen.add(id(each))
        if cls in _MAPPINGS:
            pending += each
            pending += each.values()
        elif cls in _SEQUENCES:
            pending += each
        elif isinstance(each, (enum.Enum, PurePath, *_NAMED)) or _is_array(each):
            pass
        elif isinstance(each, tuple) and hasattr(cls, "_fields"):
            pending += each
        elif is_stateful(each):
            state = state_of(each)
            if state is None:
                return False
            pending += state.values()
        else:
            return False
        if len(pending) > most:
            return False
    return True


def is_kept(value: object) -> bool:
    """Whether every process has a value of its own in its place."""
    return type(value).__name__ in _KEPT


def is_stateful(value: object) -> bool:
    """Whether a value is a record whose attributes are what it is."""
    cls = type(value)
    if cls in (types.SimpleNamespace,) or cls.__module__ == "argparse":
        return True
    return dataclasses.is_dataclass(cls) or travels(cls.__module__) or cls.__module__ == "__main__"


def state_of(value: object) -> dict[str, object] | None:
    """Return a record's attributes but for its locks and loggers; None for no plain record."""
    if isinstance(value, BaseException | dict | list | set | tuple | str | int | float):
        return None
    state = dict(getattr(value, "__dict__", None) or {})
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            member = cls.__dict__.get(slot)
            if type(member) is types.MemberDescriptorType and hasattr(value, slot):
                state[slot] = member.__get__(value)
    return {name: each for name, each in state.items() if not is_kept(each)}


def equal(one: object, other: object) -> bool:
    """Whether two plain values are the same to any program: in type, sign and order too."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return len(one) == len(other) and all(
            equal(a, b) and equal(one[a], other[b]) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, set | frozenset) and isinstance(other, set | frozenset):
        return one == other and {*map(type, one)} == {*map(type, other)}
    if isinstance(one, float | complex):
        return repr(one) == repr(other)
    return type(one) in _ATOMS and one == other


def _is_array(value: Any) -> bool:  # noqa: ANN401
    module = type(value).__module__.partition(".")[0]
    if module == "numpy":
        kind = getattr(getattr(value, "dtype", None), "hasobject", True)
        return kind is False and value.nbytes <= _MOST_BYTES
    if module in ("pandas", "polars", "pyarrow"):
        size = getattr(value, "nbytes", None)
        if size is None and hasattr(value, "memory_usage"):
            size = value.memory_usage().sum()
        return size is not None and int(size) <= _MOST_BYTES
    return False

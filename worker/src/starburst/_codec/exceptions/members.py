"""What Python's own exceptions keep outside of their dictionary, such as ``errno`` or ``start``.

CPython trusts these more than it should: with a negative ``start`` the text of a UnicodeError is
read from before its object. So what a worker sends is checked before it is set.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Final

__all__ = ["base_of", "fitting", "read_members", "set_members"]

_ELSEWHERE: Final = frozenset({"args", "exceptions", "message"})
_FURTHEST: Final = 10_000
"""No column or line of a syntax error that is printed lies further."""


def base_of(cls: type[BaseException]) -> type[BaseException]:
    """Return the class of Python's own that instances of a class are laid out as."""
    own = (base for base in cls.__mro__ if base.__module__ == "builtins")
    return next(own)


def read_members(error: BaseException) -> dict[str, object]:
    """Return what is set of them."""
    found: dict[str, object] = {}
    for name, member in _members(type(error)).items():
        try:
            value = member.__get__(error)
        except (AttributeError, TypeError):  # not set
            continue
        if value is not None:
            found[name] = value
    return found


def fitting(cls: type[BaseException], members: dict[str, object]) -> dict[str, object]:
    """Return those of them that an exception of that class may hold."""
    checks = next((checks for kind, checks in _CHECKS.items() if issubclass(cls, kind)), {})
    rest = _is_place if issubclass(cls, SyntaxError) else _is_any
    return {name: each for name, each in members.items() if checks.get(name, rest)(each)}


def set_members(error: BaseException, members: dict[str, object]) -> dict[str, object]:
    """Set those that the exception's own class has, of what is fitting; return the others."""
    known = _members(type(error))
    for name in members.keys() & known.keys():
        known[name].__set__(error, members[name])
    return {name: value for name, value in members.items() if name not in known}


def _members(cls: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__ == "builtins" and base is not object:
            found |= {
                name: member
                for name, member in vars(base).items()
                if isinstance(member, types.MemberDescriptorType | types.GetSetDescriptorType)
                and not name.startswith("_")
                and name not in _ELSEWHERE
            }
    return found


def _is_any(value: object) -> bool:
    return True


def _is_place(value: object) -> bool:
    return type(value) is str or (type(value) is int and -1 <= value <= _FURTHEST)


def _is_position(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**62


def _is(cls: type) -> Callable[[object], bool]:
    return lambda value: type(value) is cls


_CHECKS: Final[dict[type, dict[str, Callable[[object], bool]]]] = {
    kind: {
        "object": _is(holds),
        "encoding": _is(str),
        "reason": _is(str),
        "start": _is_position,
        "end": _is_position,
    }
    for kind, holds in (
        (UnicodeDecodeError, bytes),
        (UnicodeEncodeError, str),
        (UnicodeTranslateError, str),
    )
}

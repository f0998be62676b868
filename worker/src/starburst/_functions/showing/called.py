"""The call that raised, in short, for whoever reads its traceback: the function and what it got."""

from __future__ import annotations

import functools
import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

__all__ = ["called", "last_call"]

_MOST: Final = 200
_SHOWN: Final = 60
_last = [""]


def called(
    function: Callable[..., object], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> object:
    """Call a function; where it raises, ``last_call`` tells how it was called."""
    try:
        return function(*args, **kwargs)
    except BaseException:
        _last[0] = _last[0] or _in_short(function, args, kwargs)
        raise


def last_call() -> str:
    """Return how the function was called that raised last, once; empty where none did."""
    found, _last[0] = _last[0], ""
    return found


def _in_short(
    function: Callable[..., object], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str:
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = _SHOWN
    while isinstance(function, functools.partial):  # as which ``kwargs=`` of a map travels too
        args, kwargs = (*function.args, *args), {**function.keywords, **kwargs}
        function = function.func
    words = [_value(short, each) for each in args]
    words += [f"{name}={_value(short, each)}" for name, each in kwargs.items()]
    name = getattr(function, "__qualname__", f"{type(function).__qualname__}.__call__")
    said = f"called as {name}({', '.join(words)})"
    return said if len(said) <= _MOST else f"{said[: _MOST - 2]}…)"


def _value(short: reprlib.Repr, value: object) -> str:
    kind = type(value).__qualname__
    try:  # a value of the user's own class may do anything
        shape = getattr(value, "shape", None)
        if isinstance(shape, tuple) and shape:  # an array's or a table's own words take lines
            return f"<{kind} of shape {shape}>"
        return " ".join(short.repr(value).split())
    except Exception:
        return f"<{kind}>"

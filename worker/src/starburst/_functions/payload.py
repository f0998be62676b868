"""Functions and inputs on their way to a worker: cloudpickle, and which own modules they need.

A worker image has the packages that were installed into it, and never the analyst's own modules.
Both are pickled by name; the files of own modules travel beside the pickle.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from starburst._functions.objects.arrived import loads
from starburst._functions.objects.handles import Handle
from starburst._functions.ordinary.generators import (
    noting,
    warn_of_captured,
    warn_of_repeated,
)
from starburst._functions.ordinary.main_globals import completing
from starburst._protocol.sealed.envelope import Buffer
from starburst.errors import UnpicklableInput

from .caller import warn
from .capturing import capture
from .lacking import lacking
from .own.identity import forget
from .pickling import dumps_plain
from .unpicklable import captured, explain

__all__ = [
    "LARGE_BYTES",
    "LargePayloadWarning",
    "dump_function",
    "dump_input",
    "dump_shared",
    "load",
]

LARGE_BYTES: Final = 50_000_000
"""Payloads above this warn: sending them may take longer than the work."""

_ATOMS: Final = frozenset({type(None), bool, int, float, complex, str, bytes})


class LargePayloadWarning(UserWarning):
    """A function or an input is so large that sending it may take longer than the work."""


def dump_function(function: Callable[..., Any]) -> bytes:
    """Pickle a function as it is now; :func:`needs_of` tells which own modules it needs.

    Args:
        function: any callable.

    Raises:
        UnpicklableInput: names the object in the function that cannot be sent.

    Example:
        >>> load(dump_function(lambda x: x + 1))(1)
        2
    """
    if not callable(function):
        raise UnpicklableInput(
            f"what was given to run is of type {type(function).__qualname__}, which cannot be "
            "called. Pass a function."
        )
    forget()
    name = getattr(function, "__qualname__", type(function).__qualname__)
    with noting() as generators:
        data = _dump(function, f"the function {name}")
    warn_of_captured(function, generators)
    if len(data) > LARGE_BYTES:
        largest = max(captured(function), key=lambda item: _size(item[1]), default=None)
        blame = f" The largest object that it uses is {largest[0]}." if largest else ""
        _warn_large(
            f"the function {name} takes {len(data) / 1e6:,.0f} MB to send.{blame} Pass only the "
            "part that is needed, as an input, or read it from storage inside the function."
        )
    return data


def dump_input(value: object) -> bytes:
    """Pickle one input.

    Raises:
        UnpicklableInput: names the object in the input that cannot be sent.
    """
    # What holds no class of the user's own needs none of it, and is most inputs.
    if _is_plain(value):
        data = dumps_plain(value)
    else:
        with noting() as generators:
            data = _dump(value, "the input")
        warn_of_repeated(generators)
    if len(data) > LARGE_BYTES:
        _warn_large(
            f"an input of type {_kind_of_input(value)} takes {len(data) / 1e6:,.0f} MB to "
            "send. Pass only the part that is needed, or where to read it."
        )
    return data


def dump_shared(value: object) -> bytes:
    """Pickle what is put once for many tasks.

    Raises:
        UnpicklableInput: names the object in it that cannot be sent.
    """
    return dumps_plain(value) if _is_plain(value) else _dump(value, "the value")


def load(data: Buffer, what: str = "what was sent") -> Any:  # noqa: ANN401 - whatever was sent
    """Load what :func:`dump_function` or :func:`dump_input` made.

    Loading runs code. Only a worker may call this, and only on what the session's client sealed
    and signed.

    Args:
        data: the pickle.
        what: how to call it where it cannot be loaded.

    Raises:
        UnpicklableInput: it cannot be loaded here, for example for want of a package.
    """
    try:
        with completing():
            return loads(data)
    except ImportError as error:
        raise UnpicklableInput(f"the worker cannot load {what}: {lacking(error)}") from error
    except FileNotFoundError as error:
        raise UnpicklableInput(
            f"the worker cannot load what was sent: {error}. A module of yours that reads a file "
            "as it is imported needs it there: name it in include=, or read it inside the function."
        ) from error
    # Loading runs the user's code, so anything may be raised.
    except Exception as error:
        raise UnpicklableInput(
            f"the worker cannot load {what}: {type(error).__name__}: {error}. Check that "
            "packages have the same versions here and on the workers: packages= sends yours."
        ) from error


def _is_plain(value: Any, budget: int = 100) -> bool:  # noqa: ANN401
    """Say whether a small value consists of built-in types and arrays of numbers alone."""
    pending = [value]
    for each in pending:
        cls = type(each)
        if cls in _ATOMS or cls is Handle:
            continue
        if cls is tuple or cls is list:
            pending += each
        elif cls is dict:
            pending += each
            pending += each.values()
        elif cls.__module__ != "numpy" or cls.__name__ != "ndarray" or each.dtype.hasobject:
            return False
        if len(pending) > budget:
            return False
    return True


def _dump(value: object, what: str) -> bytes:
    try:
        return capture(value)
    # Pickling runs the user's __reduce__ and __getstate__, which may raise anything.
    except Exception as error:
        raise UnpicklableInput(explain(value, what, error, capture)) from error


def _kind_of_input(value: object) -> str:
    """Name the type that the caller knows: calls travel as ``(args, kwargs)``."""
    match value:
        case (tuple() as args, dict() as named) if args or named:
            largest = max([*args, *named.values()], key=_size)
            return type(largest).__qualname__
    return type(value).__qualname__


def _size(value: object) -> int:
    size = getattr(value, "nbytes", None)
    return size if isinstance(size, int) else sys.getsizeof(value)


def _warn_large(message: str) -> None:
    warn(message, LargePayloadWarning)

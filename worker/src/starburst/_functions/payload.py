"""Functions and inputs on their way to a worker: cloudpickle, with the user's own code inside.

A worker image has the packages that were installed into it, and never the analyst's own modules.
So these, wherever they are, travel by value, those too that a function imports only while it runs;
installed packages travel by name.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import cloudpickle

from starburst._protocol.sealed.envelope import Buffer
from starburst.errors import UnpicklableInput

from .arrived import loads
from .handles import Handle
from .inner_imports import WithModules, inner_modules
from .own_code import own_modules
from .pickling import dumps, dumps_plain
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
_registry = threading.RLock()


class LargePayloadWarning(UserWarning):
    """A function or an input is so large that sending it may take longer than the work."""


def dump_function(function: Callable[..., Any]) -> bytes:
    """Pickle a function with the user's own code that it calls and the globals that it uses.

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
    name = getattr(function, "__qualname__", type(function).__qualname__)
    data = _dump_function(function, f"the function {name}")
    if len(data) > LARGE_BYTES:
        largest = max(captured(function), key=lambda item: _size(item[1]), default=None)
        blame = f" The largest object that it uses is {largest[0]}." if largest else ""
        _warn_large(
            f"the function {name} takes {len(data) / 1e6:,.0f} MB to send.{blame} Pass only the "
            "part that is needed, as an input, or read it from storage inside the function."
        )
    return data


def _dump_function(function: Callable[..., Any], what: str) -> bytes:
    modules = inner_modules(function)
    if modules:
        with _own_code_by_value(), contextlib.suppress(Exception):
            # A module that cannot travel, for the lock that it holds perhaps, may not be needed.
            return _pickle(WithModules(function, modules))
    return _dump(function, what)


def dump_input(value: object) -> bytes:
    """Pickle one input.

    Raises:
        UnpicklableInput: names the object in the input that cannot be sent.
    """
    # What holds no class of the user's own needs none of it, and is most inputs.
    plain = _is_plain(value)
    data = dumps_plain(value) if plain else _dump(value, "the input")
    if len(data) > LARGE_BYTES:
        _warn_large(
            f"an input of type {type(value).__qualname__} takes {len(data) / 1e6:,.0f} MB to "
            "send. Pass only the part that is needed, or where to read it."
        )
    return data


def dump_shared(value: object) -> bytes:
    """Pickle what is put once for many tasks.

    Raises:
        UnpicklableInput: names the object in it that cannot be sent.
    """
    return dumps_plain(value) if _is_plain(value) else _dump(value, "the value")


def load(data: Buffer) -> Any:  # noqa: ANN401 - whatever was sent
    """Load what :func:`dump_function` or :func:`dump_input` made.

    Loading runs code. Only a worker may call this, and only on what the session's client sealed
    and signed.

    Raises:
        UnpicklableInput: it cannot be loaded here, for example for want of a package.
    """
    try:
        return loads(data)
    except ImportError as error:
        raise UnpicklableInput(
            f"the worker cannot load what was sent: {error}. Add the package to the worker "
            "image's requirements, or import it inside the function where it is optional."
        ) from error
    # Loading runs the user's code, so anything may be raised.
    except Exception as error:
        raise UnpicklableInput(
            f"the worker cannot load what was sent: {type(error).__name__}: {error}. Check that "
            "packages have the same versions here and in the worker image."
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
    with _own_code_by_value():
        try:
            return _pickle(value)
        # Pickling runs the user's __reduce__ and __getstate__, which may raise anything.
        except Exception as error:
            raise UnpicklableInput(explain(value, what, error, _pickle)) from error


def _pickle(value: object) -> bytes:
    return dumps(value)


@contextmanager
def _own_code_by_value() -> Iterator[None]:
    """Have cloudpickle send the user's modules by value, and leave its registry as it was."""
    with _registry:
        already = cloudpickle.list_registry_pickle_by_value()
        added = [sys.modules[name] for name in own_modules() if name not in already]
        for module in added:
            cloudpickle.register_pickle_by_value(module)
        try:
            yield
        finally:
            for module in added:
                cloudpickle.unregister_pickle_by_value(module)


def _size(value: object) -> int:
    size = getattr(value, "nbytes", None)
    return size if isinstance(size, int) else sys.getsizeof(value)


def _warn_large(message: str) -> None:
    warnings.warn(message, LargePayloadWarning, stacklevel=3)

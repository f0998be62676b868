"""What an analyst may have every process of the workers begin with, checked and pickled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from starburst._functions.payload import dump_function, dump_input
from starburst._functions.signatures import check_call
from starburst.errors import ConfigurationError

__all__ = ["check_environment", "check_initializer", "pickled_call"]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_BYTES: Final = 64 * 1024
_WORKERS_OWN: Final = ("AWS_", "ECS_", "STARBURST_")
_LOADERS: Final = ("LD_PRELOAD", "LD_AUDIT", "TMPDIR")
_OF_PYTHON: Final = frozenset(
    {"PYTHONHASHSEED", "PYTHONWARNINGS", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONUNBUFFERED"}
    | {"PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER", "PYTHONDEVMODE", "PYTHONMALLOC"}
    | {"PYTHONTRACEMALLOC", "PYTHONASYNCIODEBUG", "PYTHON_CPU_COUNT", "PYTHON_GIL"}
)
"""Those that change neither which interpreter starts nor which modules it finds."""


def check_environment(variables: object) -> None:
    """Refuse variables that a process cannot have, or that are the worker's own.

    Raises:
        ConfigurationError: names the variable, and never its value.
    """
    if not isinstance(variables, Mapping):
        raise ConfigurationError(
            f"env= is a {type(variables).__name__}; it must be a dictionary of names and texts"
        )
    for name, value in variables.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigurationError(f"env= has a variable {name!r}, which is no name of one")
        if not isinstance(value, str):
            raise ConfigurationError(
                f"env= gives {name} a value of type {type(value).__name__}; a variable's value is "
                "text (str)"
            )
        if "\0" in value or _is_half(value):
            raise ConfigurationError(f"env= gives {name} a text that no variable can have")
        _check_owner(name)
    size = sum(len(f"{name}={value}".encode()) for name, value in variables.items())
    if size > _MOST_BYTES:
        raise ConfigurationError(
            f"env= holds {size:,} bytes, at most {_MOST_BYTES:,} can be set: pass what is large to "
            "the function"
        )


def _check_owner(name: str) -> None:
    if name.startswith(_WORKERS_OWN):
        raise ConfigurationError(
            f"env= may not set {name}: what begins with {', '.join(_WORKERS_OWN)} is the worker's "
            "own. Choose another name, or pass a value to the library that would read it"
        )
    if name in _LOADERS:
        raise ConfigurationError(
            f"env= may not set {name}: the worker sets that up for its tasks. Do it inside the "
            "function, or in the worker image"
        )
    if name.startswith("PYTHON") and name not in _OF_PYTHON:
        raise ConfigurationError(
            f"env= may not set {name}, which changes what the worker's Python starts or imports. "
            "Use initializer=, for sys.path too, or the worker image"
        )


def _is_half(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def check_initializer(initializer: object, initargs: object) -> None:
    """Refuse what cannot be called first.

    Raises:
        ConfigurationError: it is no function, or its arguments are no tuple or list.
        WrongArguments: it cannot be called with them.
    """
    if isinstance(initargs, str | bytes) or not isinstance(initargs, Iterable):
        raise ConfigurationError(f"initargs={initargs!r} is no tuple of arguments")
    if initializer is None:
        if tuple(initargs):
            raise ConfigurationError("initargs= without initializer=: there is nothing to call")
        return
    if not callable(initializer):
        raise ConfigurationError(f"initializer={initializer!r} cannot be called; pass a function")
    check_call(initializer, tuple(initargs), {})


def pickled_call(
    initializer: Callable[..., object] | None, initargs: Iterable[Any]
) -> tuple[bytes, bytes] | None:
    """Return the pickles of an initializer and of its ``(args, kwargs)``; None for none.

    Raises:
        UnpicklableInput: the initializer or an argument cannot travel.
    """
    if initializer is None:
        return None
    return dump_function(initializer), dump_input((tuple(initargs), {}))

"""What an initializer leaves in the globals of ``__main__`` is there for the functions that follow.

A script's functions travel by value, each sending with globals of its own. So ``global model`` in
an initializer would set a name that no task ever sees, as it does in processes that share a module.
"""

from __future__ import annotations

import hashlib
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

__all__ = ["completing", "gathering", "leave", "made_function", "watching"]

_NOTHING: Final = object()
_here = threading.local()
_left: dict[str, Any] = {}


def made_function(code: types.CodeType, scope: dict[str, Any], *rest: Any) -> types.FunctionType:
    """Make a function that travelled by value, and note the globals that it has of ``__main__``."""
    found: list[dict[str, Any]] | None = getattr(_here, "found", None)
    if found is not None and scope.get("__name__") == "__main__":
        found.append(scope)
    return types.FunctionType(code, scope, *rest)


@contextmanager
def gathering() -> Iterator[list[dict[str, Any]]]:
    """Gather the globals of what is loaded meanwhile by this thread."""
    found: list[dict[str, Any]] = []
    before, _here.found = getattr(_here, "found", None), found
    try:
        yield found
    finally:
        _here.found = before


@contextmanager
def completing() -> Iterator[None]:
    """Give the functions that are loaded meanwhile what an initializer has left for them."""
    if not _left:
        yield
        return
    with gathering() as scopes:
        yield
    for scope in scopes:
        scope.update(_left)


def leave(found: dict[str, Any]) -> None:
    """Have every function that is loaded from now on find these globals."""
    _left.clear()
    _left.update(found)


def watching(
    scopes: list[dict[str, Any]], *, dumps: Callable[[object], bytes]
) -> Callable[[], dict[str, Any]]:
    """Return what tells which globals were set, or changed in themselves, since this was called.

    Args:
        scopes: the globals.
        dumps: pickles what they hold.
    """
    before = [
        (scope, {name: (value, _state(value, dumps)) for name, value in scope.items()})
        for scope in scopes
    ]

    def changed() -> dict[str, Any]:
        found: dict[str, Any] = {}
        for scope, held in before:
            for name, value in scope.items():
                was, state = held.get(name, (_NOTHING, None))
                if value is not was or _state(value, dumps) != state:
                    found[name] = value
        return found

    return changed


def _state(value: object, dumps: Callable[[object], bytes]) -> bytes | None:
    """Return what changes with a value; None of what is code, or cannot be pickled."""
    if isinstance(value, types.ModuleType | types.FunctionType | type):
        return None
    try:
        return hashlib.sha256(dumps(value)).digest()
    # Pickling runs the analyst's code, which may raise anything.
    except Exception:
        return None

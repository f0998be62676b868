"""Objects that own modules hold: they go by name, so that they are the same ones there."""

from __future__ import annotations

import collections
import sys
import types
from typing import Any, Final

from .finding import find, travels
from .source import read_source
from .values import is_data, state_of

__all__ = ["forget", "owner_of"]

_CONTAINERS: Final = (
    *(dict, list, set, collections.deque, collections.defaultdict),
    *(collections.OrderedDict, collections.Counter),
)
_owners: dict[int, list[tuple[str, str]]] = {}
_is_known = False


def forget() -> None:
    """Look again, the next time, which objects own modules hold."""
    global _is_known  # noqa: PLW0603 - one table for the process
    _is_known = False


def owner_of(value: Any) -> tuple[str, str] | None:  # noqa: ANN401
    """Return a module and the name by which it holds an object; None for what goes by value.

    What goes by name is an ``object()``, and a container or a record whose contents are data: these
    are sent as they are now, beside the module.
    """
    if not _may_have_owner(value):
        return None
    if not _is_known:
        _look()
    for module, name in _owners.get(id(value), ()):
        if vars(sys.modules[module]).get(name) is value and _is_defined(module, name):
            return (module, name) if _is_kept_up(value) else None
    return None


def _may_have_owner(value: object) -> bool:
    cls = type(value)
    return cls is object or cls in _CONTAINERS or (travels(cls.__module__) and cls is not type)


def _is_kept_up(value: object) -> bool:
    if type(value) is object:
        return True
    if type(value) in _CONTAINERS:
        return is_data(value)
    state = state_of(value)
    return state is not None and is_data(state)


def _look() -> None:
    global _is_known  # noqa: PLW0603 - see above
    _owners.clear()
    for module, held in _own_modules():
        for name, value in list(vars(held).items()):
            if not name.startswith("__") and _may_have_owner(value):
                _owners.setdefault(id(value), []).append((module, name))
    _is_known = True


_loaded: dict[str, Any] = {}
_own: list[tuple[str, types.ModuleType]] = []


def _own_modules() -> list[tuple[str, types.ModuleType]]:
    """Return the own modules that are loaded; they are looked for where any has come or gone."""
    global _loaded, _own  # noqa: PLW0603 - see above
    if sys.modules != _loaded:
        _loaded = dict(sys.modules)
        _own = [
            (name, held)
            for name, held in _loaded.items()
            if isinstance(held, types.ModuleType) and travels(name)
        ]
    return _own


def _is_defined(module: str, name: str) -> bool:
    """Whether a module has not only imported a name."""
    found = find(module)
    source = read_source(found.file) if found is not None and found.file is not None else None
    return source is not None and name not in source.scope.imports

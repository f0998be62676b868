"""A ``ContextVar`` travels with its value, and each task of the function begins with that."""

from __future__ import annotations

import contextvars
import sys
import types
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from cloudpickle import cloudpickle

__all__ = ["Bound", "Surroundings", "loading", "reduced_variable", "set_in"]

T = TypeVar("T")

_Variable = contextvars.ContextVar[Any]
_Parts = tuple[Any, ...]

_NOTHING: Final = object()
_variables: dict[str, _Variable] = {}
_names: dict[_Variable, str] = {}
_loading: list[Surroundings] = []


class Surroundings:
    """The variables that one function brought along, as they were when it was sent."""

    def __init__(self) -> None:
        self.values: dict[_Variable, object] = {}

    def run(self, call: Callable[[], T]) -> T:
        """Call with these values; what the call sets of them is gone with it.

        So no task finds what another has left in one. Other variables stay set, as in any thread.
        """
        if not self.values:
            return call()
        context = contextvars.copy_context()
        try:
            return context.run(self._begin, call)
        finally:
            for variable, value in context.items():
                if variable not in self.values and variable.get(_NOTHING) is not value:
                    variable.set(value)

    def _begin(self, call: Callable[[], T]) -> T:
        for variable, value in self.values.items():
            if value is not _NOTHING:
                variable.set(value)
        return call()


@contextmanager
def loading() -> Iterator[Surroundings]:
    """Gather the variables of what is loaded meanwhile, rather than set them here."""
    found = Surroundings()
    _loading.append(found)
    try:
        yield found
    finally:
        _loading.remove(found)


def reduced_variable(obj: _Variable, _: object) -> _Parts:
    """Return how a variable is found or made on a worker, as of ``__reduce__``."""
    value = obj.get(_NOTHING)
    state = (False, None) if value is _NOTHING else (True, value)
    found = _found(obj)
    if found is not None:
        return getattr, found, state, None, None, _set
    try:
        default: _Parts = (contextvars.Context().run(obj.get),)
    except LookupError:
        default = ()
    tracked = _names.setdefault(obj, uuid.uuid4().hex)
    return _made, (tracked, obj.name, default), state, None, None, _set


class Bound:
    """A value, and variables of its modules; unpickled, it is the value, and they are set."""

    def __init__(self, value: object, variables: Sequence[_Variable]) -> None:
        self.value = value
        self.variables = variables

    def __reduce__(self) -> _Parts:
        """Pickle as a call that returns the value."""
        return _first, (self.value, *self.variables)


def _first(value: object, *_: object) -> object:
    return value


def set_in(travels: Callable[[str], bool]) -> list[_Variable]:
    """Return the variables that are set here, of modules that travel as files."""
    found = []
    for variable in contextvars.copy_context():
        place = _places.get(variable)
        if place is None or (place[1] and vars(place[0]).get(place[1]) is not variable):
            place = _places[variable] = _found(variable) or (sys, "")
        if place[1] and travels(place[0].__name__):
            found.append(variable)
    return found


_places: dict[_Variable, tuple[types.ModuleType, str]] = {}


def _found(obj: _Variable) -> tuple[types.ModuleType, str] | None:
    """Return the module that a worker can import, and the name there, if there is one."""
    for module in [*sys.modules.values()]:
        if type(module) is not types.ModuleType or module.__name__ == "__main__":
            continue
        if cloudpickle._is_registered_pickle_by_value(module):
            continue
        held = next((each for each, value in [*vars(module).items()] if value is obj), None)
        if held is not None:
            return module, held
    return None


def _made(tracked: str, name: str, default: _Parts) -> _Variable:
    """Return the one that has been made already, for another function or an input."""
    found = _variables.get(tracked)
    if found is None:
        found = contextvars.ContextVar(name, **({"default": default[0]} if default else {}))
        _variables[tracked] = found
        _names[found] = tracked
    return found


def _set(variable: _Variable, state: tuple[bool, Any]) -> None:
    is_set, value = state
    if _loading:
        _loading[-1].values[variable] = value if is_set else _NOTHING
    elif is_set:
        variable.set(value)

"""Pickling what goes to a worker: own modules by name, and what they are is written down.

Only what belongs to no file travels by value: ``__main__``, which is a script or a notebook, and
functions and classes that were made inside others.
"""

from __future__ import annotations

import importlib
import sys
import threading
import types
from collections.abc import Iterable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

import cloudpickle

from starburst._functions.ordinary.variables import Bound, set_in

from .own.finding import find, travels
from .own.identity import owner_of
from .own.imports import imports_of
from .own.places import OURS, is_installed, is_own_file
from .own.reach import imported_names
from .pickling import Pickler, dumps

__all__ = ["DYNAMIC", "NOTHING", "Pickled", "all_needs", "capture", "needs_of"]

NOTHING: Final[frozenset[str]] = frozenset()
DYNAMIC: Final = "*"
"""Stands, before the name of a file, for modules that only running its code would tell."""

_registry = threading.RLock()


class Pickled(bytes):
    """A pickle that needs own modules where it is loaded.

    Attributes:
        needs: their names.
    """

    needs: frozenset[str]


def needs_of(data: bytes) -> frozenset[str]:
    """Return the names of the own modules that a pickle needs."""
    return data.needs if type(data) is Pickled else NOTHING


def all_needs(payloads: Iterable[bytes]) -> frozenset[str]:
    """Return the names of the own modules that some pickles need."""
    kinds = {data.needs for data in payloads if type(data) is Pickled}
    return NOTHING.union(*kinds)


def capture(value: object, most: int | None = None) -> bytes:
    """Pickle a value, and write down which own modules it needs.

    Raises:
        TooLarge: the pickle would have more than ``most`` bytes.
    """
    seen: set[str] = set()
    registered: list[types.ModuleType] = []
    with _registry:
        try:
            plain = dumps(
                value, make=partial(_Capturing, seen=seen, registered=registered), most=most
            )
        finally:  # leaves cloudpickle's registry as it was
            for module in registered:
                cloudpickle.unregister_pickle_by_value(module)
    needs = frozenset(name for name in seen if name[:1] == DYNAMIC or travels(name))
    if not needs:
        return plain
    if not isinstance(value, Bound):
        variables = set_in(travels)
        if variables:  # by name alone they would come without their values
            return capture(Bound(value, variables), most)
    data = Pickled(plain)
    data.needs = needs
    return data


class _Capturing(Pickler):
    def __init__(
        self, *args: Any, seen: set[str], registered: list[types.ModuleType], **terms: Any
    ) -> None:
        super().__init__(*args, **terms)
        self.seen = seen
        self._registered = registered

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 - whatever is in the value
        for name in _modules_of(obj):
            if name not in self.seen:
                self.seen.add(name)
                self._meet(name)
        if not isinstance(obj, types.FunctionType | types.ModuleType | type | ContextVar):
            owner = owner_of(obj)
            if owner is not None:
                return self._reference(owner).__reduce__()
        return super().reducer_override(obj)

    def _reference(self, owner: tuple[str, str]) -> _Reference:
        self.seen.add(owner[0])
        return _Reference(*owner)

    def _meet(self, name: str) -> None:
        """Have a module of the analyst's go by value where Python could not import it again."""
        module = sys.modules.get(name)
        if (
            isinstance(module, types.ModuleType)
            and _is_homeless(name, module)
            and name not in cloudpickle.list_registry_pickle_by_value()
        ):
            cloudpickle.register_pickle_by_value(module)
            self._registered.append(module)

    def _dynamic_function_reduce(self, func: types.FunctionType) -> Any:  # noqa: ANN401
        """Write down what a function imports as it runs, where no file of its own says so.

        One that was made inside another uses its module where it is loaded, and no copy of it.
        """
        self._look_into(func)
        make, (code, scope, *rest), (attributes, slots), *more = super()._dynamic_function_reduce(
            func
        )
        home = _home(func)
        if home is None:
            held = slots["__globals__"]
            owners = ((name, owner_of(value)) for name, value in held.items())
            found = {name: self._reference(owner) for name, owner in owners if owner is not None}
            slots["__globals__"] = {**held, **found}
            return make, (code, scope, *rest), (attributes, slots), *more
        self.seen.add(home)
        slots["__globals__"] = {}
        return _make_in, (home, code, *rest), (attributes, slots), *more

    def _look_into(self, function: types.FunctionType) -> None:
        code, scope = function.__code__, function.__globals__
        found = imports_of(code)
        if found.imports:
            package = scope.get("__package__") or str(scope.get("__name__")).rpartition(".")[0]
            self.seen.update(imported_names(found.imports, package))
        if found.dynamic and not is_installed(code.co_filename):
            self.seen.add(DYNAMIC + code.co_filename)


def _modules_of(obj: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the names of the modules that an object may be found in where it is loaded."""
    if isinstance(obj, types.ModuleType):
        yield obj.__name__
        return
    if not isinstance(obj, types.FunctionType | type):
        with suppress(AttributeError):  # what wraps a function, a cache say, is of its module
            own = object.__getattribute__(obj, "__module__")
            if isinstance(own, str):
                yield own
        obj = type(obj)
    name = getattr(obj, "__module__", None)
    if isinstance(name, str):
        yield name


class _Reference:
    """Stands for an object that an own module holds."""

    def __init__(self, module: str, name: str) -> None:
        self._owner = module, name

    def __reduce__(self) -> tuple[Any, ...]:
        return _held, self._owner


def _held(module: str, name: str) -> Any:  # noqa: ANN401
    """Return what a module holds."""
    return vars(importlib.import_module(module))[name]


def _home(function: types.FunctionType) -> str | None:
    """Return the own module whose globals a function uses; None for others."""
    name = function.__globals__.get("__name__")
    if not isinstance(name, str) or not travels(name):
        return None
    module = sys.modules.get(name)
    if module is None or vars(module) is not function.__globals__:
        return None
    return None if name in cloudpickle.list_registry_pickle_by_value() else name


def _make_in(home: str, code: types.CodeType, *rest: Any) -> types.FunctionType:
    """Make a function that uses the globals of a module."""
    return types.FunctionType(code, vars(importlib.import_module(home)), *rest)


def _is_homeless(name: str, module: types.ModuleType) -> bool:
    if name == "__main__" or name.partition(".")[0] == OURS or module.__name__ != name:
        return False
    return is_own_file(getattr(module, "__file__", None)) and find(name) is None

"""Pickling what goes to a worker: own modules by name, and which they are is written down.

Only what belongs to no file travels by value: ``__main__``, which is a script or a notebook, and
functions and classes that were made inside others.
"""

from __future__ import annotations

import importlib
import pickle
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
from .own_classes import name_by_content
from .pickling import Pickler, dumps
from .showing.sources import as_written, is_nowhere, made_with_source, source_of

__all__ = [
    "DYNAMIC",
    "NOTHING",
    "Pickled",
    "all_needs",
    "capture",
    "named_of",
    "needs_of",
    "uses_of",
]

NOTHING: Final[frozenset[str]] = frozenset()
DYNAMIC: Final = "*"
"""Stands, before the name of a file, for modules that only running its code would tell."""

_EVERYWHERE: Final = frozenset(
    {*sys.stdlib_module_names, *sys.builtin_module_names, OURS, "__main__", "__mp_main__", ""}
    | {"cloudpickle"}
)
"""Names of modules that every worker has."""

_NUMPY: Final = b"numpy"
_ARRAYS: Final = frozenset({"numpy"})
_HEAD_BYTES: Final = 1024
"""The first array of a plain value is named within these, where it holds no long text before."""

_registry = threading.RLock()


class Pickled(bytes):
    """A pickle that needs modules where it is loaded which Python itself does not have.

    Attributes:
        needs: names of own modules, which travel.
        uses: names of others: of installed packages, and of what is not there at all.
        named: those of them that the pickle itself names; its code imports the rest as it runs.
    """

    needs: frozenset[str]
    uses: frozenset[str]
    named: frozenset[str]


def needs_of(data: bytes) -> frozenset[str]:
    """Return the names of the own modules that a pickle needs."""
    return data.needs if type(data) is Pickled else NOTHING


def all_needs(payloads: Iterable[bytes]) -> frozenset[str]:
    """Return the names of the own modules that some pickles need."""
    kinds = {data.needs for data in payloads if type(data) is Pickled}
    return NOTHING.union(*kinds)


def uses_of(data: bytes) -> frozenset[str]:
    """Return the names of the modules of others that a pickle names, or its code imports.

    Plain values are pickled without looking at what they hold, which only can be arrays of numbers.
    """
    if type(data) is Pickled:
        return data.uses
    return _ARRAYS if _NUMPY in data[:_HEAD_BYTES] else NOTHING


def named_of(data: bytes) -> frozenset[str]:
    """Return the names of the modules of others that a pickle names."""
    return data.named if type(data) is Pickled else NOTHING


def capture(value: object, most: int | None = None) -> bytes:
    """Pickle a value, and write down which own modules it needs.

    Raises:
        TooLarge: the pickle would have more than ``most`` bytes.
    """
    seen: set[str] = set()
    imported: set[str] = set()
    registered: list[types.ModuleType] = []
    with _registry:
        try:
            plain = dumps(
                value,
                make=partial(_Capturing, seen=seen, imported=imported, registered=registered),
                most=most,
            )
        finally:  # leaves cloudpickle's registry as it was
            for module in registered:
                cloudpickle.unregister_pickle_by_value(module)
    needs = frozenset(name for name in seen if name[:1] == DYNAMIC or travels(name))
    uses = frozenset(name for name in seen - needs if _is_of_others(name))
    if not (needs or uses):
        return plain
    if needs and not isinstance(value, Bound):
        variables = set_in(travels)
        if variables:  # by name alone they would come without their values
            return capture(Bound(value, variables), most)
    data = Pickled(plain)
    data.needs, data.uses, data.named = needs, uses, uses - imported
    return data


def _is_of_others(name: str) -> bool:
    top = name.partition(".")[0]
    return top not in _EVERYWHERE and top[:1] != DYNAMIC


class _Capturing(Pickler):
    def __init__(
        self,
        *args: Any,
        seen: set[str],
        imported: set[str],
        registered: list[types.ModuleType],
        **terms: Any,
    ) -> None:
        super().__init__(*args, **terms)
        self.seen = seen
        self._imported = imported
        self._registered = registered

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 - whatever is in the value
        for name in _modules_of(obj):
            self._imported.discard(name)
            if name not in self.seen:
                self.seen.add(name)
                self._meet(name)
        if type(obj) is types.CodeType:
            return as_written(obj)
        if not isinstance(obj, types.FunctionType | types.ModuleType | type | ContextVar):
            owner = owner_of(obj)
            if owner is not None:
                return self._reference(owner).__reduce__()
        if isinstance(obj, type):
            name_by_content(obj, self._again)
        return super().reducer_override(obj)

    def _again(self, value: object) -> bytes:
        """Pickle a part of what is pickled on its own, with all that it holds."""
        make = partial(
            _Capturing, seen=self.seen, imported=self._imported, registered=self._registered
        )
        return dumps(value, make=make, buffer_callback=_within)

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
        if is_nowhere():
            scope.pop("__file__", None)
        if home is None:
            held = slots["__globals__"]
            owners = ((name, owner_of(value)) for name, value in held.items())
            found = {name: self._reference(owner) for name, owner in owners if owner is not None}
            slots["__globals__"] = {**held, **found}
            terms = (code, scope, *rest)
        else:
            self.seen.add(home)
            slots["__globals__"] = {}
            make, terms = _make_in, (home, code, *rest)
        source = source_of(func)
        if source is not None:
            make, terms = made_with_source, (source, make, *terms)
        return make, terms, (attributes, slots), *more

    def _look_into(self, function: types.FunctionType) -> None:
        code, scope = function.__code__, function.__globals__
        found = imports_of(code)
        if found.imports:
            package = scope.get("__package__") or str(scope.get("__name__")).rpartition(".")[0]
            imported = {*imported_names(found.imports, package)}
            self._imported |= imported - self.seen
            self.seen |= imported
        if found.dynamic and not is_installed(code.co_filename):
            self.seen.add(DYNAMIC + code.co_filename)


def _within(_: pickle.PickleBuffer) -> bool:
    return True


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

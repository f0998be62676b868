"""Which class an exception comes back as: its own where it is here, else one that is made for it.

A class is looked up among the modules that are imported, and nothing is imported for it. One that
is made is a TaskError, and of the nearest classes here that it derives from on the worker, so that
``except ValueError`` catches it.
"""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Sequence
from typing import Any, Final, TypeAlias, cast

from starburst._codec.records import find_imported
from starburst.errors import TaskError
from starburst.untrusted.terminal_text import one_line

from .members import base_of

__all__ = [
    "CLASSES",
    "TEXT",
    "Lineage",
    "lineage",
    "made_class",
    "named_classes",
    "own_class",
    "read_classes",
]

CLASSES: Final = "classes"
"""The format of values that are exception classes, as decimal's signals hold."""

Lineage: TypeAlias = tuple[tuple[str, str], ...]
"""Module and qualified name of a class and of all that it derives from, in order."""

TEXT: Final = "_starburst_text"
"""The attribute that holds what an instance of a class that is made says."""

_MOST: Final = 256
_OURS: Final = "starburst"
_MEAN_SOMETHING_ELSE: Final = (
    StopIteration,
    StopAsyncIteration,
    concurrent.futures.CancelledError,
)
"""Raised by ``result()`` these would end a loop of the client's or say that it was cancelled."""


def lineage(cls: type[BaseException]) -> Lineage:
    """Return by what names a class and its bases are known."""
    return tuple((base.__module__, base.__qualname__) for base in cls.__mro__)


def own_class(names: Lineage) -> type[BaseException] | None:
    """Return the very class if it is here, of the same bases, and may be raised."""
    cls = _find(*names[0])
    return cls if cls is not None and lineage(cls) == names else None


def named_classes(value: object) -> list[object]:
    """Return the names of exception classes, alone or in a list; empty for any other value."""
    members: list[object] = value if type(value) is list else [value]
    found = [x for x in members if isinstance(x, type) and issubclass(x, BaseException)]
    if not found or len(found) < len(members):
        return []
    return [type(value) is list, [[x.__module__, x.__qualname__] for x in found]]


def read_classes(named: Any) -> object:  # noqa: ANN401 - data
    """Return exception classes that are here by their names; raise LookupError for any other."""
    several, names = named
    found = [_look_up(module, name) for module, name in names]
    if None in found:
        raise LookupError("an exception class is not here")
    return found if several else found[0]


def made_class(names: Lineage) -> type[TaskError]:
    """Return a class of that name that derives from TaskError and what is here of its bases."""
    bases: list[type[BaseException]] = []
    for module, name in names:
        known = _find(module, name)
        if known is None or not _is_open(known):
            continue
        if not issubclass(TaskError, known) and not any(issubclass(b, known) for b in bases):
            bases.append(known)
    return _make(names, tuple(bases))


@functools.lru_cache(maxsize=_MOST)
def _make(names: Lineage, bases: tuple[type[BaseException], ...]) -> type[TaskError]:
    """Return the same class each time, so that two errors of one kind are of one."""
    module, name = (one_line(part, most=_MOST) for part in names[0])
    body = {
        "__module__": module,
        "__qualname__": name,
        "__doc__": "An exception of a worker's, whose class is not here.",
        "__str__": _say,
        "__reduce__": _reduce,
        "_starburst_names": names,
    }
    choices: list[tuple[type, ...]] = [(TaskError, *bases), (TaskError, *bases[:1])]
    for parents in choices:
        try:
            made: Any = type(name.rpartition(".")[2] or "TaskError", parents, dict(body))
        except TypeError:  # bases that are laid out differently
            continue
        else:
            return cast("type[TaskError]", made)
    return type("TaskError", (TaskError,), body)


def _say(self: Any) -> str:  # noqa: ANN401
    return str(vars(self).get(TEXT, ""))


def _reduce(self: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return _remake, (self._starburst_names, self.args), dict(vars(self))


def _remake(names: Sequence[tuple[str, str]], args: tuple[object, ...]) -> BaseException:
    cls = made_class(tuple(names))
    return base_of(cls).__new__(cls, *args)


def _find(module: str, name: str) -> type[BaseException] | None:
    """Return an exception class that may be raised at the client, if it is imported."""
    found = _look_up(module, name)
    if found is None or not issubclass(found, Exception):
        return None
    safe = not hasattr(found, "__del__") and type(found) is type
    ours = module.partition(".")[0] == _OURS  # what they say is about this session, not a task
    other = issubclass(found, _MEAN_SOMETHING_ELSE)
    return found if safe and not ours and not other else None


def _look_up(module: str, name: str) -> type[BaseException] | None:
    found = find_imported(module, name)
    if not isinstance(found, type) or not issubclass(found, BaseException):
        return None
    return found if (found.__module__, found.__qualname__) == (module, name) else None


def _is_open(cls: type) -> bool:
    """Whether deriving from a class runs none of its code."""
    hook = next(vars(base)["__init_subclass__"] for base in cls.__mro__ if _hooks(base))
    return hook is vars(object)["__init_subclass__"]


def _hooks(base: type) -> bool:
    return "__init_subclass__" in vars(base)

"""What the analyst has changed in own modules, put into them where they were imported anew."""

from __future__ import annotations

import collections
import copy
import importlib
import os
import pickle
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import Any, Final

from starburst._protocol.sealed.envelope import Buffer

__all__ = ["Changes"]

_ABSENT: Final = object()
_OF_PYTHON: Final = 1 << 9
"""Py_TPFLAGS_HEAPTYPE: of classes that a ``class`` statement has made."""

Row = tuple[str, tuple[str, ...], str, Any]


class Changes:
    """What is changed in own modules now; another function may want other values."""

    def __init__(self) -> None:
        self._now: Buffer = b""
        self._before: dict[tuple[str, tuple[str, ...]], tuple[str, Any]] = {}

    def apply(self, changes: Buffer, folder: str) -> None:
        """Have modules hold what they held where this was pickled, and no other changes.

        Modules that were imported there are imported first, in the same order: what they took from
        each other is then what they took there.

        Args:
            changes: pickled with the function that needs them, and verified with it; or empty.
            folder: of the modules' files.
        """
        if changes == self._now:
            return
        loaded, roots, rows = pickle.loads(changes) if changes else ((), {}, ())  # noqa: S301
        for name in loaded:
            with suppress(Exception):  # it fails where it is needed
                importlib.import_module(name)
        places = {root: os.path.join(folder, place) for root, place in roots.items()}
        # A name that holds an object of its own by now takes it after others were filled in place.
        wanted: list[Row] = sorted(rows, key=lambda row: row[2] == "set")
        for key in self._before.keys() - {(module, path) for module, path, *_ in wanted}:
            how, value = self._before.pop(key)
            _put(*key, how, value)
        for module, path, how, value in wanted:
            if (module, path) not in self._before:
                self._before[module, path] = _kept(module, path, how)
            _put(module, path, how, _moved(value, places))
        self._now = changes


def _home(module: str, path: tuple[str, ...]) -> Any:  # noqa: ANN401
    home: Any = sys.modules.get(module)
    for name in path[:-1]:
        home = None if home is None else vars(home).get(name)
    return home


def _kept(module: str, path: tuple[str, ...], how: str) -> tuple[str, Any]:
    """Return how to undo a change."""
    home = _home(module, path)
    old: Any = _ABSENT if home is None else vars(home).get(path[-1], _ABSENT)
    if old is _ABSENT:
        return "drop", None
    if how == "fill" and hasattr(old, "copy"):
        return how, old.copy()
    if how == "state":
        return how, dict(getattr(old, "__dict__", {}))
    if how == "like" and hasattr(old, "__dict__") | hasattr(old, "shape"):
        with suppress(Exception):
            return how, copy.copy(old)
    return "set", old


def _put(module: str, path: tuple[str, ...], how: str, value: Any) -> None:  # noqa: ANN401
    home = _home(module, path)
    if home is None:
        return
    name = path[-1]
    old = vars(home).get(name, _ABSENT)
    if how == "drop":
        if old is not _ABSENT:
            delattr(home, name)
    elif how == "state":
        for attribute, each in value.items() if old is not _ABSENT else ():
            object.__setattr__(old, attribute, each)
    elif how == "fill" and type(old) is type(value):
        _fill(old, value)
    elif how == "like" and type(old) is type(value) and _become(old, value):
        pass
    else:
        setattr(home, name, value)


def _fill(old: Any, new: Any) -> None:  # noqa: ANN401
    """Give a container the contents of another: others may hold it too."""
    if isinstance(old, list | bytearray):
        old[:] = new
    else:
        old.clear()
        if isinstance(old, collections.deque):
            old.extend(new)
        else:
            old.update(new)


def _become(old: Any, new: Any) -> bool:  # noqa: ANN401
    """Make an object what another one is, since others may hold it; whether that can be done."""
    built_in = next(cls for cls in type(old).__mro__ if not cls.__flags__ & _OF_PYTHON)
    if built_in is object and hasattr(old, "__dict__") and not hasattr(old, "__array__"):
        vars(old).clear()
        vars(old).update(vars(new))
        return True
    same = type(old).__module__ == "numpy" and getattr(old, "shape", ()) not in ((), None)
    if same and old.shape == new.shape and old.dtype == new.dtype and old.flags.writeable:
        old[...] = new
        return True
    return False


def _moved(value: Any, places: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Return a value with the paths in it that lead into the analyst's project led to its copy."""
    if isinstance(value, str | PurePath):
        text = str(value)
        for root, place in places.items():
            if text == root or text.startswith(root + os.sep):
                return type(value)(place + text[len(root) :])
        return value
    if type(value) is dict:
        return {name: _moved(each, places) for name, each in value.items()}
    if type(value) in (list, tuple, set):
        moved: Sequence[Any] = [_moved(each, places) for each in value]
        return type(value)(moved)
    return value

"""Find where a module is, without importing it."""

from __future__ import annotations

import importlib.machinery
import os
import sys
import types
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from .places import OURS, is_installed, is_own_file, may_be_root
from .source import absent_now

__all__ = ["Found", "find", "parents", "travels"]

_EXTENSIONS: Final = tuple(importlib.machinery.EXTENSION_SUFFIXES)


@dataclass(frozen=True, slots=True)
class Found:
    """A module of the analyst's own that can travel as files.

    Attributes:
        name: as it is imported.
        file: its source or compiled file; None for a package without ``__init__.py``.
        folders: a package's; empty for any other module.
        entries: the folders on the import path that it is found from.
    """

    name: str
    file: str | None
    folders: tuple[str, ...]
    entries: tuple[str, ...]

    @property
    def package(self) -> str:
        """What its relative imports count from."""
        return self.name if self.folders else self.name.rpartition(".")[0]


_known: dict[str, tuple[types.ModuleType | None, Found | None]] = {}


def parents(name: str) -> Iterable[str]:
    """Yield a module's name and those of the packages that it is in, outermost first."""
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def travels(name: str) -> bool:
    """Whether a module is the analyst's own and goes as files."""
    return find(name) is not None


def find(name: str) -> Found | None:
    """Return where a module of the analyst's own is.

    None for every other one: installed ones, those without a file that Python could import again
    under that name, and those that do not exist.
    """
    top = name.partition(".")[0]
    if top in (OURS, "__main__", "") or top in sys.builtin_module_names:
        return None
    module = sys.modules.get(name)
    known = _known.get(name)
    if known is not None and known[0] is module:
        return known[1]
    if module is not None:
        found = _loaded(name, module)
    else:
        absent = absent_now()
        spec = None if name in absent else _spec(name)
        if spec is None:
            absent.add(name)
            return None  # it may be there tomorrow
        found = _placed(name, spec.origin, spec.submodule_search_locations)
    _known[name] = module, found
    return found


def _loaded(name: str, module: object) -> Found | None:
    if not isinstance(module, types.ModuleType) or getattr(module, "__name__", None) != name:
        return None
    folders = getattr(module, "__path__", None)
    file = getattr(module, "__file__", None)
    return _placed(name, file, list(folders) if folders is not None else None)


def _placed(name: str, file: str | None, folders: Sequence[str] | None) -> Found | None:
    if file is None or file in ("namespace", "built-in", "frozen"):
        return _spread(name, folders or ())
    file = os.path.abspath(file)
    place, base = os.path.split(file)
    stem, _, suffix = base.partition(".")
    compiled = base.endswith(_EXTENSIONS) and not is_installed(file)
    source = suffix == "py" and is_own_file(file)
    if stem == "__init__" and folders is not None:
        place, stem = os.path.split(place)
    *above, last = name.split(".")
    # One that was loaded under a name of its own is not imported again by it.
    if not (source or compiled) or stem != last or not os.path.isfile(file):
        return None
    inside = tuple(map(os.path.abspath, folders or ()))
    for part in reversed(above):
        if os.path.basename(place) != part:
            return Found(name, file, inside, ())  # its package looks for modules elsewhere
        place = os.path.dirname(place)
    if not (_is_on_path(place) or may_be_root(place)):
        return None  # a loader has named it by where it is
    return Found(name, file, inside, (place,))


def _spread(name: str, folders: Iterable[str]) -> Found | None:
    """Return a package without ``__init__.py``, whose folders may be in several places."""
    tail = os.sep + name.replace(".", os.sep)
    own = [os.path.abspath(each) for each in folders if _is_own_folder(each)]
    named = tuple(each for each in own if each.endswith(tail))
    entries = tuple(each[: -len(tail)] or os.sep for each in named)
    return Found(name, None, named, entries) if named else None


def _is_on_path(folder: str) -> bool:
    real = os.path.realpath(folder)
    return any(os.path.realpath(each or os.curdir) == real for each in sys.path)


def _is_own_folder(folder: str) -> bool:
    return os.path.isdir(folder) and not is_installed(folder + os.sep)


def _spec(name: str) -> importlib.machinery.ModuleSpec | None:
    """Look a module up as an import would, but import nothing, its packages neither."""
    path: Sequence[str] | None = None
    parent = name.rpartition(".")[0]
    if parent:
        package = sys.modules.get(parent)
        if package is not None:
            path = getattr(package, "__path__", None)
        else:
            spec = _spec(parent)
            path = None if spec is None else spec.submodule_search_locations
        if path is None:
            return None
    for finder in sys.meta_path:
        look = getattr(finder, "find_spec", lambda *_: None)
        with suppress(Exception):  # whatever another's import hook raises, the next one may know
            spec = look(name, path, None)
            if isinstance(spec, importlib.machinery.ModuleSpec):
                return spec
    return None

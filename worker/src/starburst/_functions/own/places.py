"""Where files are: the standard library's, an installed package's, or the analyst's own."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

__all__ = ["OURS", "is_installed", "is_own_file", "may_be_root", "project_root"]

OURS: Final = "starburst"
"""Every worker image has Starburst itself."""

_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_SOURCES: Final = (".py", ".pyc", ".pyw", ".ipynb")
_MARKERS: Final = ("pyproject.toml", "setup.py", "setup.cfg", ".git")


def is_own_file(file: object) -> bool:
    """Whether a module's file is neither the standard library's nor an installed package's."""
    return isinstance(file, str) and file.endswith(_SOURCES) and not is_installed(file)


@functools.lru_cache(maxsize=10_000)
def is_installed(path: str) -> bool:
    """Whether a file or a folder is of the standard library or of an installed package."""
    real = os.path.realpath(path)
    return not _INSTALLED.isdisjoint(real.split(os.sep)) or real.startswith(_standard())


@functools.cache
def _standard() -> tuple[str, ...]:
    paths = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
    return tuple(os.path.realpath(path) + os.sep for path in paths)


def project_root(folder: str) -> str:
    """Return the folder of the project that a folder is in: the nearest with a project's marker.

    Where there is none, that is the folder on the import path that it is in; or it is its own.
    """
    return _project_root(folder, tuple(sys.path))


@functools.lru_cache(maxsize=10_000)
def _project_root(folder: str, import_path: tuple[str, ...]) -> str:
    start = Path(folder)
    for each in (start, *start.parents):
        if not may_be_root(str(each)):
            break
        if any((each / marker).exists() for marker in _MARKERS):
            return str(each)
    places = (os.path.abspath(each or os.curdir) for each in import_path)
    around = [each for each in places if (folder + os.sep).startswith(each.rstrip(os.sep) + os.sep)]
    return max((each for each in around if not is_installed(each)), key=len, default=folder)


def may_be_root(folder: str) -> bool:
    """Whether a folder may be looked through: no home, nothing above one, no shared place."""
    real = os.path.realpath(folder)
    home = os.path.realpath(os.path.expanduser("~"))
    if real == home or home.startswith(real.rstrip(os.sep) + os.sep):
        return False
    shared = (tempfile.gettempdir(), "/tmp", "/var/tmp", "/usr", "/opt", "/etc", "/var", "/home")  # noqa: S108
    return real not in map(os.path.realpath, shared) and not is_installed(real + os.sep)

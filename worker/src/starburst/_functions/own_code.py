"""Tell the user's own modules from installed ones, by where they are."""

from __future__ import annotations

import os
import sys
import sysconfig
import types
from typing import Final

__all__ = ["is_own_file", "own_modules"]

_INSTALLED: Final = ("site-packages", "dist-packages")
_SOURCES: Final = (".py", ".pyc", ".pyw", ".ipynb")
_OURS: Final = "starburst"
_known: dict[str, tuple[types.ModuleType, bool]] = {}


def own_modules() -> list[str]:
    """Return the names of the imported modules that no worker image can have.

    These are modules from a source file outside the standard library and outside every
    site-packages: the script's directory, ``PYTHONPATH``, editable installs.
    """
    own: list[str] = []
    for name, module in list(sys.modules.items()):
        known = _known.get(name)
        if known is None or known[0] is not module:
            known = _known[name] = (module, _is_own(name, module))
        if known[1]:
            own.append(name)
    return own


def _is_own(name: str, module: object) -> bool:
    if name == "__main__" or name.partition(".")[0] == _OURS:
        return False  # cloudpickle sends __main__ by value anyway; every image has Starburst
    if not isinstance(module, types.ModuleType) or getattr(module, "__name__", None) != name:
        return False
    return is_own_file(getattr(module, "__file__", None))


def is_own_file(file: object) -> bool:
    """Whether a module's file is neither the standard library's nor an installed package's."""
    if not isinstance(file, str) or not file.endswith(_SOURCES):
        return False
    path = os.path.realpath(file)
    parts = path.split(os.sep)
    return not any(part in parts for part in _INSTALLED) and not path.startswith(_standard())


def _standard() -> tuple[str, ...]:
    paths = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
    return tuple(os.path.realpath(path) + os.sep for path in paths)

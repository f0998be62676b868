"""What imported modules hold, found without running any code of theirs."""

from __future__ import annotations

import sys
import types

__all__ = ["find_imported", "find_member"]


def find_imported(module: str, name: str) -> object:
    """Return what a module holds under a dotted name; None where it or the name is not here."""
    home = sys.modules.get(module)
    return None if home is None else find_member(home, name)


def find_member(home: types.ModuleType, name: str) -> object:
    """Return what a module holds under a dotted name."""
    found: object = home
    for part in name.split("."):
        found = vars(found).get(part) if isinstance(found, types.ModuleType | type) else None
    return found

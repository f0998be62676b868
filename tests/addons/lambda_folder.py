"""The modules of a function, imported as Lambda does: from its own folder, by their bare names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

__all__ = ["lambda_folder"]


@contextmanager
def lambda_folder(source: Path) -> Iterator[Mapping[str, ModuleType]]:
    """Import all of a folder's modules, and forget them at the end.

    Many functions call a module ``handler``: none meets that of another, whatever ran before.
    """
    names = sorted(file.stem for file in source.glob("*.py"))
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(source))
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(source))
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)

"""Projects of an analyst's, written into a folder, imported, and forgotten again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

__all__ = ["imported", "script", "write"]


def write(root: Path, files: dict[str, str]) -> None:
    """Write files by their paths."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@contextmanager
def imported(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have modules imported from a folder, and forget them in the end."""
    monkeypatch.syspath_prepend(root)
    before = dict(sys.modules)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        changed = [name for name, each in sys.modules.items() if before.get(name) is not each]
        for name in changed:
            where = getattr(sys.modules[name], "__path__", [sys.modules[name].__spec__])
            if str(root) in repr((where, getattr(sys.modules[name], "__file__", None))):
                del sys.modules[name]


def script(text: str, **names: object) -> ModuleType:
    """What a script holds once it has run: it is ``__main__``, and belongs to no module's file."""
    made = ModuleType("__main__")
    vars(made).update(names)
    exec(compile(text, "/home/analyst/script.py", "exec"), vars(made))  # noqa: S102 - our own text
    return made

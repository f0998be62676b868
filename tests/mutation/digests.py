"""Digests of what a verdict rests on: a module; a test file and what it imports from tests."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Digests"]


class Digests:
    """Digests of the files of a tree, as they are when they are first asked for.

    Args:
        root: of the repository.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[Path, str] = {}
        self._tests: dict[str, str] = {}

    def of(self, path: Path) -> str:
        """Return a digest of a file."""
        if path not in self._files:
            self._files[path] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        return self._files[path]

    def of_test(self, file: str) -> str:
        """Return a digest of a test file, what it imports from tests, and each ``conftest.py``."""
        if file not in self._tests:
            whole = hashlib.sha256()
            for path in sorted(self._rests_on(file)):
                whole.update(f"{path.relative_to(self._root)} {self.of(path)}\n".encode())
            self._tests[file] = whole.hexdigest()[:16]
        return self._tests[file]

    def _rests_on(self, file: str) -> set[Path]:
        found: set[Path] = set()
        waiting = [self._root / file]
        while waiting:
            path = waiting.pop()
            if path in found or not path.is_file():
                continue
            found.add(path)
            waiting += [self._root / name for name in _imports(path)]
            folders = [folder for folder in path.parents if self._root in folder.parents]
            waiting += [folder / "conftest.py" for folder in folders]
        return found


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ImportFrom(module=str(module), level=0) if module.startswith("tests"):
                place = module.replace(".", "/")
                yield f"{place}.py"
                yield from (f"{place}/{alias.name}.py" for alias in node.names)
            case ast.ImportFrom(module=module, level=1):
                yield from (f"tests/{name}" for name in _beside(path, module, node.names))
            case ast.Import(names=names):
                for alias in names:
                    if alias.name.startswith("tests."):
                        yield f"{alias.name.replace('.', '/')}.py"


def _beside(path: Path, module: str | None, names: list[ast.alias]) -> Iterator[str]:
    folder = path.parent.name
    wanted = [module] if module else [alias.name for alias in names]
    yield from (f"{folder}/{name}.py" for name in wanted)

"""Digests of what a verdict rests on: a module; a test file and what it imports from tests."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

__all__ = ["digest_of", "digest_of_test"]


@cache
def digest_of(path: Path) -> str:
    """Return a digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@cache
def digest_of_test(root: Path, file: str) -> str:
    """Return a digest of a test file, what it imports from tests, and each ``conftest.py``."""
    found: set[Path] = set()
    waiting = [root / file]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        waiting += [root / name for name in _imports(path)]
        waiting += [folder / "conftest.py" for folder in path.parents if root in folder.parents]
    whole = hashlib.sha256()
    for path in sorted(found):
        whole.update(f"{path.relative_to(root)} {digest_of(path)}\n".encode())
    return whole.hexdigest()[:16]


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

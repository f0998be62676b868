"""What imports what, read from the sources: modules by name, and the rooms that they stand in."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = {
    "app": "",
    "environments": "",
    "stacks": "",
    "deploy": "",
    "benchmarks": "",
    "starburst_constructs": "constructs",
    "starburst_assurance": "constructs",
    "starburst": "worker/src",
}
"""Each top-level module or package of the product, and the folder that it is imported from."""


@cache
def modules() -> Mapping[str, Path]:
    """Return every module of the product by its dotted name; a package by its own."""
    found: dict[str, Path] = {}
    for top, source in SOURCES.items():
        base = ROOT / source
        single = base / f"{top}.py"
        for path in [single] if single.is_file() else sorted((base / top).rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


def imports(path: Path, *, types: bool = False) -> Iterator[str]:
    """Yield the absolute names that a file imports; relative ones made absolute.

    Args:
        path: the file.
        types: those too that only type checkers see, and not what runs alone.
    """
    name = next((name for name, own in modules().items() if own == path), "")
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in _nodes(ast.parse(path.read_text()), types=types):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _nodes(tree: ast.AST, *, types: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        unseen = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        if types or not unseen:
            yield node
            yield from _nodes(node, types=types)


@cache
def needs() -> Mapping[str, frozenset[str]]:
    """Return which modules of the product each module imports when it runs.

    A name that only type checkers see is no arrow: an interface may say what stands above it.
    """
    known = modules()
    found: dict[str, frozenset[str]] = {}
    for name, path in known.items():
        named = imports(path)
        targets = (each if each in known else each.rpartition(".")[0] for each in named)
        found[name] = frozenset(each for each in targets if each in known and each != name)
    return found


def arrows(package: str) -> Mapping[str, frozenset[str]]:
    """Return which of a package's modules and sub-packages import which others of them.

    Args:
        package: dotted name; empty for the product's top level.
    """
    inside = f"{package}." if package else ""

    def child(name: str) -> str | None:
        return name[len(inside) :].split(".", maxsplit=1)[0] if name.startswith(inside) else None

    found: dict[str, set[str]] = {}
    for name, imported in needs().items():
        if (own := child(name)) is not None:
            others = {child(each) for each in imported} - {None, own}
            found.setdefault(own, set()).update(each for each in others if each)
    return {own: frozenset(others) for own, others in found.items()}

"""What a source file says, read without running it: its imports, and what it binds to its names."""

from __future__ import annotations

import ast
import importlib.util
import os
import threading
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = [
    "DYNAMIC",
    "Imported",
    "Scope",
    "Source",
    "Stamp",
    "absent_now",
    "absolute",
    "one_look",
    "read_source",
    "stamp_of",
]

DYNAMIC: Final = frozenset(
    {
        *("__import__", "import_module", "import_string", "locate", "entry_points"),
        *("iter_modules", "walk_packages", "run_module", "run_path", "lazy_import"),
        *("spec_from_file_location", "find_spec", "exec_module", "load_module", "LazyLoader"),
    }
)
"""Names whose use means that the imports of a piece of code cannot be read off it."""

_DYNAMIC_WORDS: Final = tuple(word.encode() for word in sorted(DYNAMIC))
_BLOCKS: Final = ("body", "orelse", "handlers", "finalbody", "cases")

_LOADING: Final = (ast.Import, ast.ImportFrom, ast.Try, ast.With)

_UNKNOWN: Final = object()
"""What a name is bound to where only running the file could tell."""

Stamp = tuple[int, int, int]
"""What of a file changes with its content: its time of change, size and number."""


@dataclass(frozen=True, slots=True)
class Imported:
    """One import statement.

    Attributes:
        level: number of leading dots.
        module: what follows them; may be empty.
        names: what ``from`` takes; empty for a plain import.
    """

    level: int
    module: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a file, or a class in it, binds to its names at its top.

    Attributes:
        literals: values of the names that are bound once, to a literal.
        functions: names that are bound once, by ``def``; whether decorated.
        classes: names that are bound once, by ``class``: what that binds; whether it is plain.
        imports: names that an import binds.
        others: the other names that are bound.
        named: names that are bound once, to what can be told without running the file.
    """

    literals: Mapping[str, object] = field(default_factory=dict)
    functions: Mapping[str, bool] = field(default_factory=dict)
    classes: Mapping[str, tuple[Scope, bool]] = field(default_factory=dict)
    imports: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """One source file.

    Attributes:
        path: where.
        data: its bytes.
        stamp: of the file as it was read.
        imports: all its import statements, those within functions too.
        dynamic: whether it imports what cannot be read off it.
        offers: the names in its ``__all__``, where that is written out.
        scope: what it binds.
        top: its imports, ``try`` and ``with`` that stand at its top, in order.
    """

    path: str
    data: bytes
    stamp: Stamp
    imports: tuple[Imported, ...]
    dynamic: bool
    offers: tuple[str, ...]
    scope: Scope
    top: tuple[ast.stmt, ...]

    def code(self) -> types.CodeType | None:
        """Return the file's compiled code; None where it does not compile."""
        try:
            return compile(self.data, self.path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return None


_read: dict[str, Source] = {}


class _Look(threading.local):
    """What one thread has asked for while it looks at everything once: stamps, and no modules."""

    stamps: dict[str, Stamp | None] | None = None
    absent: set[str] | None = None


_look = _Look()


@contextmanager
def one_look() -> Iterator[None]:
    """Ask the system once for each file, for all that is decided meanwhile about one moment."""
    outer = _look.stamps, _look.absent
    if _look.stamps is None:
        _look.stamps, _look.absent = {}, set()
    try:
        yield
    finally:
        _look.stamps, _look.absent = outer


def absent_now() -> set[str]:
    """Return the names that were found to be no modules in this look; none outside of one."""
    return set() if _look.absent is None else _look.absent


def stamp_of(path: str) -> Stamp | None:
    """Return a file's stamp; None where there is none."""
    known = _look.stamps
    if known is None:
        return _stamp(path)
    if path not in known:
        known[path] = _stamp(path)
    return known[path]


def _stamp(path: str) -> Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_source(path: str) -> Source | None:
    """Return what a file says; None where it cannot be read."""
    stamp = stamp_of(path)
    if stamp is None:
        return None
    known = _read.get(path)
    if known is not None and known.stamp == stamp:
        return known
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    source = _read[path] = _parse(path, data, stamp)
    return source


def _parse(path: str, data: bytes, stamp: Stamp) -> Source:
    try:
        tree = ast.parse(data, path)
    except (SyntaxError, ValueError):
        return Source(path, data, stamp, (), dynamic=False, offers=(), scope=Scope(), top=())
    imports: list[Imported] = []
    dynamic = False
    # Of what has none of these words, only statements can import anything.
    told = data.isascii() and not any(word in data for word in _DYNAMIC_WORDS)
    for node in _statements(tree) if told else _running(tree):
        if isinstance(node, ast.Import):
            imports += [Imported(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            imports.append(Imported(node.level, node.module or "", names))
            dynamic = dynamic or not DYNAMIC.isdisjoint(names)
        elif isinstance(node, ast.Name):
            dynamic = dynamic or node.id == "__import__"
        elif isinstance(node, ast.Attribute):
            dynamic = dynamic or node.attr in DYNAMIC
    scope = _scope(tree.body)
    offers = scope.literals.get("__all__", ())
    offered = offers if isinstance(offers, list | tuple) else ()
    return Source(
        path,
        data,
        stamp,
        tuple(dict.fromkeys(imports)),
        dynamic=dynamic,
        offers=tuple(name for name in offered if isinstance(name, str)),
        scope=scope,
        # Not the whole tree: Python would look through those of a whole project, again and again.
        top=tuple(each for each in tree.body if isinstance(each, _LOADING)),
    )


def _running(tree: ast.Module) -> Iterator[ast.AST]:
    """Walk what may run: not what stands under ``if TYPE_CHECKING``."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.If) and _is_for_types(node.test):
            pending += node.orelse
        else:
            pending += ast.iter_child_nodes(node)


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Walk what may run as ``_running`` does, but statements alone."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        yield node
        for block in _BLOCKS:
            if block == "body" and isinstance(node, ast.If) and _is_for_types(node.test):
                continue
            within = getattr(node, block, None)
            if isinstance(within, list):  # a lambda's and a conditional's body is an expression
                pending += within


def _is_for_types(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _scope(body: list[ast.stmt]) -> Scope:
    literals: dict[str, object] = {}
    functions: dict[str, bool] = {}
    classes: dict[str, tuple[Scope, bool]] = {}
    imports: dict[str, int] = {}
    bound: dict[str, int] = {}
    for statement in body:
        for name in _bound(statement):
            bound[name] = bound.get(name, 0) + 1
            if isinstance(statement, ast.Import | ast.ImportFrom):
                imports[name] = imports.get(name, 0) + 1
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            functions[statement.name] = bool(statement.decorator_list)
        elif isinstance(statement, ast.ClassDef):
            plain = not (statement.decorator_list or statement.keywords)
            classes[statement.name] = _scope(statement.body), plain
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            value = _literal(statement.value)
            for target in targets:
                if isinstance(target, ast.Name) and value is not _UNKNOWN:
                    literals[target.id] = value
    once = {name for name, times in bound.items() if times == 1}
    known = (literals.keys() | functions.keys() | classes.keys()) & once
    imported = {name for name, times in imports.items() if times == bound[name]}
    return Scope(
        {name: value for name, value in literals.items() if name in once},
        {name: value for name, value in functions.items() if name in once},
        {name: value for name, value in classes.items() if name in once},
        frozenset(imported),
        frozenset(bound.keys() - known - imported),
        frozenset(known),
    )


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement binds in the scope that it stands in."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
        return
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node.id
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0]
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp):
            pending += ast.iter_child_nodes(node)


def _literal(node: ast.expr) -> Any:  # noqa: ANN401
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _UNKNOWN


def absolute(imported: Imported, package: str) -> str | None:
    """Return the full name of what is imported by code of a package."""
    if not imported.level:
        return imported.module
    try:
        return importlib.util.resolve_name("." * imported.level + imported.module, package)
    except ImportError:
        return None

"""All mutants of a module: one small mistake each, of the kinds that engineers make."""

from __future__ import annotations

import ast
import functools
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from .edits import Edit, Source
from .expressions import Required, called_name, cut_short, replacements
from .required import required_in
from .statements import lines_of, statement_edits
from .words import WORDS

__all__ = ["Mutant", "mutants_of"]

_LONGEST = 120


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A module with one mistake in it.

    Attributes:
        module: its path.
        what: the function, and what was done; no line numbers, so that it stays what it is called
            when other code moves.
        line: where.
        lines: that a test has to run to notice; none where any test may.
        text: the module with the mistake.
    """

    module: str
    what: str
    line: int
    lines: tuple[int, ...]
    text: str

    @property
    def digest(self) -> str:
        """Return a digest of the module with the mistake."""
        return hashlib.sha256(f"{self.module}\n{self.what}\n{self.text}".encode()).hexdigest()[:24]


def mutants_of(module: str, text: str, *, required: Required | None = None) -> Iterator[Mutant]:
    """Yield each mutant of a module.

    Args:
        module: its path.
        text: of the module.
        required: tells which keyword arguments cannot be dropped; by default as the module says.
    """
    source = Source(text)
    seen: set[tuple[int, int, str]] = set()
    names: Counter[str] = Counter()
    walk = _Walk(source, required or required_in([source.tree]))
    for where, edit in walk.edits(source.tree, (), None, None):
        made = (edit.begin, edit.end, edit.new)
        if made in seen or source.cut(edit.begin, edit.end) == edit.new:
            continue
        seen.add(made)
        what = f"{'.'.join(where) or 'module'}: {edit.what}"
        names[what] += 1
        count = names[what]
        yield Mutant(
            module=module,
            what=what if count == 1 else f"{what} #{count}",
            line=text.encode()[: edit.begin].count(b"\n") + 1,
            lines=edit.lines,
            text=source.with_edit(edit),
        )


class _Walk:
    """Goes through a tree, and knows where it is."""

    def __init__(self, source: Source, required: Required) -> None:
        self._source = source
        self._required = required

    def edits(
        self,
        node: ast.AST,
        where: tuple[str, ...],
        function: ast.AST | None,
        statement: ast.stmt | None,
    ) -> Iterator[tuple[tuple[str, ...], Edit]]:
        """Yield each edit in a node, with the names of what it stands in."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            where = (*where, node.name)
            function = None if isinstance(node, ast.ClassDef) else node
        for block in _blocks(node):
            for edit in statement_edits(self._source, block, node, function):
                yield where, _called(edit)
        for child in _children(node):
            inner = child if isinstance(child, ast.stmt) else statement
            if isinstance(child, ast.expr) and inner is not None:
                lines = self._lines(inner, function)
                for new in replacements(child, node, self._required):
                    yield where, self._replaced(child, new, lines)
                if isinstance(node, ast.For | ast.comprehension) and child is node.iter:
                    yield where, self._cut_short(child, lines)
            yield from self.edits(child, where, function, inner)

    def _lines(self, statement: ast.stmt, function: ast.AST | None) -> tuple[int, ...]:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            return _body(statement)
        if function is not None:
            return lines_of(statement)
        match statement:  # what a module keeps for itself is noticed where it is used
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                return self._uses(name) if name.startswith("_") else ()
        return ()

    @functools.cache  # noqa: B019 - lives as long as its module is gone through
    def _uses(self, name: str) -> tuple[int, ...]:
        found: set[int] = set()
        for function in ast.walk(self._source.tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                if _names(function.args, name):
                    found.update(_body(function))
                for statement in ast.walk(function):
                    if isinstance(statement, ast.stmt) and statement is not function:
                        heads = ast.iter_child_nodes(statement)
                        if any(isinstance(head, ast.expr) and _names(head, name) for head in heads):
                            found.update(lines_of(statement))
        return tuple(sorted(found))

    def _replaced(self, old: ast.expr, new: ast.expr, lines: tuple[int, ...]) -> Edit:
        text = ast.unparse(ast.fix_missing_locations(new))
        return _called(
            Edit(
                begin=self._source.begin(old),
                end=self._source.end(old),
                new=text if isinstance(new, ast.Constant | ast.Call) else f"({text})",
                what=_dropped(old, new) or f"`{ast.unparse(old)}` as `{text}`",
                lines=lines,
            )
        )

    def _cut_short(self, iterated: ast.expr, lines: tuple[int, ...]) -> Edit:
        return _called(
            Edit(
                begin=self._source.begin(iterated),
                end=self._source.end(iterated),
                new=ast.unparse(cut_short(iterated)),
                what=f"`{ast.unparse(iterated)}` cut to its first item",
                lines=lines,
            )
        )


def _dropped(old: ast.expr, new: ast.expr) -> str:
    """Return how something that lacks a part is called; empty where it is nothing of the kind."""
    if isinstance(old, ast.BoolOp) and not isinstance(new, ast.Constant):
        left = [new] if new in old.values or not isinstance(new, ast.BoolOp) else new.values
        [lacking] = [value for value in old.values if value not in left] or [old]
        return f"`{ast.unparse(lacking)}` dropped from `{ast.unparse(old)}`"
    if not (isinstance(old, ast.Call) and isinstance(new, ast.Call)) or old.func is not new.func:
        return ""
    now = [*new.args, *(keyword.value for keyword in new.keywords)]
    named = [(None, each) for each in old.args] + [(each.arg, each.value) for each in old.keywords]
    [lacking] = [name or ast.unparse(value) for name, value in named if value not in now]
    return f"`{ast.unparse(old.func)}` without `{lacking}`"


def _body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[int, ...]:
    return tuple(range(function.body[0].lineno, (function.end_lineno or 0) + 1))


def _names(node: ast.AST, name: str) -> bool:
    return any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node))


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if isinstance(block, list) and block:
            yield block


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is to be gone through; not what is said, nor what is only for type checkers."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_left_alone(child):
                yield child


def _is_left_alone(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr() | ast.Assert() | ast.Import() | ast.ImportFrom() | ast.Raise():
            return True
        case ast.Call():
            return called_name(node) in WORDS or _is_error(called_name(node))
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=test):
            return ast.unparse(test).endswith("TYPE_CHECKING")
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name == "__all__"
    return False


def _is_error(name: str) -> bool:
    return name.endswith(("Error", "Exception", "Warning", "Ended"))


def _called(edit: Edit) -> Edit:
    words = " ".join(edit.what.split())
    if len(words) > _LONGEST:
        words = words[: _LONGEST - 1] + "…"
    return Edit(begin=edit.begin, end=edit.end, new=edit.new, what=words, lines=edit.lines)

"""Which keyword arguments a callable cannot do without, as the sources say by its name."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from .expressions import Required

__all__ = ["required_in"]


def required_in(trees: Iterable[ast.AST]) -> Required:
    """Return what tells which keyword arguments cannot be dropped.

    To drop one would fail at once, whatever the tests are.

    Args:
        trees: the modules in which callables are looked up, by their names alone.
    """
    needed: dict[str, set[str]] = {}
    for tree in trees:
        for name, own in _callables(tree):
            known = needed.setdefault(name, own)
            known &= own

    def required(called: str, keyword: str) -> bool:
        return keyword in needed.get(called, ())

    return required


def _callables(tree: ast.AST) -> Iterator[tuple[str, set[str]]]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if node.name != "__init__":
                yield node.name, _without_default(node.args)
            case ast.ClassDef():
                made = [
                    each
                    for each in node.body
                    if isinstance(each, ast.FunctionDef) and each.name == "__init__"
                ]
                if made:
                    yield node.name, _without_default(made[0].args)
                elif any("dataclass" in ast.unparse(each) for each in node.decorator_list):
                    yield node.name, set(_fields(node))


def _without_default(arguments: ast.arguments) -> set[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    bare = positional[: len(positional) - len(arguments.defaults)]
    return {each.arg for each in bare} | {
        each.arg
        for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    }


def _fields(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        match each:
            case ast.AnnAssign(target=ast.Name(id=name), value=None):
                yield name

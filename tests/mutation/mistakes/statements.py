"""Mistakes in statements: one left out, two in the wrong order, an error handled less, no lock."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from .edits import Edit, Source
from .expressions import called_name
from .words import TELLS, WORDS

__all__ = ["lines_of", "statement_edits"]

_LEAVES: Final = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def statement_edits(
    source: Source, body: Sequence[ast.stmt], above: ast.AST, function: ast.AST | None
) -> Iterator[Edit]:
    """Yield the mistakes in one block.

    Args:
        source: of the module.
        body: the block's statements.
        above: what the block is part of.
        function: that it stands in, if it does.
    """
    for statement in body:
        last = above is function and statement is body[-1]
        if function is not None and _may_go(statement, function, last=last):
            yield Edit(
                begin=source.begin(statement),
                end=source.end(statement),
                new="pass",
                what=f"`{brief(statement)}` left out",
                lines=lines_of(statement),
            )
        if isinstance(statement, ast.With) and _is_lock(statement):
            first = statement.body[0]
            yield Edit(
                begin=source.begin(statement),
                end=source.begin(first),
                new="if True:\n" + " " * first.col_offset,
                what=f"`{brief(statement)}` forgotten",
                lines=lines_of(statement),
            )
    for one, two in pairwise(body):
        both_kept = isinstance(one, ast.Assign) and isinstance(two, ast.Assign)
        # Two values that are kept side by side: nobody looks in between.
        both_tell = _only_tells(one) and _only_tells(two)
        free = not (both_kept or both_tell or _needs(two, one))
        if free and _acts(one) and _acts(two):
            between = source.cut(source.end(one), source.begin(two))
            yield Edit(
                begin=source.begin(one),
                end=source.end(two),
                new=source.said(two) + between + source.said(one),
                what=f"`{brief(two)}` before `{brief(one)}`",
                lines=lines_of(one),
            )
    if isinstance(above, ast.ExceptHandler) and not isinstance(body[0], ast.Raise):
        caught = f"except {ast.unparse(above.type)}" if above.type is not None else "except"
        yield Edit(
            begin=source.begin(body[0]),
            end=source.end(body[-1]),
            new="raise",
            what=f"`{caught}` handles nothing",
            lines=tuple(range(above.lineno, (body[-1].end_lineno or 0) + 1)),
        )


def lines_of(statement: ast.stmt) -> tuple[int, ...]:
    """Return the lines of a statement: of its head alone where it has a body."""
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    if not body:
        return tuple(range(statement.lineno, (statement.end_lineno or 0) + 1))
    first = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
    return tuple(range(statement.lineno, max(first.lineno, statement.lineno + 1)))


def brief(statement: ast.stmt) -> str:
    """Return a statement in a line: the head alone of one that has a body."""
    text = ast.unparse(statement)
    return text.partition("\n")[0] if hasattr(statement, "body") else text


def _may_go(statement: ast.stmt, function: ast.AST, *, last: bool) -> bool:
    match statement:
        case ast.Expr(value=ast.Call() as call):
            return called_name(call) not in WORDS
        case ast.Return():
            return not last
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() | ast.Tuple()]):
            # What an object does not have at all is missed at once.
            return getattr(function, "name", "") != "__init__"
        case ast.Assign(targets=[ast.Name(id=name)]):
            return _had_a_value(name, statement, function)
        case ast.Expr(value=ast.Yield(value=value)):
            return value is not None
    gone = ast.Raise | ast.Continue | ast.Break | ast.Delete | ast.AugAssign
    handed_on = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.YieldFrom)
    return handed_on or isinstance(statement, gone)


def _had_a_value(name: str, statement: ast.stmt, function: ast.AST) -> bool:
    arguments = getattr(function, "args", None)
    if arguments is not None:
        given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        if any(each.arg == name for each in given):
            return True
    return any(
        isinstance(node, ast.Name)
        and node.id == name
        and isinstance(node.ctx, ast.Store)
        and node.lineno < statement.lineno
        for node in ast.walk(function)
    )


def _only_tells(statement: ast.stmt) -> bool:
    """Return whether a statement does nothing but say something, or declare an argument."""
    match statement:
        case ast.Expr(value=ast.Call() as call):
            return called_name(call) in (*TELLS, "add_argument")
        case ast.For() | ast.If():
            return all(_only_tells(each) for each in (*statement.body, *statement.orelse))
    return False


def _acts(statement: ast.stmt) -> bool:
    """Return whether others see that a statement ran, and whether the next one runs after it."""
    if any(isinstance(node, (*_LEAVES, ast.Yield, ast.YieldFrom)) for node in ast.walk(statement)):
        return False
    match statement:
        case ast.Expr(value=ast.Call() as call):
            return called_name(call) not in WORDS
        case ast.Assign(targets=[ast.Name()], value=value):
            return _calls(value)
        case ast.If() | ast.For() | ast.While() | ast.With() | ast.Try():
            return _calls(statement)
    return isinstance(statement, ast.Assign | ast.AugAssign | ast.Delete)


def _calls(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Call) for each in ast.walk(node))


def _needs(two: ast.stmt, one: ast.stmt) -> bool:
    """Return whether a statement names what the one before it makes."""
    made = {n.id for n in ast.walk(one) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return any(isinstance(node, ast.Name) and node.id in made for node in ast.walk(two))


def _is_lock(statement: ast.With) -> bool:
    return not any(
        item.optional_vars is not None or isinstance(item.context_expr, ast.Call)
        for item in statement.items
    )

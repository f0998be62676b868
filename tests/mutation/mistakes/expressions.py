"""Mistakes in expressions: bounds, conditions, signs, numbers, defaults, lists cut short."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Final

from .words import SAID

__all__ = ["Required", "called_name", "cut_short", "is_condition", "replacements"]

Required = Callable[[str, str], bool]
"""Whether a callable of that name cannot do without a keyword argument of that name."""

_BOUNDS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_OPPOSITES: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,  # codespell:ignore notin
    ast.NotIn: ast.In,  # codespell:ignore notin
}
_SIGNS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_SWAPPED: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_WITH_DEFAULT: Final = {"get": 2, "getattr": 3, "next": 2, "pop": 2}
"""Calls whose last argument is what they answer where there is nothing, and how many they have."""

_ALWAYS_ASKED: Final = frozenset(
    {"Body", "Bucket", "Delete", "Entries", "Key", "Name", "QueueUrl", "ReceiptHandle"}
)
"""Arguments without which the SDK calls nothing."""


def is_condition(node: ast.expr) -> bool:
    """Return whether a value can only be true or false, as it is written."""
    if isinstance(node, ast.BoolOp):
        return all(is_condition(value) for value in node.values)
    return isinstance(node, ast.Compare) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def replacements(node: ast.AST, above: ast.AST, required: Required) -> Iterator[ast.expr]:
    """Yield what may stand in an expression's place by mistake.

    Args:
        node: the expression.
        above: what it is part of.
        required: tells which arguments cannot be dropped.
    """
    decides = _decides(node, above)
    if decides:
        yield from (ast.Constant(value=value) for value in _outcomes(node, above))
    match node:
        case ast.Compare():
            yield from _compared(node, decided=decides or isinstance(above, ast.BoolOp))
        case ast.BoolOp():
            yield from _weakened(node)
        case ast.UnaryOp(op=ast.Not(), operand=operand) if not decides:
            yield operand
        case ast.BinOp(op=op) if type(op) in _SIGNS and not _is_text(node):
            yield ast.BinOp(left=node.left, op=_SIGNS[type(op)](), right=node.right)
        case ast.Constant(value=bool(value)):
            yield ast.Constant(value=not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value=_other_number(value))
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.Subscript(slice=ast.Slice() as bounds):
            for fewer in _unbounded(bounds):
                yield ast.Subscript(value=node.value, slice=fewer, ctx=node.ctx)
        case ast.Call():
            yield from _called(node, required)


def cut_short(iterated: ast.expr) -> ast.expr:
    """Return the first item alone of what is iterated over."""
    islice = "__import__('itertools').islice"
    return ast.parse(f"{islice}({ast.unparse(iterated)}, 1)", mode="eval").body


def _decides(node: ast.AST, above: ast.AST) -> bool:
    """Return whether something is done or left by this value alone."""
    match above:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            return node is test
        case ast.comprehension(ifs=tests):
            return any(node is test for test in tests)
        case ast.Return(value=value) | ast.Lambda(body=value) if value is node:
            return isinstance(node, ast.expr) and is_condition(node)
    return False


def _outcomes(node: ast.AST, above: ast.AST) -> Iterator[bool]:
    """Yield the outcomes that are worth a try."""
    match above:
        case ast.While():
            if not isinstance(node, ast.Constant):
                yield False
        case ast.comprehension():
            yield True  # none at all would be noticed by whoever looks
        case ast.If() if _alone(above):
            yield True  # its body is deleted as a statement
        case ast.IfExp():
            return  # either side is chosen by the expression itself
        case _:
            yield True
            yield False


def _alone(block: ast.If) -> bool:
    simple = ast.Expr | ast.Raise | ast.Return | ast.Continue | ast.Break
    return len(block.body) == 1 and not block.orelse and isinstance(block.body[0], simple)


def _compared(node: ast.Compare, *, decided: bool) -> Iterator[ast.expr]:
    for at, op in enumerate(node.ops):
        other = _BOUNDS.get(type(op)) or (None if decided else _OPPOSITES.get(type(op)))
        if other is not None:
            changed = copy.copy(node)
            changed.ops = [*node.ops[:at], other(), *node.ops[at + 1 :]]
            yield changed


def _weakened(node: ast.BoolOp) -> Iterator[ast.expr]:
    for left_out in node.values:
        rest = [value for value in node.values if value is not left_out]
        yield rest[0] if len(rest) == 1 else ast.BoolOp(op=node.op, values=rest)


def _unbounded(node: ast.Slice) -> Iterator[ast.Slice]:
    if node.lower is not None:
        yield ast.Slice(None, node.upper, node.step)
    if node.upper is not None:
        yield ast.Slice(node.lower, None, node.step)


def _called(node: ast.Call, required: Required) -> Iterator[ast.expr]:
    name = called_name(node)
    if isinstance(node.func, ast.Name) and name in _SWAPPED:
        yield ast.Call(func=ast.Name(_SWAPPED[name]), args=node.args, keywords=node.keywords)
    if node.args and len(node.args) == _WITH_DEFAULT.get(name) and not _is_empty(node.args[-1]):
        yield ast.Call(func=node.func, args=node.args[:-1], keywords=node.keywords)
    if name == "suppress" and node.args:
        for dropped in node.args:
            rest = [each for each in node.args if each is not dropped]
            yield ast.Call(func=node.func, args=rest, keywords=node.keywords)
    for keyword in node.keywords:
        if keyword.arg in (None, *_ALWAYS_ASKED, *SAID):
            continue
        if not required(name, keyword.arg):
            rest_ = [each for each in node.keywords if each is not keyword]
            yield ast.Call(func=node.func, args=node.args, keywords=rest_)


def called_name(node: ast.Call) -> str:
    """Return the last word of what is called."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _other_number(value: float) -> float:
    return 1 if value == 0 else value * 2


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )


def _is_empty(node: ast.expr) -> bool:
    """Return whether a default stands for nothing: what AWS leaves out where it has nothing."""
    return not ast.unparse(node).strip("[](){}'\"0.") or ast.unparse(node) == "None"

"""No check that is made of each of several things passes because there are none.

A loop of checks, or an ``assert all(…)``, goes over what is written out, over a CONSTANT, over
``some(…)``, which fails where there is nothing, or over what another check of the test speaks of.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

NEVER_EMPTY = {"across", "count", "product", "range", "some"}
AS_LONG_AS_ITS_PARTS = {"dict", "enumerate", "list", "reversed", "set", "sorted", "tuple", "zip"}
AS_LONG_AS_ITS_OWNER = {"items", "keys", "splitlines", "values"}


def there_is_some(node: ast.expr, known: set[str]) -> bool:
    """Whether an iterable says by itself that it is not empty; these names are known not to be."""

    def so(one: ast.expr) -> bool:
        return there_is_some(one.value if isinstance(one, ast.Starred) else one, known)

    match node:
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            certain = any(so(part) if isinstance(part, ast.Starred) else True for part in parts)
        case ast.Dict(keys=keys, values=values):
            certain = any(key or so(of) for key, of in zip(keys, values, strict=True))
        case ast.Name(id=name):
            certain = name.isupper() or name in known
        case ast.Attribute(attr=name):
            certain = name.isupper()
        case ast.Subscript(value=whole, slice=ast.Constant() | ast.Name() | ast.Attribute()):
            certain = so(whole)
        case ast.BinOp(left=left, right=right):
            certain = so(left) or so(right)
        case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in AS_LONG_AS_ITS_OWNER:
            certain = so(owner)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=parts):
            wraps = name in AS_LONG_AS_ITS_PARTS and bool(parts)
            certain = name in NEVER_EMPTY or (wraps and all(map(so, parts)))
        case ast.ListComp(generators=each) | ast.DictComp(generators=each):
            certain = all(one.ifs == [] and so(one.iter) for one in each)
        case _:
            certain = isinstance(node, ast.Constant) and bool(node.value)
    return certain


def names(*nodes: ast.AST) -> set[str]:
    return {one.id for node in nodes for one in ast.walk(node) if isinstance(one, ast.Name)}


def is_check(node: ast.AST) -> bool:
    return isinstance(node, ast.Assert) or (
        isinstance(node, ast.With)
        and any("raises" in ast.unparse(item.context_expr) for item in node.items)
    )


def goes_over(node: ast.AST) -> Iterator[tuple[ast.AST, ast.expr]]:
    """Give each loop of checks below a node, and what it goes over."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.For) and any(map(is_check, ast.walk(inner))):
            yield inner, inner.iter
        elif isinstance(inner, ast.Assert):
            for call in ast.walk(inner.test):
                match call:
                    case ast.Call(
                        func=ast.Name(id="all"),
                        args=[ast.GeneratorExp(generators=[first, *_])],
                    ):
                        yield inner, first.iter


def given(test: ast.FunctionDef, told: set[str]) -> set[str]:
    """Return the names that a test sets to something that is not empty."""
    found: set[str] = set()
    for node in ast.walk(test):
        match node:
            case ast.Assign(targets=targets, value=value) if there_is_some(value, told | found):
                found |= names(*targets)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found |= {name} if there_is_some(value, told | found) else set()
    return found


def counted(loop: ast.AST) -> set[str]:
    """Return the names that a loop counts in."""
    return {
        node.target.id
        for node in ast.walk(loop)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    }


def passes_emptily(source: str) -> list[str]:
    """Name the tests that check each of what may be nothing, with what that is."""
    found = []
    for test in ast.walk(ast.parse(source)):
        if not isinstance(test, ast.FunctionDef) or not test.name.startswith("test_"):
            continue
        if any("given(" in ast.unparse(one) for one in test.decorator_list):
            continue  # Hypothesis makes some for itself
        checks = [node for node in ast.walk(test) if isinstance(node, ast.Assert)]
        for loop, over in goes_over(test):
            within = set(map(id, ast.walk(loop)))
            told = names(*(check for check in checks if id(check) not in within))
            known = there_is_some(over, given(test, told))
            if not known and not (names(over) | counted(loop)) & told:
                found.append(f"{test.name}: {ast.unparse(over)}")
    return found


def test_no_test_checks_each_of_nothing() -> None:
    files = sorted(TESTS.rglob("test_*.py"))
    assert len(files) > 200
    found = {
        str(path.relative_to(TESTS)): tests
        for path in files
        if (tests := passes_emptily(path.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "body",
    [
        "for one in found():\n  assert one",
        "for one in found():\n  for name in ('a', 'b'):\n    assert one == name",
        "for one in [*found()]:\n  with pytest.raises(ValueError):\n    one()",
        "for one in sorted(rules[1:]):\n  assert one\nassert other",
        "for key, value in found().items():\n  assert key",
        "assert all(one for one in found)",
        "given = found()\nfor one in given:\n  assert one",
        "for one in found:\n  assert one in found",
    ],
)
def test_what_checks_each_of_nothing_is_found(body: str) -> None:
    indented = body.replace("\n", "\n  ")
    assert len(passes_emptily(f"def test_it(found, rules):\n  {indented}")) == 1


@pytest.mark.parametrize(
    "body",
    [
        "for one in some(found()):\n  assert one",
        "for one in ('a', 'b'):\n  assert one",
        "for one in ALL:\n  assert one",
        "given = ['a', *found()]\nfor one in {each: 1 for each in given}:\n  assert one",
        "for each in range(3):\n  assert each",
        "assert len(found) == 3\nfor one in found:\n  assert one",
        "for one in found:\n  assert one\nassert found",
        "for one in found:\n  one.end()",
        "count = 0\nfor one in found:\n  assert one\n  count += 1\nassert count > 200",
        "assert found and all(one for one in some(found))",
    ],
)
def test_what_checks_each_of_something_is_not(body: str) -> None:
    indented = body.replace("\n", "\n  ")
    assert passes_emptily(f"def test_it(found):\n  {indented}") == []

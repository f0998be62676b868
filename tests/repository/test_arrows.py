"""Imports point one way: app, stacks, starburst_constructs; and starburst imports none of them."""

from __future__ import annotations

import doctest
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repository.imports import ROOT, imports
from tests.some import some

RUNTIME = ROOT / "worker/src/starburst"
PURE = (
    *("contract", "errors", "pricing", "untrusted"),
    *("_protocol.manifest", "_protocol.requeue", "_protocol.status"),
)
"""What stacks, controller, worker and client share."""


def within(module: str, rooms: set[str]) -> bool:
    """Whether a module of the runtime is one of the rooms, or stands or is defined in one."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def files_of(room: str) -> list[Path]:
    path = RUNTIME / room.replace(".", "/")
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def imported_by(room: str) -> list[tuple[Path, str]]:
    return [(path, imported) for path in files_of(room) for imported in imports(path)]


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def python_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize(
    ("folder", "never"),
    [
        ("worker/src", {"app", "aws_cdk", "constructs", "environments", "jsii", "stacks"}),
        ("worker/src", {"starburst_constructs", "cdk_nag", "tests"}),
        ("constructs", {"app", "environments", "stacks", "tests"}),
        ("constructs/starburst_constructs", {"starburst_assurance"}),
        ("stacks", {"environments", "tests"}),
    ],
)
def test_imports_point_one_way(folder: str, never: set[str]) -> None:
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in some(python_files(folder))
        if (found := tops(path) & never)
    }
    assert not wrong


def test_constructs_need_only_what_every_installation_of_the_kit_has() -> None:
    """What judges need is an extra: see starburst_assurance/dependencies.py."""
    theirs = {"aws_cdk", "constructs", "jsii", "starburst", "starburst_constructs"}
    for path in some(python_files("constructs/starburst_constructs")):
        other = tops(path) - theirs - {*sys.stdlib_module_names}
        # A relative import stays within its room.
        assert not other - {""}, f"{path.name}: {other}"


@pytest.mark.parametrize("name", PURE)
def test_a_shared_module_is_pure(name: str) -> None:
    for path, imported in some(imported_by(name)):
        top, _, rest = imported.partition(".")
        pure = within(rest, {*PURE}) if top == "starburst" else top in sys.stdlib_module_names
        assert pure, f"{path.name}: {imported}"


def test_the_controller_needs_only_what_lambda_has() -> None:
    theirs, ours = {"boto3", "botocore", *sys.stdlib_module_names}, {*PURE, "aws", "controller"}
    for path, imported in (*some(imported_by("controller")), *some(imported_by("aws"))):
        top, _, rest = imported.partition(".")
        fits = within(rest, ours) if top == "starburst" else top in theirs
        assert fits, f"{path.name}: {imported}"


def _with_examples() -> Iterator[str]:
    for source in ("worker/src", "constructs", "."):
        for folder in ("starburst", "starburst_constructs", "starburst_assurance", "stacks"):
            for path in sorted((ROOT / source / folder).rglob("*.py")):
                if ">>> " in path.read_text():
                    parts = path.relative_to(ROOT / source).with_suffix("").parts
                    yield ".".join(part for part in parts if part != "__init__")


@pytest.mark.parametrize("module", list(_with_examples()))
def test_examples_in_docstrings_are_true(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert not result.failed

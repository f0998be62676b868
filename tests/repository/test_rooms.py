"""Rooms stay small enough to look over, and arrows between them form no circle."""

from __future__ import annotations

import graphlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.repository.imports import ROOT, arrows, modules

MOST_MODULES = 15
MOST_LINES = 400
CATALOGUES = {
    "deploy": "one command a file",
    "constructs/starburst_assurance/rules": "one rule a file",
    "worker/src/starburst/local/emulation": "one patch a file",
}
"""Folders that may be longer: each file in them is one thing of a kind."""

PACKAGES = sorted({"", *(n for n, path in modules().items() if path.name == "__init__.py")})


def circle(found: Mapping[str, frozenset[str]]) -> list[str] | None:
    try:
        graphlib.TopologicalSorter(found).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return None


def crowded(paths: list[Path]) -> dict[str, int]:
    """Return the folders with too many modules side by side, catalogues aside."""
    side_by_side = Counter(path.parent.as_posix() for path in paths)
    return {
        folder: count
        for folder, count in side_by_side.items()
        if count > MOST_MODULES and folder not in CATALOGUES
    }


@pytest.mark.parametrize("package", PACKAGES, ids=lambda name: name or "the product")
def test_no_circle_between_neighbours(package: str) -> None:
    assert circle(arrows(package)) is None


def test_a_circle_would_be_seen() -> None:
    gate, templates = frozenset({"gate", "templates"}), frozenset({"templates"})
    tied = circle({"gate": frozenset({"packs"}), "packs": gate})
    assert {*(tied or ())} == {"gate", "packs"}
    assert circle({"gate": frozenset({"packs"}), "packs": templates, "rules": templates}) is None


def test_no_folder_is_crowded() -> None:
    assert not crowded([path.relative_to(ROOT) for path in modules().values()])
    assert crowded([Path(f"rooms/m{number}.py") for number in range(MOST_MODULES + 1)])


def test_every_catalogue_exists() -> None:
    assert all((ROOT / folder).is_dir() for folder in CATALOGUES)


def test_no_file_is_long() -> None:
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines())
        for path in modules().values()
    }
    assert not {name: count for name, count in lines.items() if count > MOST_LINES}


def test_every_file_says_its_reason_in_its_first_line() -> None:
    def says(path: Path) -> bool:
        first = path.read_text().partition("\n")[0]
        return first.startswith(('"""', 'r"""', "#!")) and len(first) > len('"""..."""')

    assert not [str(path.relative_to(ROOT)) for path in modules().values() if not says(path)]

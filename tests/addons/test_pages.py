"""Add-ons are told of where people look: the list in docs, and what ``local`` cannot do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy.tools.addons import addons_page, main, shipped
from deploy.tools.local import gaps
from environments import LOCAL
from tests.addons.conftest import HERE
from tests.addons.toy.addon import Toy

ROOT = Path(__file__).resolve().parents[2]


class Emulator:
    gaps = ("it has no Region but one",)


def test_the_list_is_what_would_be_written_now(tmp_path: Path) -> None:
    folder = ROOT / "docs"
    assert (folder / "addons.md").read_text() == addons_page(shipped(), folder=folder), (
        "run: python -m deploy.tools.addons"
    )
    assert main(tmp_path) == 0
    assert "| `hosts` |" in (tmp_path / "addons.md").read_text()


def test_a_new_one_is_listed_with_its_settings_and_its_page() -> None:
    page = addons_page([*shipped(), Toy])
    assert "| `toy` | A function leaves a note each hour. | `word`, `hours` |" in page
    assert "(../tests/addons/toy/how-to.md)" in page


def test_what_local_cannot_do_of_it_is_said() -> None:
    emulator: Any = Emulator()
    assert gaps(emulator, LOCAL) == Emulator.gaps
    told = gaps(emulator, replace(LOCAL, addons=(Toy(),)))
    assert told == (*Emulator.gaps, "toy: the toy's schedule runs when a test says so")


def test_what_local_cannot_do_of_each_that_is_deployed_there_is_said() -> None:
    emulator: Any = Emulator()
    own = [[f"{one.name}: {gap}" for gap in one.local_gaps()] for one in HERE.addons]
    assert all(own)
    assert gaps(emulator, HERE) == (*Emulator.gaps, *(gap for each in own for gap in each))

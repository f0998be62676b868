"""An add-on that is on shows in the evidence: by name, rule, waiver, wildcard and theorem."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.evidence.folder import write
from deploy.evidence.gather import gather
from environments import DEV
from tests.addons.toy.addon import Toy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evidence of DEV with the toy, by the quickest judges, and its own theorem alone."""
    small = replace(DEV, packs=("ControlTower",), addons=(Toy(),))
    found = gather(small, tmp_path_factory.mktemp("gathered"), run_tests=False, theorems=())
    into = tmp_path_factory.mktemp("evidence") / "dev"
    write(found, into)
    return into


def read(file: Path) -> Any:
    return json.loads(file.read_text())


def test_an_addon_is_named_among_the_facts(folder: Path) -> None:
    assert read(folder / "facts.json")["addons"] == ["toy"]


def test_its_own_theorem_is_among_those_proved(folder: Path) -> None:
    theorems = {each["name"]: each for each in read(folder / "reports" / "theorems.json")}
    assert theorems["only_the_toy_writes_notes"]["answer"] == "proved"


def test_its_waivers_and_wildcards_are_listed(folder: Path) -> None:
    assert "toy/Notes/Resource" in json.dumps(read(folder / "waivers.json"))
    assert "notes/*" in json.dumps(read(folder / "wildcards.json"))


def test_its_resources_are_judged(folder: Path) -> None:
    judged = json.dumps(read(folder / "reports" / "control-tower.json"))
    assert "toy/Writer/Function" in judged


def test_its_templates_are_kept(folder: Path) -> None:
    assert [file.name for file in (folder / "templates").iterdir() if "toy" in file.name]

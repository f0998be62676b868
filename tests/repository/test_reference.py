"""The reference has every public name, and says what the docstrings say now."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import stacks.settings
import starburst
import starburst.airflow
import starburst.joblib
import starburst.local
from deploy.tools.reference import public, reference_page
from tests.some import some

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page() -> str:
    return reference_page()


def test_the_page_is_what_would_be_written_now(page: str) -> None:
    assert (ROOT / "docs/reference.md").read_text() == page, "run: python -m deploy.tools.reference"


def test_every_public_name_is_there(page: str) -> None:
    names = public(page)
    assert set(names["starburst"]) == set(starburst.__all__)
    for module in (starburst.airflow, starburst.joblib, starburst.local):
        assert set(names[module.__name__]) == set(module.__all__)
    assert set(names["stacks.settings"]) == {*stacks.settings.__all__, "Limits", "Totals"}


def test_every_call_of_a_public_module_is_there(page: str) -> None:
    for module in (starburst.data, starburst.home):
        for name in some(module.__all__):
            assert f"\n#### `{module.__name__.rpartition('.')[2]}.{name}`\n" in page


def test_what_a_hidden_base_gives_a_class_is_there(page: str) -> None:
    methods = [name for name in dir(starburst.Session) if not name.startswith("_")]
    for name in some(methods):
        assert f"\n#### `Session.{name}`\n" in page


def test_every_public_name_says_what_it_is(page: str) -> None:
    silent = []
    for entry in some(page.split("\n### ")[1:]):
        name, *lines = entry.split("\n#### ")[0].splitlines()
        prose = "".join("\n".join(lines).split("```")[::2]).strip()
        if not prose and f"\n{name.strip('`')} = " not in entry:
            silent.append(name)
    assert silent == []


def test_no_markup_of_docstrings_is_left(page: str) -> None:
    prose = "\n".join(page.split("```")[::2])
    assert ":func:" not in prose
    assert "``" not in prose
    assert "# doctest" not in page


def test_a_docstring_that_changes_changes_the_page(tmp_path: Path, page: str) -> None:
    for package in ("worker/src/starburst", "stacks"):
        shutil.copytree(ROOT / package, tmp_path / package)
    [file] = [
        path
        for path in (tmp_path / "stacks/settings").glob("*.py")
        if "class Workspace:" in path.read_text()
    ]
    file.write_text(file.read_text().replace("budget_emails: tuple", "budget_mail: tuple"))
    changed = reference_page(tmp_path)
    assert changed != page
    assert changed.replace("budget_mail: tuple", "budget_emails: tuple") == page

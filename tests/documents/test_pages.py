"""All Python of the READMEs, of docs/ and of the changelog runs; its commands are understood."""

from __future__ import annotations

from pathlib import Path

import pytest

import stacks.settings
from starburst.cli.command import _parser
from starburst.contract import Limits, Totals
from tests.documents.blocks import blocks_of, commands_of
from tests.documents.running import run_page
from tests.some import some
from tests.tracked import files_of

ROOT = Path(__file__).parents[2]
GENERATED = {
    "docs/reference.md": "signatures and docstrings, whose examples have tests of their own"
}
ELSEWHERE = {"docs/tutorial.md": "tests/e2e/test_notebook.py runs its notebook, to the same words"}
FRONT = ("README.md", "CHANGELOG.md", "worker/README.md")
SETTINGS = {
    **{name: getattr(stacks.settings, name) for name in stacks.settings.__all__},
    "Limits": Limits,
    "Totals": Totals,
}
"""What environments.py imports: there on pages that name it, whose fragments belong into it."""


def pages() -> dict[str, str]:
    """Return the text of each page by its path."""
    return {
        path: (ROOT / path).read_text()
        for path in sorted(files_of(ROOT))
        if path.endswith(".md")
        and (path in FRONT or path.startswith("docs/"))
        and path not in GENERATED
    }


PAGES = pages()
WITH_CODE = [
    path
    for path, text in PAGES.items()
    if path not in ELSEWHERE and any(b.kind == "run" for b in blocks_of(text))
]
WITH_COMMANDS = [path for path, text in PAGES.items() if commands_of(text)]


@pytest.mark.parametrize("path", some(WITH_CODE))
def test_the_python_of_a_page_runs(path: str, place: Path) -> None:
    names = SETTINGS if "environments.py" in PAGES[path] else {}
    run_page(PAGES[path], path, place, names)


@pytest.mark.parametrize("path", some(WITH_COMMANDS))
def test_the_commands_of_a_page_are_understood(path: str) -> None:
    for words in some(commands_of(PAGES[path])):
        assert _parser().parse_args(words).run, words


def test_all_pages_are_read() -> None:
    assert {"README.md", "docs/how-to/choose-capacity.md"} <= set(WITH_CODE)
    assert {*GENERATED, *ELSEWHERE} <= set(files_of(ROOT))

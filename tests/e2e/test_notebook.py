"""Notebooks on the local environment, as Jupyter runs them: the tutorial, bars, rich displays."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from deploy.tools.tutorial import notebook_text
from starburst.local import LocalEnvironment
from tests.some import some

_ROOT = Path(__file__).parents[2]
_TUTORIAL = _ROOT / "docs/tutorial.ipynb"
_CELLS = (
    """
    import time, warnings
    import starburst
    warnings.simplefilter("ignore")
    def square(x):
        time.sleep(0.1)
        return x * x
    session = starburst.session(workers=1, cpu=0.25, memory=0.5)
    """,
    "futures = session.map(square, range(30))\nsum(session.collect())",
    "session",
    "session.status()",
    "futures",
    "futures[3]",
    """
    def broken(x):
        raise starburst.TaskError("<b>no</b>")
    failed = session.submit(broken, 1)
    failed.exception()
    """,
    "str(session.report('burst.html'))",
    "session.cleanup(force=True)",
    "starburst.estimate(workers=2, hours=1, region='us-east-1')",
)


def dedented(cell: str) -> str:
    lines = [line.removeprefix("    ") for line in cell.strip("\n").splitlines()]
    return "\n".join(lines).strip()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_bar_is_one_output_and_what_is_shown_is_rich(
    local_environment: LocalEnvironment, tmp_path: Path
) -> None:
    notebook: Any = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(dedented(cell)) for cell in _CELLS]
    run(notebook, tmp_path)
    outputs = [[dict(each) for each in cell.outputs] for cell in notebook.cells]
    collected = outputs[1]
    assert [each["output_type"] for each in collected] == ["display_data", "execute_result"]
    assert "30 of 30 tasks done" in collected[0]["data"]["text/html"]
    assert "30 of 30 tasks done" in collected[0]["data"]["text/plain"]
    assert collected[1]["data"]["text/plain"] == str(sum(x * x for x in range(30)))
    results = [
        [each for each in cell if each["output_type"] == "execute_result"] for cell in outputs
    ]
    shown = [found["data"].get("text/html", "") for [found] in results[2:]]
    words = ("30 of 30 tasks done", "30 of 30 tasks done", "30 futures", "Task 3", "TaskError")
    for text, said in zip(shown, words, strict=False):
        assert said in text
    assert "&lt;b&gt;no&lt;/b&gt;" in shown[4]
    assert "ended" in shown[6]
    assert "$0.12" in shown[7]
    assert "30 of 31 tasks" in (tmp_path / "burst.html").read_text(encoding="utf-8")


def run(notebook: Any, folder: Path) -> None:
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()


def printed(cell: Any) -> str:
    return "".join(each.text for each in cell.outputs if each.get("name") == "stdout")


def is_as_told(text: str, told: str) -> bool:
    """Say whether text is what the tutorial shows, where … stands for anything."""
    parts = (re.escape(part) for part in re.split("…", told.strip()))
    return re.fullmatch(".*?".join(parts), text.strip(), re.DOTALL) is not None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_tutorial_prints_what_it_shows(
    local_environment: LocalEnvironment, tmp_path: Path
) -> None:
    notebook: Any = nbformat.read(_TUTORIAL, as_version=4)
    nbformat.validate(notebook)
    told = [printed(cell) for cell in notebook.cells if cell.cell_type == "code"]
    run(notebook, tmp_path)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, text in zip(some(cells), some(told), strict=True):
        assert is_as_told(printed(cell), text), f"{printed(cell)}\nis shown as\n{text}"
    assert "42 tasks" in (tmp_path / "burst.html").read_text(encoding="utf-8")


def test_the_tutorials_notebook_is_made_of_its_page() -> None:
    assert _TUTORIAL.read_text(encoding="utf-8") == notebook_text(), "run: make docs"

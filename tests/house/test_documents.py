"""Documents point at things that exist, and their Python is Python that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/**/*.md", "worker/*.md", "constructs/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)]*)?\)")
CODE = re.compile(r"^ *```python\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document: Path) -> None:
    folder = (ROOT / document).parent
    targets = [found[1] for found in LINK.finditer((ROOT / document).read_text())]
    assert [target for target in targets if not (folder / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_python_in_documents_compiles(document: Path) -> None:
    for block in CODE.findall((ROOT / document).read_text()):
        compile(block, str(document), "exec")


def test_the_settings_in_the_how_to_are_accepted() -> None:
    text = (ROOT / "docs/how-to/describe-an-environment.md").read_text()
    names: dict[str, object] = {}
    for block in CODE.findall(text):
        exec(compile(block, "describe-an-environment.md", "exec"), names)  # noqa: S102 - our own
    assert {"PROD", "network"} <= set(names)


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text()
    for record in folder.glob("0*.md"):
        title = record.read_text().splitlines()[0].removeprefix("# ")
        number, _, words = title.partition(" ")
        assert record.name.startswith(number)
        assert f"| [{number}]({record.name}) | {words} |" in index

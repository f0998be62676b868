"""Documents point at things that exist, and their Python is Python that runs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

import stacks.settings
from starburst.contract import Limits

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/**/*.md", "worker/*.md", "constructs/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
CODE = re.compile(r"^ *```python\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document: Path) -> None:
    source = ROOT / document
    dead = [
        found[0]
        for found in LINK.finditer(source.read_text())
        if not leads_somewhere(source.parent / found[1] if found[1] else source, found[2])
    ]
    assert dead == []


def leads_somewhere(target: Path, heading: str | None) -> bool:
    if heading is None or not target.is_file():
        return heading is None and target.exists()
    return heading in headings(target)


@cache
def headings(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to a document's headings."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title) for title in titles]
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_python_in_documents_compiles(document: Path) -> None:
    for block in CODE.findall((ROOT / document).read_text()):
        compile(block, str(document), "exec")


@pytest.mark.parametrize(
    ("document", "defined"),
    [
        ("README.md", "PROD"),
        ("docs/how-to/describe-an-environment.md", "PROD network shared"),
        ("docs/how-to/choose-capacity.md", "capacity"),
        ("docs/how-to/close-endpoints-at-rest.md", "network"),
    ],
)
def test_the_settings_in_documents_are_accepted(document: str, defined: str) -> None:
    given = {name: getattr(stacks.settings, name) for name in stacks.settings.__all__}
    names: dict[str, object] = {**given, "Limits": Limits}
    for block in CODE.findall((ROOT / document).read_text()):
        if "starburst.map(" not in block:  # is for an environment that runs
            exec(compile(block, document, "exec"), names)  # noqa: S102 - our own
    assert set(defined.split()) <= set(names) - set(given)


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text()
    for record in folder.glob("0*.md"):
        title = record.read_text().splitlines()[0].removeprefix("# ")
        number, _, words = title.partition(" ")
        assert record.name.startswith(number)
        assert f"| [{number}]({record.name}) | {words} |" in index

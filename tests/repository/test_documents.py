"""Documents point at things that exist, and their Python is Python; tests/documents runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repository.markdown import Document, Tree, tree_of
from tests.some import some

ROOT = Path(__file__).parents[2]
TREE = tree_of(ROOT)
DOCUMENTS = {
    path: Document(tree=TREE, path=path) for path in sorted(TREE.files) if path.endswith(".md")
}
NOT_THERE = {
    "constructs/__init__.py": "nothing may stand there, and a decision says why",
    "processing.md": "deploy.compliance writes it",
    "pylock.toml": "an analyst may name one: PEP 751 says what it is",
    "tumours.py": "the reader of the tutorial writes it",
    "worker/requirements-own.lock": "the reader writes it",
}
"""Paths that documents name although they are not there."""

every_document = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)


def test_all_documents_are_read() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/README.md"} <= set(DOCUMENTS)
    assert {"worker/README.md", "benchmarks/README.md", "tests/nemesis/README.md"} <= set(DOCUMENTS)


@every_document
def test_links_lead_somewhere(document: Document) -> None:
    assert document.dead_links() == []


@every_document
def test_paths_exist(document: Document) -> None:
    assert set(document.missing_paths()) <= set(NOT_THERE)


def test_what_is_not_there_is_not_but_is_named() -> None:
    assert [path for path in NOT_THERE if TREE.holds(path)] == []
    named = {path for document in DOCUMENTS.values() for path in document.missing_paths()}
    assert set(NOT_THERE) <= named


@pytest.fixture
def small(tmp_path: Path) -> Tree:
    """A tree with one document in a folder, a few files, and a heading that stands twice."""
    files = {
        "README.md": "# Top\n",
        "docs/page.md": "# Say `it` (again)\n\n## [Twice](page.md)\n\n## Twice\n",
        "stacks/stage.py": "",
        ".ci/run": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return Tree(root=tmp_path, files=frozenset(files))


def page(tree: Tree, text: str) -> Document:
    (tree.root / "docs/page.md").write_text(
        (tree.root / "docs/page.md").read_text() + "\n" + text + "\n"
    )
    return Document(tree=tree, path="docs/page.md")


@pytest.mark.parametrize(
    "link",
    [
        "[x](../README.md)",
        "[x](../README.md#top)",
        "[x](#say-it-again)",
        "[x](#twice)",
        "[x](page.md#twice-1)",
        "[x](../stacks/)",
        "![x](../stacks/stage.py)",
        "[x][it]\n\n[it]: ../README.md",
        "[x](https://example.com/nowhere.md)",
        "[x](mailto:team@example.com)",
        "`[x](nowhere.md)`",
    ],
)
def test_a_link_that_leads_somewhere_passes(small: Tree, link: str) -> None:
    assert page(small, link).dead_links() == []


@pytest.mark.parametrize(
    ("link", "dead"),
    [
        ("[x](nowhere.md)", "nowhere.md"),
        ("[x](README.md)", "README.md"),
        ("[x](../README.md#bottom)", "../README.md#bottom"),
        ("[x](#twice-2)", "#twice-2"),
        ("[x](#Twice)", "#Twice"),
        ("[x](../stacks/stage.py#top)", "../stacks/stage.py#top"),
        ("[x](../../other)", "../../other"),
        ("![x](flow.svg)", "flow.svg"),
        ("| a |\n|---|\n| [x](nowhere.md) |", "nowhere.md"),
        ("[x][it]\n\n[it]: nowhere.md", "nowhere.md"),
    ],
)
def test_a_dead_link_is_found(small: Tree, link: str, dead: str) -> None:
    assert page(small, link).dead_links() == [dead]


@pytest.mark.parametrize(
    "text",
    [
        "`stacks/stage.py`",
        "`stacks/`",
        "`stacks/*.py`",
        "`.ci/run`",
        "`../stacks/stage.py`",
        "`stage.py`",
        "`results/<chunk>`",
        "`storage/DataPolicy`",
        "`waivers.json`",
        '```\nmake unit PYTEST="stacks/stage.py -x"\n```',
    ],
)
def test_a_path_that_exists_passes(small: Tree, text: str) -> None:
    assert page(small, text).missing_paths() == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`stacks/addons/`", "stacks/addons/"),
        ("`stacks/stages.py`", "stacks/stages.py"),
        ("`stacks/*.md`", "stacks/*.md"),
        ("`.ci/walk`", ".ci/walk"),
        ("`client/pacing.py`", "client/pacing.py"),
        ("`pacing.py`", "pacing.py"),
        ("`pip install ./stacks/kit`", "stacks/kit"),
        ("| a |\n|---|\n| `stacks/addons/` |", "stacks/addons/"),
        ('```\nmake unit PYTEST="stacks/addons -x"\n```', "stacks/addons"),
    ],
)
def test_a_path_that_does_not_exist_is_found(small: Tree, text: str, missing: str) -> None:
    assert page(small, text).missing_paths() == [missing]


def test_only_what_git_would_commit_exists() -> None:
    assert "Makefile" in TREE.files
    assert not TREE.holds(".venv")
    assert TREE.holds("docs/decisions")


@every_document
def test_python_in_documents_compiles(document: Document) -> None:
    for block in document.code("python"):
        compile(block, document.path, "exec")


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text()
    for record in some(folder.glob("0*.md")):
        title = record.read_text().splitlines()[0].removeprefix("# ")
        number, _, words = title.partition(" ")
        assert record.name.startswith(number)
        assert f"| [{number}]({record.name}) | {words} |" in index


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    pages = [path for path in DOCUMENTS if path.startswith("docs/")]
    for path in some(pages):
        if path != "docs/README.md" and not path.startswith("docs/decisions/0"):
            assert f"({path.removeprefix('docs/')})" in index

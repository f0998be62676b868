"""A commit is checked out beside the tree, runs its own code with its own lock, and goes again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.review import base as module
from deploy.review.base import ReviewError, checked_out, synthesize

APP = """
from pathlib import Path
import starburst_constructs

class Node:
    children = ()

class App:
    node = Node()
    def __init__(self, outdir):
        self.outdir = outdir
    def synth(self):
        Path(self.outdir).mkdir()
        (Path(self.outdir) / "by").write_text(starburst_constructs.SAYS)

def build(*, outdir, validate):
    assert validate is False
    return App(outdir)
"""


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(  # noqa: S603 - our own words
        ["git", *who, *arguments],  # noqa: S607
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose last commit describes an app, and whose working tree says otherwise."""
    root = tmp_path / "repository"
    package = root / "constructs" / "starburst_constructs"
    package.mkdir(parents=True)
    (root / "app.py").write_text(APP)
    (root / "uv.lock").write_text("one\n")
    (package / "__init__.py").write_text('SAYS = "committed"\n')
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "One")
    (package / "__init__.py").write_text('SAYS = "changed"\n')
    return root


def test_its_own_code_synthesizes_it(repository: Path, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    with checked_out("main", root=repository) as base:
        assert base.commit == git(repository, "rev-parse", "HEAD")
        assert base.python == Path(sys.executable), "both have the same lock"
        synthesize(base, tmp_path / "out", told=told)
    assert (tmp_path / "out" / "by").read_text() == "committed"
    assert "waivers" in json.loads(told.read_text())


def test_nothing_of_it_is_left(repository: Path) -> None:
    with checked_out("main", root=repository) as base:
        assert base.folder.is_relative_to(repository / "build")
        assert (base.folder / "app.py").is_file()
    assert not base.folder.exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_a_checkout_that_was_left_behind_is_made_anew(repository: Path) -> None:
    with checked_out("main", root=repository) as base:
        (base.folder / "app.py").write_text("broken")
        with checked_out("main", root=repository) as again:
            assert (again.folder / "app.py").read_text() == APP


@pytest.mark.parametrize("revision", ["nowhere", "--help", "main:app.py"])
def test_what_is_no_commit_is_refused(repository: Path, revision: str) -> None:
    with (
        pytest.raises(ReviewError, match="there is no commit"),
        checked_out(revision, root=repository),
    ):
        raise AssertionError
    assert not (repository / "build").exists()


def test_another_lock_gets_an_environment_of_its_own(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "uv.lock").write_text("two\n")
    ran: list[list[str]] = []
    run = module._run

    def watched(command: list[str], **how: object) -> str:
        ran.append(command)
        return "" if command[0].endswith("uv") else run(command, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_run", watched)
    with checked_out("main", root=repository) as base:
        assert base.python == base.folder / ".venv" / "bin" / "python"
    assert [one[1:] for one in ran if one[0].endswith("uv")] == [["sync", "--frozen", "--quiet"]]


def test_what_does_not_synthesize_says_why(repository: Path, tmp_path: Path) -> None:
    (repository / "app.py").write_text("raise SystemExit('no such zone')")
    git(repository, "commit", "--quiet", "-am", "Two")
    with (
        checked_out("main", root=repository) as base,
        pytest.raises(ReviewError, match=r"does not synthesize(.|\n)*no such zone"),
    ):
        synthesize(base, tmp_path / "out", told=tmp_path / "told.json")

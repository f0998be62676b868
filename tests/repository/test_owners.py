"""Whatever judges an environment has owners, so that nobody widens it unread."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from starburst_assurance.proofs.theorems import ALL
from tests.some import some

ROOT = Path(__file__).parents[2]
CODEOWNERS = ROOT / ".github" / "CODEOWNERS"
PLACEHOLDER = "@your-organization/security"
ASSURANCE = "constructs/starburst_assurance"
GUARDED = (
    ".github/",
    f"{ASSURANCE}/gate/",
    f"{ASSURANCE}/proofs/encoding/vocabulary.py",
    f"{ASSURANCE}/proofs/theorems/",
    f"{ASSURANCE}/proofs/",
    f"{ASSURANCE}/rules/",
    f"{ASSURANCE}/packs/",
    f"{ASSURANCE}/waivers.py",
    "app.py",
    "stacks/waivers.py",
    "uv.lock",
)
SAYS = ("def waivers(", "def theorems(", "def duties(", "@theorem", "Waiver(")
"""What a file of the product has that speaks for itself before a judge."""


def rows() -> Iterator[tuple[str, list[str]]]:
    """Yield each pattern with its owners."""
    for line in CODEOWNERS.read_text().splitlines():
        if words := line.partition("#")[0].split():
            yield words[0], words[1:]


def owners(path: str) -> list[str]:
    """Return who owns a file: the last pattern that fits says it, as GitHub reads them."""
    found: list[str] = []
    for pattern, said in rows():
        place = pattern.removeprefix("/")
        if path == place or (place.endswith("/") and path.startswith(place)):
            found = said
    return found


@cache
def tracked() -> tuple[str, ...]:
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(done.stdout.splitlines())


def test_each_pattern_is_of_the_root_and_names_something_that_exists() -> None:
    for pattern, said in some(list(rows())):
        assert pattern.startswith("/"), pattern
        assert (ROOT / pattern.removeprefix("/")).is_dir() == pattern.endswith("/"), pattern
        assert (ROOT / pattern.removeprefix("/")).exists(), pattern
        assert said, f"{pattern} is nobody's"


@pytest.mark.parametrize("place", GUARDED)
def test_each_file_that_judges_has_owners(place: str) -> None:
    files = [path for path in tracked() if path == place or path.startswith(place)]
    assert [path for path in some(files) if not owners(path)] == []


def test_whatever_speaks_for_itself_before_a_judge_has_owners() -> None:
    rooms = ("app.py", "constructs/", "deploy/", "environments.py", "stacks/")
    found = [
        path
        for path in tracked()
        if path.startswith(rooms)
        and path.endswith(".py")
        and any(word in (ROOT / path).read_text() for word in SAYS)
        # What an add-on is, and whom stage and tools ask.
        and path != "stacks/settings/addon.py"
    ]
    assert [path for path in some(found) if not owners(path)] == []
    assert {f"constructs/{one.claims.__module__.replace('.', '/')}.py" for one in ALL} <= {*found}


def test_what_everybody_changes_has_none() -> None:
    assert owners("docs/README.md") == owners("environments.py") == []


def test_the_placeholder_is_told_to_whoever_adopts_it() -> None:
    assert {name for _, said in rows() for name in said} == {PLACEHOLDER}
    assert "is a placeholder" in CODEOWNERS.read_text()
    page = (ROOT / "docs/how-to/check-every-change.md").read_text()
    assert PLACEHOLDER in page
    assert "Require review from Code Owners" in page

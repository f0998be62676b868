"""A file directly in constructs/ stops pytest before anything else can fail for its sake."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project with a constructs/ folder of its own, and one test."""
    for name in ("app.py", "cdk.json", "environments.py", "pyproject.toml", "stacks", "deploy"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "constructs").mkdir()
    (tmp_path / "constructs/starburst_constructs").symlink_to(
        ROOT / "constructs/starburst_constructs"
    )
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests/conftest.py", tmp_path / "tests")
    (tmp_path / "tests/test_nothing.py").write_text("def test_nothing() -> None: ...\n")
    return tmp_path


def collect(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_project_as_it_is_collects(copy: Path) -> None:
    result = collect(copy)
    assert result.returncode == pytest.ExitCode.OK, result.stdout + result.stderr


@pytest.mark.parametrize("name", ["__init__.py", "secure_bucket.py"])
def test_a_python_file_in_the_source_root_is_a_usage_error(copy: Path, name: str) -> None:
    (copy / "constructs" / name).touch()
    result = collect(copy)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR, result.stdout + result.stderr
    assert "constructs/" in result.stderr
    assert "source root" in result.stderr

"""Private copies of the tree: a mutant is written to disk, so that child processes see it too."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

__all__ = ["ROOT", "copy_tree", "files_of"]

ROOT = Path(__file__).resolve().parents[3]


def files_of(root: Path) -> list[str]:
    """Return the files that git would commit.

    Args:
        root: of the repository.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (root / name).is_file()]


def copy_tree(root: Path, to: Path) -> None:
    """Copy what git would commit.

    Args:
        root: of the repository.
        to: a folder that is made.
    """
    for name in files_of(root):
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target)

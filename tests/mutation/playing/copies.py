"""Private copies of the tree: a mutant is written to disk, so that child processes see it too."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.tracked import files_of

__all__ = ["ROOT", "copy_tree"]

ROOT = Path(__file__).resolve().parents[3]


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

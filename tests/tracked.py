"""What git would commit of a working copy, so nothing that only this machine has."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["files_of"]


def files_of(root: Path) -> list[str]:
    """Return the names of the files that git would commit.

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

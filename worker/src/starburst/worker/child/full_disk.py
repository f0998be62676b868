"""A disk that tasks have filled: known by what it raises, and cleared for the next ones."""

from __future__ import annotations

import errno
import shutil
import tempfile
from pathlib import Path
from typing import Final

__all__ = ["clear_scratch", "is_disk_full"]

_DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def is_disk_full(error: BaseException) -> bool:
    """Whether the disk was full when this was raised, even where it only led to it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _DISK_FULL:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def clear_scratch() -> None:
    """Remove what tasks left in this process' own temporary directory: the next ones need it."""
    scratch = Path(tempfile.gettempdir())
    if not scratch.name.startswith("starburst-tasks-"):
        return  # not ours alone
    for path in scratch.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

"""The child's import path: what the session's client has sent is found before the image's own."""

from __future__ import annotations

import importlib
import os
import site
import sys
from pathlib import Path

from starburst.worker.packages.unpacking import BINARIES

__all__ = ["import_first"]


def import_first(folder: str) -> None:
    """Have modules imported from a folder first, and commands found there.

    Programs that a task starts find the same: what it starts with this Python, too. What this
    process has imported already, Starburst and what it needs, stays the image's.
    """
    sys.path.insert(0, folder)
    site.addsitedir(folder)  # for its .pth files, as where an installer put them
    # The image leaves bytecode to its build. Each process that starts would compile these anew.
    sys.dont_write_bytecode = False
    importlib.invalidate_caches()
    for variable, entry in (("PYTHONPATH", folder), ("PATH", str(Path(folder, BINARIES)))):
        others = os.environ.get(variable)
        os.environ[variable] = os.pathsep.join(filter(None, (entry, others)))

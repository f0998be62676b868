"""What a worker of the image is asked: it travels there, so it imports what the image has."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import distributions
from pathlib import Path

import numpy as np

__all__ = ["look"]


def look(number: int) -> tuple[float, dict[str, str]]:
    """Return a square root, and what the worker sees of where it is.

    Args:
        number: whose root.
    """
    try:
        Path("/written").write_text("x")
        root = "writable"
    except OSError as error:
        root = str(error.strerror)
    with Path("/etc/debian_version").open() as file:
        debian = file.read().strip()
    return float(np.sqrt(np.float64(number))), {
        "user": f"{os.getuid()}:{os.getgid()}",
        "python": f"{sys.executable} {platform.python_version()}",
        "root": root,
        "system": f"Debian {debian}",
        "packages": str(sum(1 for _ in distributions())),
    }

"""What the extra ``packages`` brings, and what to say where it is not installed."""

from __future__ import annotations

import importlib.util
import os
import shutil

from starburst.errors import PackagesRefused

__all__ = ["check_installed", "find_uv"]

_INSTALL = "pip install 'starburst[packages]'"


def check_installed() -> None:
    """Refuse where nothing here could resolve packages.

    Raises:
        PackagesRefused: the extra is not installed; it says how it is.
    """
    if importlib.util.find_spec("packaging") is None:
        raise PackagesRefused(_sentence("packaging"))
    find_uv()


def find_uv() -> str:
    """Return where uv is: that of the extra, else the one on the path.

    Raises:
        PackagesRefused: there is none.
    """
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - an optional extra

        found: str | None = os.fspath(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise PackagesRefused(_sentence("uv"))
    return found


def _sentence(name: str) -> str:
    return (
        f"packages cannot be prepared for workers: {name} is not installed here. Run "
        f"`{_INSTALL}`, or pass packages=() to send none"
    )

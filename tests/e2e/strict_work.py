"""Tasks for strict workers: a module without what only tests import, for no image has that."""

from __future__ import annotations

import importlib.metadata
import sys

__all__ = ["counted", "grows", "sees"]


def counted(path: str) -> tuple[str, str, int]:
    """Read data with a package of the image, and use one that travelled."""
    import pandas as pd  # noqa: PLC0415 - at home it would be at the top; here the test is quicker
    import starburst_gift as gift  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    return gift.VERSION, str(gift.__file__), sum(pd.read_parquet(path)["n"])


def sees(_: int) -> tuple[str, list[str]]:
    """Say which Python this is, and what it has."""
    return sys.executable, [each.metadata["Name"] for each in importlib.metadata.distributions()]


def grows(mib: int) -> int:
    """Use so much memory."""
    held = bytearray(mib << 20)
    held[::4096] = bytes(len(held[::4096]))
    return len(held)

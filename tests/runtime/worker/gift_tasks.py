"""Tasks that use what travelled with their session."""

from __future__ import annotations

import colorsys
import importlib.metadata
import subprocess
import sys

__all__ = ["looks", "where", "word"]


def word(_: int) -> int:
    """Import it."""
    import starburst_test_gift as gift  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    return int(gift.WORD)


def looks(_: int) -> tuple[int, str, str, str]:
    """Use it in this process, and in others."""
    words = [sys.executable, "-c", "import starburst_test_gift as g; print(g.WORD)"]
    other = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    command = subprocess.run(["gift"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607
    return word(0), importlib.metadata.version("starburst_test_gift"), other, command


def where(_: int) -> str:
    """Say which module is found by the name of one that is here."""
    return str(vars(colorsys).get("WHERE"))

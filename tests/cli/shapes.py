"""The keys of each command's JSON, as the how-to promises them."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

__all__ = ["promised"]

PAGE: Final = Path(__file__).parents[2] / "docs/how-to/use-the-command-line.md"
KEYS: Final = r"`\w+`(?: `\w+`)*"
ROW: Final = re.compile(rf"^\| (`.*?|… `.*?)\s*\| ({KEYS}) \|$", re.MULTILINE)


@functools.cache
def promised() -> dict[str, set[str]]:
    """Return the keys by command, as the page's last table names them."""
    found: dict[str, set[str]] = {}
    _, _, json = PAGE.read_text().partition("## JSON")
    for commands, keys in ROW.findall(json):
        for command in re.findall(r"`([^`]+)`", commands):
            found[command] = set(re.findall(r"`([^`]+)`", keys))
    return found

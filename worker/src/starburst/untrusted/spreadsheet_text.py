"""Text from outside as a cell of a table may hold it: no spreadsheet runs it as a formula."""

from __future__ import annotations

import datetime as dt
import numbers
import re
from typing import Final

__all__ = ["plain_cell"]

_BEGINS: Final = re.compile(r"[\t\r\n\0]|[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""How a formula begins, also in full width, and what some programs take away before it.

Source: https://owasp.org/www-community/attacks/CSV_Injection.
"""

_HARMLESS: Final = re.compile(r" *([+-]|[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?) *")
"""A number, or a sign alone; blanks may stand around it."""
_PLAIN: Final = "'"
"""Spreadsheets take what follows it as text."""


def plain_cell(cell: object) -> object:
    """Return a cell, or the text in its place that no spreadsheet runs.

    Example:
        >>> plain_cell("=1+1"), plain_cell(-2), plain_cell("-2")
        ("'=1+1", -2, '-2')
    """
    if cell is None or isinstance(cell, numbers.Number | dt.timedelta):
        return cell
    text = str(cell)
    if _BEGINS.match(text) is None or _HARMLESS.fullmatch(text) is not None:
        return cell
    return f"{_PLAIN}{text}"

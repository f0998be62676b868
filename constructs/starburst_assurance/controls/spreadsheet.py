"""Rows as CSV that a spreadsheet shows and never runs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["csv_text"]

_FORMULA: Final = re.compile(r"[\t\r\n\0]|[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""How a formula begins, also in full width, and what some programs take away before it.

https://owasp.org/www-community/attacks/CSV_Injection
"""


def csv_text(head: Sequence[str], rows: Iterable[Sequence[str | int]]) -> str:
    """Return a table as CSV with a head; text that a spreadsheet would run gets a quote before it.

    Example:
        >>> print(csv_text(["name"], [["=1+1"]]), end="")
        name
        '=1+1
    """
    shown = [[_shown(cell) for cell in row] for row in rows]
    # Python's writer quotes no \r of its own accord, and what follows one begins a row.
    returns = any("\r" in cell for row in shown for cell in row)
    text = io.StringIO()
    writer = csv.writer(
        text, lineterminator="\n", quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL
    )
    writer.writerow(head)
    writer.writerows(shown)
    return text.getvalue()


def _shown(cell: str | int) -> str:
    text = str(cell)
    return f"'{text}" if _FORMULA.match(text) else text

"""Rows as CSV that a spreadsheet shows and never runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["csv_text"]

_RUN: Final = ("=", "+", "-", "@", "\t", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell begins with that spreadsheets take as a formula, once its line breaks are newlines.

The last four are the same in full width.

https://owasp.org/www-community/attacks/CSV_Injection
"""


def csv_text(head: Sequence[str], rows: Iterable[Sequence[str | int]]) -> str:
    """Return a table as CSV with a head; text that a spreadsheet would run gets a quote before it.

    Example:
        >>> print(csv_text(["name"], [["=1+1"]]), end="")
        name
        '=1+1
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_shown(cell) for cell in row] for row in rows)
    return text.getvalue()


def _shown(cell: str | int) -> str:
    # A carriage return alone would end the row for some readers, and begins a formula for others.
    text = str(cell).replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(_RUN) or text.strip().startswith(_RUN) else text

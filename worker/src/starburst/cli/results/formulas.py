"""A table as CSV, in which no text is a formula that a spreadsheet would run."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from starburst.untrusted.spreadsheet_text import plain_cell

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["write_csv"]


def write_csv(table: pd.DataFrame, path: Path) -> int:
    """Write a table whose cells and names are no formulas; return how many of them were.

    Numbers stay numbers, negative ones too, and so does a text that is one; a sign alone, such as
    of a strand, stays too. A text that would be taken for a formula gets an apostrophe before it.

    Args:
        table: the rows; it stays as it is.
        path: of the file.
    """
    safe, count, returns = table.copy(deep=False), 0, False
    for place, kind in enumerate(table.dtypes):
        if kind.kind in "biufcmM":  # numbers and times, which pandas writes itself
            continue
        cells = [*table.iloc[:, place].astype(object)]
        plain = [*map(plain_cell, cells)]
        returns = returns or any(isinstance(cell, str) and "\r" in cell for cell in cells)
        found = sum(one is not other for one, other in zip(cells, plain, strict=True))
        if found:
            count += found
            safe.isetitem(place, plain)
    names = [*table.columns]
    plain = [*map(plain_cell, names)]
    returns = returns or any("\r" in str(name) for name in names)
    found = sum(one is not other for one, other in zip(names, plain, strict=True))
    if found:
        count += found
        safe.columns = plain
    # Python's writer quotes no \r of its own accord, and what follows one begins a row.
    quoting = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
    safe.to_csv(path, index=False, quoting=quoting)
    return count

"""Write the hours that changed as Parquet: one file an hour, replaced whole when it changes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from ledger import Ledger, Mark
from parquet import ParquetFile

__all__ = ["COLUMNS", "GROUP_ROWS", "export", "key_of"]

COLUMNS: Final[Mapping[str, Mapping[str, str]]] = json.loads(
    Path(__file__).with_name("columns.json").read_text("utf-8")
)
"""Of each table, its columns and their types, in the words of Glue."""

GROUP_ROWS: Final = 5_000
"""Rows that are held at once, however many an hour has."""

_MARGIN_DAYS: Final = 2
"""DynamoDB deletes a row within days of its end: an hour that old is not whole for certain."""

Row = dict[str, Any]


def export(
    ledger: Ledger,
    put: Callable[..., Any],
    *,
    bucket: str,
    days: int,
    now: datetime,
    going: Callable[[], bool],
) -> int:
    """Write each hour that is marked, and take its mark away; return how many.

    What there is no time for stays marked, for the next hour.

    Args:
        ledger: of rows and marks.
        put: ``put_object`` of S3.
        bucket: for the files.
        days: that a row is kept in the ledger.
        now: the time.
        going: whether there is time for another.
    """
    written = 0
    for mark in [*ledger.marks()]:
        if not going():
            print(json.dumps({"event": "jobs-hours-left", "hours": "more than there was time for"}))
            break
        with tempfile.TemporaryFile() as file:
            if _write(file, ledger.rows(mark.table, mark.hour), COLUMNS[mark.table]):
                file.seek(0)
                put(Bucket=bucket, Key=key_of(mark, days=days, now=now), Body=file)
        ledger.settle(mark)
        written += 1
    return written


def key_of(mark: Mark, *, days: int, now: datetime) -> str:
    """Return where an hour's file is.

    An hour whose first rows may have left the ledger is added to, not replaced: its file is named
    after the mark, and who reads counts each row once.
    """
    day, _, hour = mark.hour.partition("T")
    begins = datetime.fromisoformat(f"{mark.hour}:00:00").replace(tzinfo=UTC)
    whole = now - begins < timedelta(days=days - _MARGIN_DAYS)
    name = "rows" if whole else f"late-{mark.stamp}"
    return f"{mark.table}/day={day}/hour={hour}/{name}.parquet"


def _write(file: Any, rows: Iterator[Row], columns: Mapping[str, str]) -> bool:  # noqa: ANN401 - a temporary file's type is private
    """Write rows; return whether there was one."""
    made, any_row = ParquetFile(file, columns), False
    while group := _some(rows):
        any_row = True
        made.write(group)
        group.clear()  # or two would be held while the next one is gathered
    made.close()
    return any_row


def _some(rows: Iterator[Row]) -> list[Row]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == GROUP_ROWS:
            break
    return group

"""The record of a review: one JSON object, and the same as a table that a spreadsheet may open."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

__all__ = ["COLUMNS", "SCHEMA", "as_csv", "as_json", "key", "quarter", "summary"]

SCHEMA: Final = 1
"""Of the JSON object; another number where a reader of this one would misread it."""

COLUMNS: Final = ("quarter", "at", "about", "subject", "purpose", "verdict", "why", "actions")

_FORMULA: Final = re.compile(r"[\t\r\n\0]|[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""How a formula begins in a spreadsheet, also in full width, and what one may hide behind."""


def quarter(at: datetime) -> str:
    """Return the quarter of a moment.

    Example:
        >>> quarter(datetime(2026, 11, 30))
        '2026-Q4'
    """
    return f"{at.year}-Q{(at.month + 2) // 3}"


def key(said: str, *, number: int, name: str) -> str:
    """Return where a file of a review lies.

    Example:
        >>> key("2026-Q4", number=1, name="review.json")
        'reviews/2026-Q4/1/review.json'
    """
    return f"reviews/{said}/{number}/{name}"


def as_json(review: Mapping[str, Any]) -> bytes:
    """Return the record as it is stored."""
    return json.dumps(review, indent=1, sort_keys=True, ensure_ascii=False).encode()


def as_csv(review: Mapping[str, Any]) -> bytes:
    """Return the record as a table: a row for each role, each finding, and what was not read.

    In UTF-8 that spreadsheets know by its start, or they would garble names.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in _rows(review):
        writer.writerow([_plain(str(each)) for each in (review["quarter"], review["at"], *row)])
    return out.getvalue().encode("utf-8-sig")


def summary(review: Mapping[str, Any], *, bucket: str, folder: str) -> str:
    """Return the line of the log that rings: what was found, in numbers, and where it lies."""
    counted: dict[str, int] = {}
    for role in review["roles"]:
        counted[role["verdict"]] = counted.get(role["verdict"], 0) + 1
    told = {
        "event": "access review",
        "environment": review["environment"],
        "quarter": review["quarter"],
        "record": f"s3://{bucket}/{folder}",
        "roles": counted,
        "findings": len(review["findings"]),
        "services not known": len(review["untold"]),
        "not read": review["unread"],
    }
    return json.dumps(told, sort_keys=True)


def _rows(review: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for role in review["roles"]:
        dropped = [one for policy in role["policies"] for one in policy["dropped"]]
        yield (
            "role",
            role["arn"],
            role["purpose"] or "",
            role["verdict"],
            role["why"],
            " ".join(dropped),
        )
    for one in review["findings"]:
        why = one["error"] or one["updated"]
        yield "finding", one["resource"], one["analyzer"], one["kind"], why, ""
    for service, why in review["untold"].items():
        yield "service", service, "", "not known", why, ""
    for sentence in review["unread"]:
        yield "review", "", "", "not read", sentence, ""


def _plain(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{text}" if _FORMULA.match(text) else text

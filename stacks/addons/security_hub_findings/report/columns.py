"""One finding as one row of text: what is missing is empty, and nothing in it is a formula.

A finding is as ASFF has it:
https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from typing import IO, Any, Final

__all__ = ["COLUMNS", "MOST_CHARACTERS", "Writer", "guarded", "row"]

COLUMNS: Final = (
    *("Id", "ProductArn", "ProductName", "CompanyName", "GeneratorId", "SecurityControlId"),
    *("CreatedAt", "UpdatedAt", "Confidence", "RemediationText", "RemediationUrl", "SourceUrl"),
    *("ComplianceStatus", "WorkflowStatus", "RecordState", "ProcessedAt", "Title"),
    *("Description", "Severity", "Region", "AccountId", "ResourceType", "ResourceId"),
    "ResourceTags",
)
"""The header, in the order of AWS's published report, so that what reads that one reads this."""

_ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    "SecurityControlId": ("Compliance", "SecurityControlId"),
    "RemediationText": ("Remediation", "Recommendation", "Text"),
    "RemediationUrl": ("Remediation", "Recommendation", "Url"),
    "ComplianceStatus": ("Compliance", "Status"),
    "WorkflowStatus": ("Workflow", "Status"),
    "Severity": ("Severity", "Label"),
    "AccountId": ("AwsAccountId",),
}
"""Where a finding has a column's value that it does not have under the column's own name."""

_RESOURCE: Final = {"ResourceType": "Type", "ResourceId": "Id", "ResourceTags": "Tags"}
_NOTHING: Final = {"Tags": "{}", "Id": "?", "Type": "?"}
"""What stands for a resource that does not say what others of its finding do."""

_FORMULA: Final = re.compile(r"[\t\r\n\0]|[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""How a formula begins, also in full width, and what some programs take away before it."""


MOST_CHARACTERS: Final = 32_767
"""That a cell of a spreadsheet holds; Excel puts the rest into the cells below:
https://support.microsoft.com/en-us/office/excel-specifications-and-limits-1672b34d-7043-467e-8e27-269d656771c3
"""

_CUT: Final = "\n[cut here: a cell holds no more, and the finding in Security Hub has the rest]"


class Writer:
    """Writes findings as CSV: every value in quotes, in UTF-8 that spreadsheets know by its start.

    Args:
        file: to write bytes to; it stays open.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        self._rows = csv.writer(self._text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        self._rows.writerow(COLUMNS)

    def write(self, finding: Mapping[str, Any]) -> None:
        """Add one."""
        self._rows.writerow(row(finding))

    def end(self) -> None:
        """Write what is still held back, and let go of the file."""
        self._text.flush()
        self._text.detach()


def row(finding: Mapping[str, Any]) -> list[str]:
    """Return what a finding says in each column.

    A finding of several resources stays one row: their types, ids and tags stand one a line, in one
    order.
    """
    values = (_value(finding, column) for column in COLUMNS)
    return ["" if value is None else _fitting(guarded(_text(value))) for value in values]


def guarded(value: str) -> str:
    """Return a value that no spreadsheet takes for a formula: an apostrophe goes before one.

    Who may name a resource may choose how its id begins.
    Source: https://owasp.org/www-community/attacks/CSV_Injection

    Example:
        >>> guarded("=1+1"), guarded("arn:aws:s3:::a")
        ("'=1+1", 'arn:aws:s3:::a')
    """
    return f"'{value}" if _FORMULA.match(value) else value


def _fitting(value: str) -> str:
    """Return a value that fits into a cell, and says where it is cut."""
    if len(value) <= MOST_CHARACTERS:
        return value
    return value[: MOST_CHARACTERS - len(_CUT)] + _CUT


def _value(finding: Mapping[str, Any], column: str) -> object:
    if column in _RESOURCE:
        return _of_resources(finding, _RESOURCE[column])
    if column not in _ELSEWHERE:
        return finding.get(column)
    found: object = finding
    for name in _ELSEWHERE[column]:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _of_resources(finding: Mapping[str, Any], name: str) -> str | None:
    resources = [one for one in finding.get("Resources") or () if isinstance(one, Mapping)]
    if not any(one.get(name) for one in resources):
        return None
    return "\n".join(_text(one.get(name) or _NOTHING.get(name)) for one in resources)


def _text(value: object) -> str:
    """Return a value as text that UTF-8 can hold."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, (Mapping, list)):
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    else:
        text = str(value)
    return text.encode("utf-8", "replace").decode("utf-8")

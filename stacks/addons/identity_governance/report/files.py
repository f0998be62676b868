"""Reports as CSV that no spreadsheet runs, each written once."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError

__all__ = ["Shelf", "as_csv", "harmless", "stem"]

REPORTS: Final = "reports/"

_FORMULA: Final = re.compile(r"[\t\r\n\0]|[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""How a formula begins in a spreadsheet, also in full width, and what one may hide behind."""

_TAKEN: Final = "PreconditionFailed"
_AT_ONCE: Final = "ConditionalRequestConflict"
_ATTEMPTS: Final = 3


def stem(when: datetime) -> str:
    """Return how the names of the reports of a moment begin.

    Example:
        >>> stem(datetime(2026, 11, 30, 6))
        'reports/2026/11/30/20261130T060000Z-'
    """
    return f"{REPORTS}{when:%Y/%m/%d}/{when:%Y%m%dT%H%M%SZ}-"


def harmless(value: str) -> str:
    """Return a value that is a formula in no spreadsheet.

    Example:
        >>> harmless("=HYPERLINK(1)"), harmless("ada@example.com")
        ("'=HYPERLINK(1)", 'ada@example.com')
    """
    return f"'{value}" if _FORMULA.match(value) else value


def as_csv(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as CSV below a heading, in UTF-8 that spreadsheets know by its start."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(heading)
    writer.writerows([harmless(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """Where reports are kept.

    Attributes:
        s3: client of S3.
        bucket: its name.
        key_arn: encrypts them.
        owner: account that the bucket must belong to.
    """

    s3: Any
    bucket: str
    key_arn: str
    owner: str

    def youngest(self, *, since: datetime) -> frozenset[str]:
        """Return which kinds of reports were written after a moment: names lie in order of time.

        Raises:
            ClientError: they are not listed.
        """
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket,
            Prefix=REPORTS,
            StartAfter=stem(since),
            ExpectedBucketOwner=self.owner,
        )
        names = [one["Key"] for page in pages for one in page.get("Contents", ())]
        return frozenset(name.rpartition("Z-")[2].removesuffix(".csv") for name in names)

    def put(self, name: str, body: bytes) -> bool:
        """Write a report; return whether it is new: one that is there stays as it is.

        Raises:
            ClientError: it is not written.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self.s3.put_object(
                    Bucket=self.bucket,
                    Key=name,
                    Body=body,
                    ContentType="text/csv; charset=utf-8",
                    ServerSideEncryption="aws:kms",
                    SSEKMSKeyId=self.key_arn,
                    ExpectedBucketOwner=self.owner,
                    IfNoneMatch="*",
                )
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code")
                if code == _TAKEN:
                    return False
                if code != _AT_ONCE or attempt == _ATTEMPTS:
                    raise
            else:
                return True
        return False

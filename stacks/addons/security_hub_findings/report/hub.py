"""Asking Security Hub for its active findings, one page in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

__all__ = ["SEVERITIES", "NotEnabledError", "findings"]

SEVERITIES: Final = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")
"""Labels, the worst first."""

_PAGE: Final = 100
"""The most that GetFindings returns at once."""

_NOT_ENABLED: Final = "InvalidAccessException"
"""What Security Hub answers where the account has not subscribed to it."""

Client = Any
"""Of boto3, whose clients are made at run time."""


class NotEnabledError(Exception):
    """Security Hub is not enabled in the account and Region that are asked."""


def findings(client: Client, *, severities: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Yield each active finding.

    Args:
        client: of Security Hub.
        severities: labels to report; all of them leaves none out, also of those without a label.

    Raises:
        NotEnabledError: there is nothing to ask.
    """
    filters = {"RecordState": _is("ACTIVE")}
    if set(severities) != set(SEVERITIES):
        filters["SeverityLabel"] = [each for one in severities for each in _is(one)]
    pages = client.get_paginator("get_findings").paginate(
        Filters=filters, PaginationConfig={"PageSize": _PAGE}
    )
    try:
        for page in pages:
            yield from page["Findings"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == _NOT_ENABLED:
            raise NotEnabledError from error
        raise


def _is(value: str) -> list[dict[str, str]]:
    return [{"Value": value, "Comparison": "EQUALS"}]

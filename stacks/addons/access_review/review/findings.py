"""What IAM Access Analyzer has found, all pages; an analyzer that does not answer is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from roles import TROUBLE, words

__all__ = ["findings_of"]

_ACTIVE: Final = {"status": {"eq": ["ACTIVE"]}}


def findings_of(
    client: Any, analyzers: Mapping[str, str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the active findings of some analyzers, and sentences on those that did not answer.

    Args:
        client: of ``accessanalyzer``.
        analyzers: their ARNs, by what they look for.
    """
    found: list[dict[str, Any]] = []
    unread: list[str] = []
    for kind, arn in sorted(analyzers.items()):
        try:
            state = client.get_analyzer(analyzerName=arn.rpartition("/")[2])["analyzer"]["status"]
            if state != "ACTIVE":
                unread.append(
                    f"The analyzer of {kind} access is {state}: its findings are not all."
                )
            pages = client.get_paginator("list_findings_v2").paginate(
                analyzerArn=arn, filter=_ACTIVE
            )
            found += [
                {
                    "analyzer": kind,
                    "id": each["id"],
                    "kind": each.get("findingType", ""),
                    "resource": each.get("resource", ""),
                    "resource_type": each.get("resourceType", ""),
                    "updated": each["updatedAt"].isoformat(),
                    "error": each.get("error", ""),
                }
                for page in pages
                for each in page["findings"]
            ]
        except (*TROUBLE, LookupError) as error:
            unread.append(f"The analyzer of {kind} access did not answer ({words(error)}).")
    return found, unread

"""The document of a service control policy: its form, its text and its size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["LARGEST_POLICY", "PolicySizeError", "compact", "joined"]

LARGEST_POLICY: Final = 5_120
"""Characters of a service control policy.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""


class PolicySizeError(ValueError):
    """A policy is larger than AWS Organizations takes."""


def joined(*documents: Mapping[str, Any]) -> dict[str, Any]:
    """Return one document with the statements of several, in their order.

    An account takes five policies at most, so that few and whole ones are worth more.

    Raises:
        PolicySizeError: together they are too large.
    """
    statements: Sequence[Any] = [one for each in documents for one in each["Statement"]]
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    compact(document)
    return document


def compact(document: Mapping[str, Any]) -> str:
    """Return a document as text without the white space that AWS counts.

    Raises:
        PolicySizeError: it is larger than ``LARGEST_POLICY``.
    """
    text = json.dumps(document, separators=(",", ":"))
    if len(text) > LARGEST_POLICY:
        raise PolicySizeError(
            f"the policy has {len(text):,} characters, and AWS Organizations takes "
            f"{LARGEST_POLICY:,}: name fewer Regions or roles, or attach it as several policies"
        )
    return text

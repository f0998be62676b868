"""403 for a key that does not exist, to callers that may not list the bucket.

AWS: GetObject and HeadObject of a missing key answer 404 to who has ``s3:ListBucket``, and 403 to
who has not. A permission that is bound to a prefix does not count: GetObject carries no prefix.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, permissions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .calls import Call, Kind, Refused

__all__ = ["MissingKeys"]

_MISSING: Final = frozenset({"NoSuchKey", "404"})
_FORBIDDEN: Final = 403


@dataclass
class MissingKeys(Kind):
    """Hides from who may not list whether a key exists."""

    def failed(self, call: Call, refused: Refused) -> Refused:
        """Return 403 in place of 404."""
        reads = call.service == "s3" and call.operation in ("GetObject", "HeadObject")
        if not reads or refused.code not in _MISSING or call.may_list:
            return refused
        if call.operation == "HeadObject":
            return Refused("403", "Forbidden", status=_FORBIDDEN)
        return Refused("AccessDenied", "Access Denied", status=_FORBIDDEN)

"""Credentials that end: every call after that is refused, until somebody logs in again.

AWS: temporary credentials of a role last from 15 minutes to 12 hours, of a role that was assumed
with another role's at most one hour. Afterwards S3 answers ``ExpiredToken`` with 400, and the
services that speak JSON answer ``ExpiredTokenException``.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html (role chaining),
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .calls import Answer, Call, Kind, Refused

__all__ = ["ExpiredLogins"]

_FORBIDDEN: Final = 403
_WORDS: Final = "The security token included in the request is expired"


@dataclass
class ExpiredLogins(Kind):
    """Refuses calls with credentials that have ended."""

    def before(self, call: Call) -> Answer | None:
        """Refuse a call that comes too late."""
        if call.expires is None or call.at < call.expires:
            return None
        if call.service == "s3":
            code = "400" if call.operation.startswith("Head") else "ExpiredToken"
            raise Refused(code, "The provided token has expired.")
        if call.service in ("sts", "iam", "cloudformation", "sns"):
            raise Refused("ExpiredToken", _WORDS, status=_FORBIDDEN)
        raise Refused(
            "ExpiredTokenException", _WORDS, status=_FORBIDDEN if call.service == "lambda" else 400
        )

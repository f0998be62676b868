"""Saved queries over logs and trail: what a security team asks first, without the CDK.

Those over the trail are written for its own log group. Where EventBridge passes the events on, each
stands in ``detail``: ``in_detail`` rewrites a query for that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starburst.contract import TAMPERING

__all__ = [
    "DOWNLOADED",
    "FAILED_LOGINS",
    "FAILED_VERIFICATION",
    "NEW_RESOURCES",
    "OF_AN_ACTOR",
    "REFUSED_CALLS",
    "WHO_READ_WHAT",
    "WORKER_ERRORS",
    "in_detail",
    "of_actor",
]

FAILED_VERIFICATION: Final = f"""\
fields @timestamp, @log, @logStream, @message
| filter @message like "{TAMPERING}"
| sort @timestamp desc
| limit 1000
"""
"""What workers and the controller refused because it failed verification (S27)."""

WORKER_ERRORS: Final = """\
fields @timestamp, @logStream, @message
| filter @message like /ERROR|AccessDenied|Forbidden/
| sort @timestamp desc
| limit 1000
"""
"""Errors that workers printed (S27)."""

REFUSED_CALLS: Final = """\
fields @timestamp, eventSource, eventName, errorCode, errorMessage,
  userIdentity.arn, sourceIPAddress, vpcEndpointId
| filter errorCode like /AccessDenied|Unauthorized|Forbidden|InvalidClientToken|SignatureDoesNot/
| sort @timestamp desc
| limit 1000
"""
"""Calls that AWS refused: what failed authentication looks like is in the trail, not in stdout."""

WHO_READ_WHAT: Final = """\
fields @timestamp, userIdentity.arn, eventName, requestParameters.bucketName,
  requestParameters.key, additionalEventData.bytesTransferredOut, sourceIPAddress,
  vpcEndpointId, errorCode
| filter eventSource = "s3.amazonaws.com" and eventCategory = "Data"
| sort @timestamp desc
| limit 1000
"""
"""Each read and write of an object, and each that was refused (A3, G12)."""

DOWNLOADED: Final = """\
filter eventSource = "s3.amazonaws.com" and eventName = "GetObject" and not ispresent(errorCode)
| stats count(*) as reads, count_distinct(requestParameters.key) as objects,
  sum(additionalEventData.bytesTransferredOut) as bytes
  by userIdentity.arn, sourceIPAddress
| sort bytes desc
| limit 1000
"""
"""What was downloaded in the window that is asked for, by whom, from where (A3, S38)."""

NEW_RESOURCES: Final = """\
fields @timestamp, userIdentity.arn, eventSource, eventName, awsRegion, sourceIPAddress, errorCode,
  @message
| filter eventName like /^(Add|Allocate|Attach|Authorize|Copy|Create|Import|Put|Register|Run|Start)/
| filter eventCategory = "Management"
| sort @timestamp desc
| limit 1000
"""
"""What somebody made or opened in the window that is asked for (A3, S37)."""

FAILED_LOGINS: Final = """\
fields @timestamp, eventSource, eventName, userIdentity.type, userIdentity.userName,
  userIdentity.arn, sourceIPAddress, userAgent, errorCode, errorMessage
| filter responseElements.ConsoleLogin = "Failure" or responseElements.CheckMfa = "Failure"
  or responseElements.SwitchRole = "Failure"
  or (eventSource = "sts.amazonaws.com" and ispresent(errorCode))
  or errorCode like /^(AuthFailure|ExpiredToken|IncompleteSignature|InvalidAccessKeyId)/
  or errorCode like /^(InvalidClientTokenId|InvalidIdentityToken|InvalidToken|RequestExpired)/
  or errorCode like /^(SignatureDoesNotMatch|UnrecognizedClient)/
| sort @timestamp desc
| limit 1000
"""
"""Logins and credentials that AWS refused, of all kinds (A6)."""

OF_AN_ACTOR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "what was downloaded": DOWNLOADED,
        "who read what": WHO_READ_WHAT,
        "what is new": NEW_RESOURCES,
        "failed logins of all kinds": FAILED_LOGINS,
    }
)
"""Queries over the trail that may be asked of one actor, by name."""

_PATH: Final = re.compile(
    r"(?<![\w@./\"])((?:additionalEventData|awsRegion|error|event|requestParameters"
    r"|responseElements|sourceIPAddress|userAgent|userIdentity|vpcEndpointId)[\w.]*)"
)


def in_detail(query: str) -> str:
    """Return a query over the trail for events as EventBridge wraps them.

    Example:
        >>> in_detail('filter eventSource = "s3.amazonaws.com" and not ispresent(errorCode)')
        'filter detail.eventSource = "s3.amazonaws.com" and not ispresent(detail.errorCode)'
    """
    return _PATH.sub(r"detail.\1", query)


def of_actor(query: str, actor: str) -> str:
    """Return a query over the trail that is asked of one actor.

    Args:
        query: one of ``OF_AN_ACTOR``.
        actor: what stands in the ARN, or in the name of the user: a role's name, a person's.

    Example:
        >>> of_actor(DOWNLOADED, "alice").splitlines()[0]
        'filter userIdentity.arn like "alice" or userIdentity.userName like "alice"'
    """
    mine = f'filter userIdentity.arn like "{actor}" or userIdentity.userName like "{actor}"'
    return f"{mine}\n| {query}"

"""Saved queries over logs and trail: what a security team asks first, without the CDK."""

from __future__ import annotations

from typing import Final

from starburst.contract import TAMPERING

__all__ = ["FAILED_VERIFICATION", "REFUSED_CALLS", "WORKER_ERRORS"]

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

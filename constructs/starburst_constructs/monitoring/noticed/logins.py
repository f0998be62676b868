"""Logins and credentials that AWS refused, of all kinds (A6).

A console login that failed has no ``errorCode``: the answer says so. A role that was not given has
one, whatever it is. Anything else tells by the code that its credentials were none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starburst_constructs.monitoring.noticed.patterns import (
    is_not,
    is_text,
    named,
    of_service,
    pattern,
    some,
)

__all__ = ["NO_CREDENTIALS", "ROLE_TAKING", "failed_logins"]

ROLE_TAKING: Final = ("AssumeRole*", "GetFederationToken", "GetSessionToken")
"""Calls of STS by which one gets credentials."""

NO_CREDENTIALS: Final = (
    *("AuthFailure", "ExpiredToken*", "IncompleteSignature*", "InvalidAccessKeyId"),
    *("InvalidClientTokenId*", "InvalidIdentityToken*", "InvalidToken*", "RequestExpired"),
    *("SignatureDoesNotMatch", "UnrecognizedClient*"),
)
"""How AWS's services call credentials that are none, or none any more."""


def failed_logins() -> Mapping[str, str]:
    """Return filters of the trail by what they find.

    Sources: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/
    cloudtrail-event-reference-aws-console-sign-in-events.html for the console,
    https://docs.aws.amazon.com/singlesignon/latest/userguide/sign-in-events.html for Identity
    Center, https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html for codes.
    """
    return {
        "Console": pattern(
            of_service("signin"),
            some(
                *(
                    is_text(f"{place}.{name}", "Failure")
                    for place in ("responseElements", "serviceEventDetails")
                    for name in ("CheckMfa", "ConsoleLogin", "CredentialVerification", "SwitchRole")
                )
            ),
        ),
        "Roles": pattern(of_service("sts"), named(*ROLE_TAKING), is_text("errorCode", "*")),
        "Credentials": pattern(
            some(*(is_text("errorCode", code) for code in NO_CREDENTIALS)),
            is_not("eventSource", "sts.amazonaws.com"),
        ),
    }

"""Who touches objects of the data bucket without being one of the kit's roles (A12).

The trail's data events tell, refused calls too. A role that somebody makes under a name like the
kit's is told when it is made, by the filters of ``changes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starburst_constructs.monitoring.noticed.patterns import (
    CALLER,
    is_not,
    is_text,
    missing,
    of_service,
    pattern,
    some,
)
from starburst_constructs.naming import role_arn
from starburst_constructs.placement import Placement

__all__ = ["PEOPLE", "strangers"]

PEOPLE: Final = ("analyst", "steward")
"""Purposes of the roles in which people read and write objects."""


def strangers(environment: str, *, placement: Placement, bucket: str) -> Mapping[str, str]:
    """Return filters of the trail by what they find.

    A copy out of the bucket has the other bucket for its own and ours for its source.

    Args:
        environment: its name.
        placement: of the environment.
        bucket: name of the data bucket.
    """
    kit = role_arn(environment, "*", account=placement.account)
    foreign = (
        of_service("s3"),
        some(is_not(CALLER, kit), missing(CALLER)),
        # Of AWS itself, such as the delivery of access logs.
        is_not("userIdentity.type", "AWSService"),
    )
    return {
        "Objects": pattern(
            *foreign,
            is_text("eventCategory", "Data"),
            is_text("requestParameters.bucketName", bucket),
        ),
        "Copies": pattern(
            *foreign,
            some(
                is_text("requestParameters.x-amz-copy-source", f"{bucket}/*"),
                is_text("requestParameters.x-amz-copy-source", f"/{bucket}/*"),
            ),
        ),
    }

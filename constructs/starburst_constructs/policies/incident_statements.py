"""Statements that several policies of the security team share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starburst.contract import runtime_parameter
from starburst.contract.areas import HOME, SESSIONS
from starburst_constructs.naming import role_arn, trail_name
from starburst_constructs.placement import Placement

__all__ = [
    "RECORDS",
    "WRITERS",
    "Locker",
    "allow",
    "denials_on_roles",
    "document",
    "find_the_bucket",
    "keep_records",
    "see_who_is_there",
]

WRITERS: Final = ("analyst", "steward", "worker")
"""Purposes of the roles of a workspace that write in the data bucket."""

RECORDS: Final = "incidents/"
"""Where incident records are in the audit stack's bucket, below it by environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locker:
    """The audit stack's bucket as incident records see it.

    Attributes:
        bucket: its name.
        key_arn: what it encrypts with.
    """

    bucket: str
    key_arn: str


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    """Return a policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(
    sid: str,
    actions: list[str],
    resources: list[str],
    conditions: dict[str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return an Allow."""
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": actions,
        "Resource": resources,
    }
    return {**statement, "Condition": conditions} if conditions else statement


def find_the_bucket(environment: str, *, placement: Placement) -> dict[str, Any]:
    """Return the right to ask the environment for its data bucket's name."""
    name = runtime_parameter(environment)
    return allow(
        "FindTheBucket",
        ["ssm:GetParameter"],
        [placement.arn("ssm", f"parameter{name}")],
    )


def see_who_is_there(workspaces: Sequence[str], *, bucket: str) -> dict[str, Any]:
    """Return the right to list users' names, and nothing below them."""
    return allow(
        "SeeWhoIsThere",
        ["s3:ListBucketVersions"],
        [f"arn:aws:s3:::{bucket}"],
        {
            "StringEquals": {
                "s3:prefix": [
                    area.prefix(workspace) for area in (SESSIONS, HOME) for workspace in workspaces
                ],
                "s3:delimiter": "/",
            }
        },
    )


def denials_on_roles(
    environment: str, workspaces: Sequence[str], *, placement: Placement, controller: bool
) -> dict[str, Any]:
    """Return the right to put denials on roles of workspaces, and to take them away."""
    roles = [
        role_arn(environment, purpose, workspace, account=placement.account)
        for workspace in workspaces
        for purpose in WRITERS
    ]
    if controller:
        roles.append(role_arn(environment, "controller", account=placement.account))
    return allow(
        "DenyOnRoles",
        ["iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:PutRolePolicy"],
        roles,
    )


def keep_records(
    environment: str, *, placement: Placement, locker: Locker | None
) -> list[dict[str, Any]]:
    """Return the right to add incident records where they are locked, and to read none of them.

    Args:
        environment: its name.
        placement: of the environment.
        locker: where; None where the trail, and its bucket, are the organization's.
    """
    if locker is None:
        return []
    bucket = f"arn:aws:s3:::{locker.bucket}"
    return [
        allow(
            "FindTheTrail",
            ["cloudtrail:GetTrail"],
            [placement.arn("cloudtrail", f"trail/{trail_name(environment)}")],
        ),
        allow("KeepRecords", ["s3:PutObject"], [f"{bucket}/{RECORDS}{environment}/*"]),
        allow(
            "SealRecords",
            ["kms:GenerateDataKey"],
            [locker.key_arn],
            {
                "StringEquals": {
                    "kms:ViaService": f"s3.{placement.region}.amazonaws.com",
                    # With a bucket key the context is the bucket.
                    "kms:EncryptionContext:aws:s3:arn": bucket,
                }
            },
        ),
    ]

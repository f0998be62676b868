"""What the review may do: read IAM and analyzers, and write its record; no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_iam as iam

from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.wildcards import NO_RESOURCE, Allow, Wildcard, patterns

if TYPE_CHECKING:
    from starburst_constructs.placement import Placement

__all__ = ["RECORDS", "review_ceilings", "review_statements"]

RECORDS: Final = "reviews/"
"""Below which the records are."""

_ROLES: Final = (
    *("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies"),
    *("iam:GenerateServiceLastAccessedDetails", "iam:ListRolePolicies"),
)
_POLICIES: Final = ("iam:GetPolicy", "iam:GetPolicyVersion")
_ALL: Final = ("iam:GetServiceLastAccessedDetails", "iam:ListRoles")
_ANALYZERS: Final = ("access-analyzer:GetAnalyzer", "access-analyzer:ListFindings")
_KEYS: Final = ("kms:Decrypt", "kms:GenerateDataKey")
_LINES: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
_OBJECTS: Final = ("s3:GetObject", "s3:PutObject")


def review_statements(
    *,
    environment: str,
    placement: Placement,
    bucket_arn: str,
    key_arn: str,
    analyzers: Iterable[str],
) -> list[iam.PolicyStatement]:
    """Return what the function may do beside writing its log.

    Args:
        environment: whose roles are read.
        placement: of the environment.
        bucket_arn: of the records.
        key_arn: encrypts them.
        analyzers: their ARNs.
    """
    named = f"starburst-{environment}-*"
    through = f"s3.{placement.region}.amazonaws.com"
    known = list(analyzers)
    return [
        Allow(
            sid="ReadRoles",
            actions=_ROLES,
            resources=patterns(
                "Workspaces and add-ons say which roles an environment has; all have its name.",
                f"arn:aws:iam::{placement.account}:role/{named}",
            ),
        ),
        Allow(
            sid="ReadPolicies",
            actions=_POLICIES,
            resources=patterns(
                "CloudFormation ends the name of a policy with letters of its own.",
                f"arn:aws:iam::{placement.account}:policy/{named}",
            ),
        ),
        Allow(
            sid="ListRoles",
            actions=_ALL,
            resources=[
                Wildcard(resource="*", reason=f"{NO_RESOURCE}they read, and change nothing.")
            ],
        ),
        *(
            [iam.PolicyStatement(sid="ReadFindings", actions=list(_ANALYZERS), resources=known)]
            if known
            else []
        ),
        Allow(
            sid="KeepRecords",
            actions=_OBJECTS,
            resources=patterns(
                "The quarter is in the name of a record.", f"{bucket_arn}/{RECORDS}*"
            ),
        ),
        iam.PolicyStatement(
            # Without it S3 says of an object that is not there that it may not be read.
            sid="SeeWhatIsThere",
            actions=["s3:ListBucket"],
            resources=[bucket_arn],
        ),
        iam.PolicyStatement(
            sid="EncryptRecords",
            actions=list(_KEYS),
            resources=[key_arn],
            conditions={"StringEquals": {"kms:ViaService": through}},
        ),
    ]


def review_ceilings(*, environment: str, placement: Placement) -> Sequence[iam.PolicyStatement]:
    """Return the most that the review's role can ever do, whatever its policy says."""
    named = f"starburst-{environment}-*"
    return [
        ceiling(
            "Roles",
            (*_ROLES, *_POLICIES),
            resources=[
                f"arn:aws:iam::{placement.account}:role/{named}",
                f"arn:aws:iam::{placement.account}:policy/{named}",
            ],
        ),
        ceiling("Reports", (*_ALL, *_ANALYZERS), resources=["*"]),
        ceiling(
            "Records",
            (*_OBJECTS, "s3:ListBucket"),
            resources=["arn:aws:s3:::*"],
            conditions={"StringEquals": {"aws:ResourceAccount": placement.account}},
        ),
        ceiling("Keys", _KEYS, resources=[f"arn:aws:kms:*:{placement.account}:key/*"]),
        ceiling(
            "Logs",
            _LINES,
            resources=[
                placement.arn(
                    "logs",
                    f"log-group:/aws/lambda/starburst-{environment}-accessreview:log-stream:*",
                )
            ],
        ),
    ]

"""What the audit's role may do, what report readers may, and the most that either can be given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_iam as iam

from stacks.addons.identity_governance.member import Member
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.wildcards import (
    EVERYTHING,
    NO_RESOURCE,
    Allow,
    Wildcard,
    patterns,
)

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = [
    "REPORTS",
    "audit_statements",
    "governance_ceilings",
    "reader_arns",
    "reading_statements",
]

REPORTS: Final = "reports/"
"""Below which the reports are: all that the audit writes."""

ACCOUNTS: Final = ("organizations:DescribeOrganization", "organizations:ListAccounts")
_FILES: Final = "The audit dates its reports, in a bucket that holds nothing else."


def reader_arns(member: Member) -> str:
    """Return the pattern of the roles by which the audit reads."""
    return f"arn:aws:iam::*:role/{member.role}"


def audit_statements(member: Member, *, bucket_arn: str, key_arn: str) -> list[iam.PolicyStatement]:
    """Return what the audit does: list accounts, become the role that reads, write reports."""
    everywhere = Wildcard(
        resource=EVERYTHING,
        reason=f"{NO_RESOURCE}they say which accounts the organization has.",
        actions=ACCOUNTS,
    )
    return [
        Allow(sid="ListAccounts", actions=ACCOUNTS, resources=[everywhere]),
        Allow(
            sid="BecomeTheReader",
            actions=["sts:AssumeRole"],
            resources=patterns(
                "Each account of the organization has this one role, and accounts come and go.",
                reader_arns(member),
            ),
        ),
        Allow(
            sid="WriteReports",
            actions=["s3:PutObject"],
            resources=patterns(_FILES, f"{bucket_arn}/{REPORTS}*"),
        ),
        # By their names it knows how old the last ones are; it reads none.
        iam.PolicyStatement(sid="SeeWhatIsDue", actions=["s3:ListBucket"], resources=[bucket_arn]),
        iam.PolicyStatement(
            sid="EncryptReports", actions=["kms:GenerateDataKey"], resources=[key_arn]
        ),
    ]


def reading_statements(*, bucket_arn: str, key_arn: str) -> list[iam.PolicyStatement]:
    """Return what a reader of reports does."""
    return [
        iam.PolicyStatement(sid="ListReports", actions=["s3:ListBucket"], resources=[bucket_arn]),
        Allow(
            sid="ReadReports",
            actions=["s3:GetObject"],
            resources=patterns(_FILES, f"{bucket_arn}/{REPORTS}*"),
        ),
        iam.PolicyStatement(sid="OpenReports", actions=["kms:Decrypt"], resources=[key_arn]),
    ]


def governance_ceilings(environment: Environment, member: Member) -> Sequence[iam.PolicyStatement]:
    """Return the most that the add-on's own role can ever be given."""
    place = environment.placement
    return [
        ceiling("Accounts", ACCOUNTS, resources=["*"]),
        ceiling("Readers", ["sts:AssumeRole"], resources=[reader_arns(member)]),
        ceiling(
            "Reports",
            ["s3:ListBucket", "s3:PutObject"],
            resources=["arn:aws:s3:::*"],
            conditions={"StringEquals": {"aws:ResourceAccount": environment.account}},
        ),
        ceiling("Keys", ["kms:GenerateDataKey"], resources=[place.arn("kms", "key/*")]),
        ceiling(
            "Logs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[place.arn("logs", "log-group:*")],
        ),
    ]

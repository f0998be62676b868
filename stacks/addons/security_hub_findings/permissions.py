"""What each role of the reports may do: write them, read them, or open one by a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_iam as iam

from starburst_constructs.placement import Placement
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.service_access import only_from_networks
from starburst_constructs.policies.wildcards import Allow, patterns

__all__ = [
    "REPORTS",
    "TOLD",
    "Shelf",
    "link_statements",
    "reading_statements",
    "report_ceilings",
    "writing_statements",
]

REPORTS: Final = "reports/"
"""Below which the reports are, by date."""

TOLD: Final = "told/"
"""Below which an empty object stands for each run of which somebody was told."""

_NAMED: Final = "A report is called by the time that its schedule rang for."


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """The names and ARNs that the policies speak of.

    Attributes:
        environment: its name.
        placement: of the environment.
        hub_region: where Security Hub is asked.
        bucket_arn: of the reports.
        key_arn: of what encrypts them.
        topic_arn: by which people are told.
        queue_arn: where failed events wait.
        link_role_arn: of the role that signs links; None where there are none.
    """

    environment: str
    placement: Placement
    hub_region: str
    bucket_arn: str
    key_arn: str
    topic_arn: str
    queue_arn: str
    link_role_arn: str | None

    @property
    def hub_arn(self) -> str:
        """The account's hub; of others' that it administers GetFindings asks no ARN."""
        return f"arn:aws:securityhub:{self.hub_region}:{self.placement.account}:hub/default"

    def through(self, *services: str) -> dict[str, dict[str, list[str]]]:
        """Return the condition that one of these services asks KMS in a role's name."""
        hosts = [f"{one}.{self.placement.region}.amazonaws.com" for one in services]
        return {"StringEquals": {"kms:ViaService": hosts}}


def writing_statements(shelf: Shelf) -> list[iam.PolicyStatement]:
    """Return what the function does beside writing its log.

    It may ask whether a report is there and what it counts, for which S3 knows no action but
    ``GetObject``; without ``kms:Decrypt`` through S3 it reads none.
    """
    found = [
        iam.PolicyStatement(
            sid="AskForFindings", actions=["securityhub:GetFindings"], resources=[shelf.hub_arn]
        ),
        Allow(
            sid="PutReports",
            actions=["s3:GetObject", "s3:PutObject"],
            resources=patterns(
                _NAMED, f"{shelf.bucket_arn}/{REPORTS}*", f"{shelf.bucket_arn}/{TOLD}*"
            ),
        ),
        # Without it S3 does not say of an object that it is missing, but that it is forbidden.
        iam.PolicyStatement(
            sid="SeeWhatIsMissing", actions=["s3:ListBucket"], resources=[shelf.bucket_arn]
        ),
        iam.PolicyStatement(
            sid="EncryptReports",
            actions=["kms:GenerateDataKey"],
            resources=[shelf.key_arn],
            conditions=shelf.through("s3"),
        ),
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html, and the same of SQS
        iam.PolicyStatement(
            sid="EncryptMessages",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[shelf.key_arn],
            conditions=shelf.through("sns", "sqs"),
        ),
        iam.PolicyStatement(sid="Tell", actions=["sns:Publish"], resources=[shelf.topic_arn]),
        iam.PolicyStatement(
            sid="KeepFailures", actions=["sqs:SendMessage"], resources=[shelf.queue_arn]
        ),
    ]
    if shelf.link_role_arn is not None:
        found.append(
            iam.PolicyStatement(
                sid="SignLinks", actions=["sts:AssumeRole"], resources=[shelf.link_role_arn]
            )
        )
    return found


def reading_statements(shelf: Shelf) -> list[iam.PolicyStatement]:
    """Return what a reader does: find reports and read them."""
    return [
        iam.PolicyStatement(
            sid="ListReports",
            actions=["s3:GetBucketLocation", "s3:ListBucket"],
            resources=[shelf.bucket_arn],
        ),
        *_opening(shelf),
    ]


def link_statements(shelf: Shelf, *, cidrs: Sequence[str]) -> list[iam.PolicyStatement]:
    """Return what a link does: open a report, and only from the environment's own networks.

    Args:
        shelf: whose reports.
        cidrs: where credentials work; none for anywhere.
    """
    return [*_opening(shelf), *([only_from_networks(cidrs, [])] if cidrs else [])]


def _opening(shelf: Shelf) -> list[iam.PolicyStatement]:
    return [
        Allow(
            sid="ReadReports",
            actions=["s3:GetObject"],
            resources=patterns(_NAMED, f"{shelf.bucket_arn}/{REPORTS}*"),
        ),
        iam.PolicyStatement(
            sid="OpenReports",
            actions=["kms:Decrypt"],
            resources=[shelf.key_arn],
            conditions=shelf.through("s3"),
        ),
    ]


def report_ceilings(
    environment: str, *, placement: Placement, hub_region: str, links: bool
) -> list[iam.PolicyStatement]:
    """Return the most that the roles of the reports can ever do.

    Args:
        environment: its name.
        placement: of the environment.
        hub_region: where Security Hub is asked.
        links: whether a role signs links.
    """
    mine = f"starburst-{environment}-findings"
    ours = {"StringEquals": {"aws:ResourceAccount": placement.account}}
    found: list[iam.PolicyStatement] = [
        ceiling(
            "Findings",
            ("securityhub:GetFindings",),
            resources=[f"arn:aws:securityhub:{hub_region}:{placement.account}:hub/default"],
        ),
        ceiling(
            "Reports",
            ("s3:GetObject", "s3:ListBucket", "s3:PutObject"),
            resources=[f"arn:aws:s3:::{mine}-*"],
            conditions=ours,
        ),
        ceiling(
            "Keys",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            resources=[placement.arn("kms", "key/*")],
        ),
        ceiling("Topics", ("sns:Publish",), resources=[placement.arn("sns", f"{mine}-*")]),
        ceiling("Queues", ("sqs:SendMessage",), resources=[placement.arn("sqs", f"{mine}-*")]),
        ceiling(
            "Logs",
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=[placement.arn("logs", f"log-group:/aws/lambda/{mine}:log-stream:*")],
        ),
    ]
    if links:
        arn = f"arn:aws:iam::{placement.account}:role/{mine}-link"
        found.append(ceiling("Links", ("sts:AssumeRole",), resources=[arn]))
    return found

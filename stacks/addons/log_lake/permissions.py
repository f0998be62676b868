"""What each role of the lake may do: deliver, feed, or read; none does two of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_iam as iam

from stacks.addons.log_lake.deliveries import ERRORS, stream_name
from stacks.addons.log_lake.schema import WRITTEN
from starburst_constructs.placement import Placement
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.wildcards import Allow, patterns

__all__ = [
    "RESULTS",
    "TABLES",
    "Lake",
    "delivery_statements",
    "feeding_statements",
    "lake_ceilings",
    "reading_statements",
    "trail_statements",
]

TABLES: Final = "tables/"
"""Below which the tables' files are."""

RESULTS: Final = "results/"
"""Below which Athena puts answers: all that a reader writes."""

_SENDING: Final = ("firehose:PutRecord", "firehose:PutRecordBatch")
_SCHEMA: Final = ("glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions")
_CATALOG: Final = (*("glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"),)
_ASKING: Final = (
    *("athena:GetNamedQuery", "athena:GetQueryExecution", "athena:GetQueryResults"),
    *("athena:GetWorkGroup", "athena:ListNamedQueries", "athena:StartQueryExecution"),
    "athena:StopQueryExecution",
)
_PARTS: Final = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
_FILES: Final = "Firehose and Athena name their files themselves, below the lake's own folders."


@dataclass(frozen=True, kw_only=True, slots=True)
class Lake:
    """The names and ARNs that the lake's policies speak of.

    Attributes:
        environment: its name.
        placement: of the environment.
        bucket_arn: of the lake's bucket.
        key_arn: of its key.
    """

    environment: str
    placement: Placement
    bucket_arn: str
    key_arn: str

    @property
    def database(self) -> str:
        """The database of Glue."""
        return f"starburst_{self.environment}_lake"

    @property
    def workgroup(self) -> str:
        """The workgroup of Athena."""
        return f"starburst-{self.environment}-lake"

    def streams(self, *tables: str) -> list[str]:
        """Return the ARNs of the streams into some tables."""
        return [
            self.placement.arn("firehose", f"deliverystream/{stream_name(self.environment, one)}")
            for one in tables
        ]

    def tables(self, *names: str) -> list[str]:
        """Return the ARNs that Glue asks about for some tables: catalog, database, table."""
        return [
            self.placement.arn("glue", one)
            for one in (
                "catalog",
                f"database/{self.database}",
                *(f"table/{self.database}/{name}" for name in names),
            )
        ]

    def through_s3(self) -> dict[str, dict[str, str]]:
        """Return the condition that S3 asks KMS in a role's name."""
        return {
            "StringEquals": {"kms:ViaService": f"s3.{self.placement.region}.amazonaws.com"},
        }


def delivery_statements(lake: Lake, *, function_arn: str) -> list[iam.PolicyStatement]:
    """Return what Firehose does in its role: transform and write, and read none of it.

    Args:
        lake: whose.
        function_arn: of the function that transforms.
    """
    return [
        Allow(
            sid="WriteFiles",
            actions=[*_PARTS, "s3:PutObject"],
            resources=patterns(
                _FILES, f"{lake.bucket_arn}/{TABLES}*", f"{lake.bucket_arn}/{ERRORS}*"
            ),
        ),
        iam.PolicyStatement(
            sid="FindTheBucket",
            actions=["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            resources=[lake.bucket_arn],
        ),
        iam.PolicyStatement(
            sid="EncryptFiles",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[lake.key_arn],
            conditions=lake.through_s3(),
        ),
        iam.PolicyStatement(
            sid="ReadColumns", actions=list(_SCHEMA), resources=lake.tables(*WRITTEN)
        ),
        iam.PolicyStatement(
            sid="Transform",
            actions=["lambda:InvokeFunction"],
            resources=[function_arn, f"{function_arn}:$LATEST"],
        ),
    ]


def feeding_statements(lake: Lake, *tables: str) -> list[iam.PolicyStatement]:
    """Return what a service does that sends records into some tables."""
    return [
        iam.PolicyStatement(
            sid="Send",
            actions=list(_SENDING),
            resources=lake.streams(*tables),
        )
    ]


def reading_statements(lake: Lake) -> list[iam.PolicyStatement]:
    """Return what a reader does: ask the workgroup, and put nothing but answers."""
    return [
        iam.PolicyStatement(
            sid="Ask",
            actions=list(_ASKING),
            resources=[lake.placement.arn("athena", f"workgroup/{lake.workgroup}")],
        ),
        Allow(
            sid="ReadTheCatalog",
            actions=_CATALOG,
            resources=[
                *lake.tables(),
                *patterns("All tables and views of the lake's own database.", lake.tables("*")[-1]),
            ],
        ),
        iam.PolicyStatement(
            sid="ListFiles",
            actions=["s3:GetBucketLocation", "s3:ListBucket"],
            resources=[lake.bucket_arn],
        ),
        Allow(
            sid="ReadFiles",
            actions=["s3:GetObject"],
            resources=patterns(
                _FILES,
                *(f"{lake.bucket_arn}/{one}*" for one in (TABLES, ERRORS, RESULTS)),
            ),
        ),
        Allow(
            sid="KeepAnswers",
            actions=[*_PARTS, "s3:PutObject"],
            resources=patterns(_FILES, f"{lake.bucket_arn}/{RESULTS}*"),
        ),
        iam.PolicyStatement(
            sid="OpenFiles",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[lake.key_arn],
            conditions=lake.through_s3(),
        ),
    ]


def trail_statements(
    lake: Lake, *, trail_arn: str, access_logs_arn: str, logs_key_arn: str
) -> list[iam.PolicyStatement]:
    """Return what a reader needs beyond that for what is read in place.

    Args:
        lake: whose.
        trail_arn: of the bucket of the trail's files.
        access_logs_arn: of the bucket of access logs.
        logs_key_arn: opens the trail's files.
    """
    return [
        iam.PolicyStatement(
            sid="ListWhatLies",
            actions=["s3:GetBucketLocation", "s3:ListBucket"],
            resources=[trail_arn, access_logs_arn],
        ),
        Allow(
            sid="ReadWhatLies",
            actions=["s3:GetObject"],
            resources=patterns(
                "CloudTrail and S3 name their files by time.",
                f"{trail_arn}/AWSLogs/{lake.placement.account}/CloudTrail/*",
                f"{access_logs_arn}/data/*",
            ),
        ),
        iam.PolicyStatement(
            sid="OpenWhatLies",
            actions=["kms:Decrypt"],
            resources=[logs_key_arn],
            conditions=lake.through_s3(),
        ),
    ]


def lake_ceilings(*, shared: bool) -> Sequence[iam.PolicyStatement]:
    """Return what the permissions boundary must allow for the lake's roles.

    Without resources, as IAM stores 6,144 characters of it: it grants nothing, and that each role
    keeps to its own streams and tables is proved of the role.

    Args:
        shared: whether a custodian reads through a role of ours.
    """
    actions = {*_SENDING, *_SCHEMA, *((*_CATALOG, *_ASKING) if shared else ())}
    return [ceiling("Lake", sorted(actions), resources=["*"])]

"""What each role of job metrics may do: count, write the hours, or read; none does two of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_iam as iam

from stacks.addons.job_metrics.catalog import TABLES, VIEWS
from starburst_constructs.placement import Placement
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.wildcards import Allow, patterns

__all__ = [
    "RESULTS",
    "Jobs",
    "counting_statements",
    "hourly_statements",
    "jobs_ceilings",
    "reading_statements",
]

RESULTS: Final = "results/"
"""Below which Athena puts answers: all that a reader writes."""

_ASKING: Final = (
    *("athena:GetNamedQuery", "athena:GetQueryExecution", "athena:GetQueryResults"),
    *("athena:GetWorkGroup", "athena:ListNamedQueries", "athena:StartQueryExecution"),
    "athena:StopQueryExecution",
)
_CATALOG: Final = (*("glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"),)
_PARTS: Final = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
_FILES: Final = "Files are named after days and hours, and Athena names its answers itself."


@dataclass(frozen=True, kw_only=True, slots=True)
class Jobs:
    """The names and ARNs that the policies speak of.

    Attributes:
        environment: its name.
        placement: of the environment.
        bucket_arn: of the bucket of files.
        key_arn: of the key.
        ledger_arn: of the table in DynamoDB.
        queue_arn: of the queue of stopped workers.
    """

    environment: str
    placement: Placement
    bucket_arn: str
    key_arn: str
    ledger_arn: str
    queue_arn: str

    @property
    def database(self) -> str:
        """The log lake's database of Glue."""
        return f"starburst_{self.environment}_lake"

    @property
    def workgroup(self) -> str:
        """The workgroup of Athena."""
        return f"starburst-{self.environment}-jobs"

    def opening(self, *services: str, actions: Sequence[str]) -> iam.PolicyStatement:
        """Return that services ask KMS in a role's name."""
        return iam.PolicyStatement(
            sid="".join(one.capitalize() for one in ("open", *services)),
            actions=list(actions),
            resources=[self.key_arn],
            conditions={
                "StringEquals": {
                    "kms:ViaService": [
                        f"{one}.{self.placement.region}.amazonaws.com" for one in services
                    ]
                }
            },
        )


def counting_statements(jobs: Jobs) -> list[iam.PolicyStatement]:
    """Return what counting takes: read the queue, and enter rows."""
    return [
        iam.PolicyStatement(
            sid="TakeMessages",
            actions=["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            resources=[jobs.queue_arn],
        ),
        iam.PolicyStatement(
            sid="EnterWorkers", actions=["dynamodb:PutItem"], resources=[jobs.ledger_arn]
        ),
        jobs.opening("dynamodb", "sqs", actions=["kms:Decrypt", "kms:GenerateDataKey"]),
    ]


def hourly_statements(jobs: Jobs, *, door_arn: str) -> list[iam.PolicyStatement]:
    """Return what an hour's work takes: ask the controller, read rows, put files.

    Args:
        jobs: whose.
        door_arn: of the controller's alias that tells of sessions and does nothing.
    """
    return [
        iam.PolicyStatement(
            sid="AskTheController", actions=["lambda:InvokeFunction"], resources=[door_arn]
        ),
        iam.PolicyStatement(
            sid="KeepTheLedger",
            actions=[
                "dynamodb:DeleteItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
            ],
            resources=[jobs.ledger_arn],
        ),
        Allow(
            sid="WriteHours",
            actions=["s3:PutObject"],
            resources=patterns(_FILES, *(f"{jobs.bucket_arn}/{name}/*" for name in TABLES)),
        ),
        jobs.opening("dynamodb", "s3", actions=["kms:Decrypt", "kms:GenerateDataKey"]),
    ]


def reading_statements(jobs: Jobs) -> list[iam.PolicyStatement]:
    """Return what a reader does: ask the workgroup, and put nothing but answers."""
    glue = [
        jobs.placement.arn("glue", one)
        for one in (
            "catalog",
            f"database/{jobs.database}",
            *(f"table/{jobs.database}/{name}" for name in (*TABLES, *VIEWS)),
        )
    ]
    return [
        iam.PolicyStatement(
            sid="Ask",
            actions=list(_ASKING),
            resources=[jobs.placement.arn("athena", f"workgroup/{jobs.workgroup}")],
        ),
        iam.PolicyStatement(sid="ReadTheCatalog", actions=list(_CATALOG), resources=glue),
        iam.PolicyStatement(
            sid="ListFiles",
            actions=["s3:GetBucketLocation", "s3:ListBucket"],
            resources=[jobs.bucket_arn],
        ),
        Allow(
            sid="ReadFiles",
            actions=["s3:GetObject"],
            resources=patterns(
                _FILES, *(f"{jobs.bucket_arn}/{one}*" for one in (*_prefixes(), RESULTS))
            ),
        ),
        Allow(
            sid="KeepAnswers",
            actions=[*_PARTS, "s3:PutObject"],
            resources=patterns(_FILES, f"{jobs.bucket_arn}/{RESULTS}*"),
        ),
        jobs.opening("s3", actions=["kms:Decrypt", "kms:GenerateDataKey"]),
    ]


def _prefixes() -> list[str]:
    return [f"{name}/" for name in TABLES]


def jobs_ceilings(environment: str, *, account: str) -> list[iam.PolicyStatement]:
    """Return the most that the roles of job metrics may ever do: their boundary.

    Args:
        environment: its name.
        account: twelve digits.
    """
    name = f"starburst-{environment}"
    return [
        ceiling(
            "Ledger",
            ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
            resources=[f"arn:aws:dynamodb:*:{account}:table/{name}-jobs-*"],
        ),
        ceiling(
            "Files",
            (
                *("s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:PutObject"),
                *_PARTS,
            ),
            resources=["arn:aws:s3:::*"],
            conditions={"StringEquals": {"aws:ResourceAccount": account}},
        ),
        ceiling(
            "Queue",
            ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
            resources=[f"arn:aws:sqs:*:{account}:{name}-jobs*"],
        ),
        ceiling(
            "Keys",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            resources=[f"arn:aws:kms:*:{account}:key/*"],
        ),
        ceiling(
            "Controller",
            ("lambda:InvokeFunction",),
            resources=[f"arn:aws:lambda:*:{account}:function:{name}-*"],
        ),
        ceiling(
            "Logs",
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=[f"arn:aws:logs:*:{account}:log-group:*"],
        ),
    ]

"""What the gates would have of job metrics that they need not have, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stacks.addons.job_metrics.catalog import TABLES, VIEWS, queries, query_id
from stacks.settings.validation import KEPT_A_YEAR_DAYS
from stacks.waivers import decision
from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["jobs_waivers"]

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")
_STUCK: Final = ("starburst-stuck-name",)


def jobs_waivers(environment: Environment, *, bill: str | None) -> Iterator[Waiver]:
    """Yield the exceptions of job metrics; ``bill`` is the setting."""
    bucket = ["jobs/Bucket/Resource"]
    functions = ["jobs/Count/Function", "jobs/Hour/Function"]
    yield decision(
        [f"{pack}-S3BucketReplicationEnabled" for pack in _PACKS],
        bucket,
        "Each file can be written again while the ledger has its rows; a copy in another Region "
        "would leave allowed_regions and double what erasure must reach.",
    )
    yield decision(
        ["CT.S3.PR.4"],
        bucket,
        "Nothing waits for a file: Athena lists them when it is asked.",
    )
    yield decision(
        ["CT.S3.PR.9"],
        bucket,
        "The record is the bill. An hour's file is replaced when an event comes late, and who "
        "used what is personal and must go when its time ends.",
    )
    yield decision(
        [*(f"{pack}-LambdaInsideVPC" for pack in _PACKS), "CT.LAMBDA.PR.3"],
        functions,
        "They call DynamoDB, S3 and the controller, and open no data. In the VPC they would need "
        "endpoints that stand always.",
    )
    yield decision(
        ["HIPAA.Security-LambdaDLQ", "NIST.800.53.R5-LambdaDLQ"],
        functions,
        "What is counted waits in a queue, which has one; an hour that failed is done by the next.",
    )
    yield decision(
        ["CT.SQS.PR.1"],
        ["jobs/Failures/Resource"],
        "It is itself the dead-letter queue; an alarm rings when a message arrives.",
    )
    yield decision(
        ["HIPAA.Security-DynamoDBInBackupPlan", "NIST.800.53.R5-DynamoDBInBackupPlan"],
        ["jobs/Ledger/Resource"],
        "Its rows can be restored to any second of 35 days, and leave for the files after weeks.",
    )
    yield decision(
        _STUCK,
        [f"jobs/Catalog/{name}" for name in (*TABLES, *VIEWS)],
        "A table is called as people ask it; its catalog and database follow from the account and "
        "the environment's name, which no deployment changes.",
    )
    asked = [] if "query-definitions" in environment.without else queries(cluster="", bill=bill)
    if asked:
        yield decision(
            _STUCK,
            [f"jobs/{query_id(name)}" for name in asked],
            "Athena tells saved queries by their ids, and lets two have one name.",
        )
    if environment.log_retention_days < KEPT_A_YEAR_DAYS:
        yield decision(
            ["CT.CLOUDWATCH.PR.2"],
            ["jobs/Count/Log/Resource", "jobs/Hour/Log/Resource"],
            "A test environment keeps its logs as long as its settings say.",
        )

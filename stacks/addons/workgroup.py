"""An Athena workgroup that an add-on's tables are asked by, and its saved queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aws_cdk import aws_athena as athena

if TYPE_CHECKING:
    import aws_cdk as cdk

    from stacks.settings import Environment

__all__ = ["save_queries", "workgroup"]


def workgroup(
    stack: cdk.Stack,
    *,
    environment: Environment,
    name: str,
    description: str,
    answers: str,
    key_arn: str,
    cutoff_gb: int,
) -> athena.CfnWorkGroup:
    """Make a workgroup whose settings hold whatever a query asks for.

    Args:
        stack: of the add-on.
        environment: whose account owns the bucket of answers.
        name: of the workgroup.
        description: of the same.
        answers: ``s3://`` address below which Athena puts answers.
        key_arn: encrypts them.
        cutoff_gb: a query that reads more gigabytes is stopped.
    """
    made = athena.CfnWorkGroup
    return made(
        stack,
        "Workgroup",
        name=name,
        description=description,
        recursive_delete_option=not environment.production,
        work_group_configuration=made.WorkGroupConfigurationProperty(
            enforce_work_group_configuration=True,
            engine_version=made.EngineVersionProperty(
                selected_engine_version="Athena engine version 3"
            ),
            bytes_scanned_cutoff_per_query=cutoff_gb * 10**9,
            publish_cloud_watch_metrics_enabled=True,
            requester_pays_enabled=False,
            result_configuration=made.ResultConfigurationProperty(
                output_location=answers,
                expected_bucket_owner=environment.account,
                encryption_configuration=made.EncryptionConfigurationProperty(
                    encryption_option="SSE_KMS", kms_key=key_arn
                ),
            ),
        ),
    )


def save_queries(
    stack: cdk.Stack, saved: Mapping[str, tuple[str, str]], *, database: str, group: str
) -> None:
    """Save queries in the workgroup of a stack.

    Args:
        stack: of the add-on, which has its workgroup.
        saved: name and SQL of each, by its logical id.
        database: that they ask.
        group: name of the workgroup, which no reference orders.
    """
    for logical_id, (name, text) in saved.items():
        query = athena.CfnNamedQuery(
            stack, logical_id, name=name, database=database, query_string=text, work_group=group
        )
        query.node.add_dependency(stack.node.find_child("Workgroup"))

"""Forbids a stateful resource that does not say what becomes of it when its stack lets it go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.template import Resource, Template

__all__ = ["STATEFUL", "UNSTATED_REMOVAL"]

STATEFUL: Final = (
    "AWS::Athena::WorkGroup",
    "AWS::Backup::BackupVault",
    "AWS::CloudTrail::EventDataStore",
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
)
"""Types that hold what cannot be synthesized again."""


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    del template
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if policy not in resource.body:
            yield f"it states no {policy}"


UNSTATED_REMOVAL: Final = Rule(
    name="unstated-removal",
    controls=("NIST CP-9", "NIST CM-3", "HIPAA 164.310(d)(2)(iv)"),
    kinds=STATEFUL,
    fix="Give the construct a removal_policy: RETAIN in production, DESTROY where it may go.",
    judge=_judge,
)

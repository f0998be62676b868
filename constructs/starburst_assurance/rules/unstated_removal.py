"""Forbids what holds state and does not say what becomes of it, or its policy, without a stack."""

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


_BUCKET_POLICY: Final = "AWS::S3::BucketPolicy"
"""What a kept bucket would lose with its stack; keys and repositories have their policy inside."""

_GOES: Final = "Delete"


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    owner = resource
    if resource.kind == _BUCKET_POLICY:
        found = template.referred(resource.properties["Bucket"])
        if found is None:
            return
        owner = found
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        stated = owner.body.get(policy)
        if owner is resource and stated is None:
            yield f"it states no {policy}"
        if owner is not resource and stated not in (None, _GOES, resource.body.get(policy)):
            yield f"its bucket stays by {policy} {stated}, and it would go: it must say the same"


UNSTATED_REMOVAL: Final = Rule(
    name="unstated-removal",
    controls=("NIST CP-9", "NIST CM-3", "HIPAA 164.310(d)(2)(iv)"),
    kinds=(*STATEFUL, _BUCKET_POLICY),
    fix="Give the construct a removal_policy: RETAIN in production, DESTROY where it may go.",
    judge=_judge,
)

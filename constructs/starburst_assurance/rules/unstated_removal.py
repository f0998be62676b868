"""Forbids what holds state and does not say what becomes of it, or its policy, without a stack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.holding import STATEFUL
from starburst_assurance.templates.template import Resource, Template

__all__ = ["UNSTATED_REMOVAL"]

_POLICIES: Final = {
    "AWS::Kinesis::ResourcePolicy": "ResourceArn",
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::S3Express::BucketPolicy": "Bucket",
    "AWS::S3Tables::TableBucketPolicy": "TableBucketARN",
    "AWS::SQS::QueueInlinePolicy": "Queue",
    "AWS::SQS::QueuePolicy": "Queues",
    "AWS::SecretsManager::ResourcePolicy": "SecretId",
}
"""What a kept resource would lose with its stack, and the property that says whose it is.

Keys and repositories have their policy inside.
"""

_ONE_PART: Final = re.compile(r"\$\{(\w+)\}")

_GOES: Final = "Delete"

_STATED: Final = ("DeletionPolicy", "UpdateReplacePolicy")


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    whose = _POLICIES.get(resource.kind)
    if whose is None:
        for policy in _STATED:
            if resource.body.get(policy) is None:
                yield f"it states no {policy}"
        return
    for owner in _owners(resource.properties.get(whose), template):
        for policy in _STATED:
            stated = owner.body.get(policy)
            if stated not in (None, _GOES, resource.body.get(policy)):
                yield f"{owner.path} stays by {policy} {stated}, and it would go: say the same"


def _owners(value: object, template: Template) -> Iterator[Resource]:
    """Yield the resources that a policy is of, however it names them."""
    if isinstance(value, list):
        for one in value:
            yield from _owners(one, template)
        return
    found = template.referred(value)
    if found is None and isinstance(value, Mapping):
        inner = value.get("Fn::Sub")
        part = _ONE_PART.fullmatch(inner) if isinstance(inner, str) else None
        found = template.resources.get(part[1]) if part else None
    if found is not None:
        yield found
    elif isinstance(value, str):
        names = ((one, one.properties.get("BucketName")) for one in template.all_of(*STATEFUL))
        yield from (one for one, name in names if name == value)


UNSTATED_REMOVAL: Final = Rule(
    name="unstated-removal",
    controls=("NIST CP-9", "NIST CM-3", "HIPAA 164.310(d)(2)(iv)"),
    kinds=(*STATEFUL, *_POLICIES),
    fix="Give the construct a removal_policy: RETAIN in production, DESTROY where it may go.",
    judge=_judge,
)

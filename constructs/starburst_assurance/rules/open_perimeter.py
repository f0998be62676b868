"""Forbids a bucket, queue, topic, key or repository whose policy lets strangers in (S11)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.statements import (
    Statement,
    covers_actions,
    denies_everyone,
    listed,
    policy_of,
)
from starburst_assurance.templates.template import Resource, Template

__all__ = ["OPEN_PERIMETER"]

_ACTIONS: Final = {
    "AWS::ECR::Repository": ("ecr:*",),
    "AWS::KMS::Key": ("kms:*",),
    "AWS::S3::Bucket": ("s3:*",),
    # SNS refuses sns:* in a topic's policy.
    "AWS::SNS::Topic": ("sns:Publish", "sns:Subscribe", "sns:SetTopicAttributes"),
    "AWS::SQS::Queue": ("sqs:*",),
}

_WHO: Final = frozenset({"aws:principalaccount", "aws:principalorgid"})
_NAMED: Final = ("aws:principalaccount", "false")
_SERVICE: Final = "aws:principalisawsservice"


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    if not any(
        denies_everyone(statement)
        and covers_actions(statement, _ACTIONS[resource.kind])
        and _whole(statement, resource, template)
        and _strangers(statement.get("Condition", {}), signed=resource.kind == "AWS::KMS::Key")
        for statement in policy_of(resource, template)
    ):
        yield "its policy does not deny principals of other accounts"


def _strangers(condition: dict[str, dict[str, Any]], *, signed: bool) -> bool:
    """Return whether a Deny holds for all but our principals, services at most excepted.

    Where every call is ``signed``, a call that names no account is a service's as well.
    """
    outside = {key.lower() for key in condition.get("StringNotEquals", {})}
    services = {key.lower() for key in condition.get("BoolIfExists", {})}
    keys = sum(map(len, condition.values()))
    named = [(key.lower(), str(value)) for key, value in condition.get("Null", {}).items()]
    allowed = 1 + len(services) + (signed and named == [_NAMED])
    return len(outside & _WHO) == 1 and services <= {_SERVICE} and keys == allowed


def _whole(statement: Statement, resource: Resource, template: Template) -> bool:
    if resource.kind != "AWS::S3::Bucket":
        return "NotResource" not in statement
    named = {template.text(value) for value in listed(statement.get("Resource"))}
    arn = template.text({"Fn::GetAtt": [resource.name, "Arn"]})
    return "*" in named or {arn, f"{arn}/*"} <= named


OPEN_PERIMETER: Final = Rule(
    name="open-perimeter",
    controls=("Data perimeter: trusted identities", "NIST AC-3", "NIST AC-4"),
    kinds=tuple(_ACTIONS),
    fix=(
        "Deny every action to everyone whose aws:PrincipalAccount or aws:PrincipalOrgID is not "
        "ours, with BoolIfExists aws:PrincipalIsAWSService false as the only exception."
    ),
    judge=_judge,
)

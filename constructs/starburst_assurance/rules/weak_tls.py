"""Forbids reaching a bucket, queue or topic without TLS, and a bucket below TLS 1.2 (S10)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.statements import (
    Statement,
    covers_actions,
    denies_everyone,
    listed,
    policy_of,
    tested,
)
from starburst_assurance.templates.template import Resource, Template

__all__ = ["WEAK_TLS"]

FLOOR: Final = 1.2

_ACTIONS: Final = {
    "AWS::S3::Bucket": ("s3:*",),
    "AWS::SQS::Queue": ("sqs:*",),
    # SNS refuses sns:* in a topic's policy.
    "AWS::SNS::Topic": ("sns:Publish",),
}


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    denies = [
        statement
        for statement in policy_of(resource, template)
        if denies_everyone(statement)
        and covers_actions(statement, _ACTIONS[resource.kind])
        and _all_of(statement, resource, template)
        and sum(map(len, statement.get("Condition", {}).values())) == 1
    ]
    if not any(_plain_http(statement) for statement in denies):
        yield "its policy does not deny requests without TLS (aws:SecureTransport)"
    if resource.kind == "AWS::S3::Bucket" and not any(map(_old_tls, denies)):
        yield f"its policy does not deny TLS below {FLOOR} (s3:TlsVersion)"


def _plain_http(statement: Statement) -> bool:
    return [str(value).lower() for value in tested(statement, "Bool", "aws:SecureTransport")] == [
        "false"
    ]


def _old_tls(statement: Statement) -> bool:
    floors = tested(statement, "NumericLessThan", "s3:TlsVersion")
    return any(float(value) >= FLOOR for value in floors)


def _all_of(statement: Statement, resource: Resource, template: Template) -> bool:
    """Return whether a statement covers the whole resource: a bucket and its objects."""
    named = {template.text(value) for value in listed(statement.get("Resource"))}
    if resource.kind != "AWS::S3::Bucket":
        return bool(named)
    arn = template.text({"Fn::GetAtt": [resource.name, "Arn"]})
    return "*" in named or {arn, f"{arn}/*"} <= named


WEAK_TLS: Final = Rule(
    name="weak-tls",
    controls=("FSBP S3.5", "CIS 2.1.1", "NIST SC-8", "HIPAA 164.312(e)(1)"),
    kinds=tuple(_ACTIONS),
    fix=(
        "Deny everything to everyone where aws:SecureTransport is false and, for a bucket and its "
        "objects, where s3:TlsVersion is less than 1.2."
    ),
    judge=_judge,
)

"""Forbids results, logs and wheels that a second write could replace (S7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

__all__ = ["ONCE", "SECOND_WRITE"]

ONCE: Final = (
    "sessions/*/*/*/results/*",
    "sessions/*/*/*/logs/*",
    "sessions/*/*/*/manifest.json",
    "packages/*",
)
"""Keys that only the first write may make."""

Conditions = Mapping[tuple[str, str], list[str]]
"""Values by operator and key."""

_PARTS: Final = ("BoolIfExists", "s3:objectcreationoperation")
"""What may stand beside If-None-Match: parts of an upload create no object."""

_WAYS: Final[Mapping[str, Conditions]] = {
    "a PutObject that does not say If-None-Match: *": {
        ("StringNotEquals", "s3:if-none-match"): ["*"]
    },
    "a copy": {("Null", "s3:x-amz-copy-source"): ["false"]},
    "a PutObject that says If-Match": {("Null", "s3:if-match"): ["false"]},
    "a form's upload": {("StringEquals", "s3:authtype"): ["POST"]},
}
"""Each way to replace an object, and the only condition that may narrow its Deny.

Read to the letter: a second value, another operator or one more condition lets some write through,
or must be thought about. ``StringNotLike`` of ``*`` never holds for a header that is there, and
``ForAnyValue:`` not for one that is absent.
"""


def _judge(resource: Resource, template: Template) -> Iterator[str] | None:
    if not any(template.referred(bucket) is resource for bucket in _task_buckets(template)):
        return None
    arn = template.text({"Fn::GetAtt": [resource.name, "Arn"]})
    denials = [each for each in policy_of(resource, template) if _denies_writes(each)]
    return (
        f"its policy lets {way} replace {pattern}"
        for way, only in _WAYS.items()
        for pattern in ONCE
        if not {f"{arn}/{pattern}", f"{arn}/*"}
        & {
            template.text(value)
            for statement in denials
            if _narrowed(statement) == only
            for value in listed(statement.get("Resource"))
        }
    )


def _denies_writes(statement: Statement) -> bool:
    return denies_everyone(statement) and covers_actions(statement, ("s3:PutObject",))


def _narrowed(statement: Statement) -> Conditions:
    """Return a statement's conditions, but for the exception of an upload's parts."""
    found = {
        (operator, key.lower()): [_written(value) for value in listed(values)]
        for operator, block in statement.get("Condition", {}).items()
        for key, values in block.items()
    }
    if ("StringNotEquals", "s3:if-none-match") in found and found.get(_PARTS) == ["true"]:
        del found[_PARTS]
    return found


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _task_buckets(template: Template) -> Iterator[Any]:
    """Yield what task definitions tell their containers about buckets."""
    for task in template.all_of("AWS::ECS::TaskDefinition"):
        for container in task.properties.get("ContainerDefinitions", ()):
            for variable in container.get("Environment", ()):
                yield variable.get("Value")


SECOND_WRITE: Final = Rule(
    name="second-write",
    controls=("NIST SI-7", "NIST AU-9", "HIPAA 164.312(c)(1)"),
    kinds=("AWS::S3::Bucket",),
    fix=(
        "On the keys of results, logs, manifests and wheels, deny s3:PutObject to everyone where "
        "StringNotEquals s3:if-none-match is *, with BoolIfExists s3:ObjectCreationOperation as "
        "the only exception; where Null s3:x-amz-copy-source or Null s3:if-match is false; and "
        "where s3:authType is POST."
    ),
    judge=_judge,
)

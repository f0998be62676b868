"""Forbids results that a second write could replace (S10)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from starburst_constructs.compliance.rules.rule import Rule
from starburst_constructs.compliance.statements import (
    Statement,
    covers_actions,
    denies_everyone,
    listed,
    policy_of,
    tested,
)
from starburst_constructs.compliance.template import Resource, Template

__all__ = ["ONCE", "SECOND_WRITE"]

ONCE: Final = ("*/sessions/*/results/*", "*/sessions/*/manifest.json")
"""Keys that only the first write may make."""

_CREATION: Final = "s3:objectcreationoperation"


def _judge(resource: Resource, template: Template) -> Iterator[str] | None:
    if not any(template.referred(bucket) is resource for bucket in _task_buckets(template)):
        return None
    arn = template.text({"Fn::GetAtt": [resource.name, "Arn"]})
    kept = {
        template.text(value)
        for statement in policy_of(resource, template)
        if _needs_a_first_write(statement)
        for value in listed(statement.get("Resource"))
    }
    return (
        f"its policy lets a second PutObject replace {pattern}"
        for pattern in ONCE
        if not {f"{arn}/{pattern}", f"{arn}/*"} & kept
    )


def _needs_a_first_write(statement: Statement) -> bool:
    """Return whether a Deny holds for each write without If-None-Match, parts excepted."""
    absent = [str(value).lower() for value in tested(statement, "Null", "s3:if-none-match")]
    others = {
        key.lower()
        for block in statement.get("Condition", {}).values()
        for key in block
        if key.lower() != "s3:if-none-match"
    }
    return (
        denies_everyone(statement)
        and covers_actions(statement, ("s3:PutObject",))
        and absent == ["true"]
        and others <= {_CREATION}
    )


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
    mend=(
        "Deny s3:PutObject on the keys of results and manifests where Null s3:if-none-match is "
        "true, with s3:ObjectCreationOperation as the only exception."
    ),
    judge=_judge,
)

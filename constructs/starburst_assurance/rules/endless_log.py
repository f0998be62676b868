"""Forbids a log that nobody said how long to keep, or that AWS would create by itself (S25)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.template import Resource, Template

__all__ = ["ENDLESS_LOG"]


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    properties = resource.properties
    if resource.kind == "AWS::Logs::LogGroup":
        if not isinstance(properties.get("RetentionInDays"), int):
            yield "it states no retention, so that it would keep everything for ever"
    elif resource.kind == "AWS::Lambda::Function":
        if template.referred(properties.get("LoggingConfig", {}).get("LogGroup")) is None:
            yield "Lambda would create its log group, without retention and key"
    else:
        for container in properties.get("ContainerDefinitions", ()):
            log = container.get("LogConfiguration", {})
            group = log.get("Options", {}).get("awslogs-group")
            if log.get("LogDriver") == "awslogs" and template.referred(group) is None:
                yield f"container {container.get('Name')} logs to a group that is not ours"


ENDLESS_LOG: Final = Rule(
    name="endless-log",
    controls=("FSBP CloudWatch.16", "HIPAA 164.312(b)", "PCI 10.5.1"),
    kinds=("AWS::ECS::TaskDefinition", "AWS::Lambda::Function", "AWS::Logs::LogGroup"),
    fix="Create an EncryptedLogGroup with its days of retention, and name it here.",
    judge=_judge,
)

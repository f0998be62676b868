"""Forbids a worker's log that shows credentials and personal data to every reader (S25)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.statements import listed, statements
from starburst_assurance.templates.template import Resource, Template

__all__ = ["UNMASKED_LOG"]


def _judge(resource: Resource, template: Template) -> Iterator[str] | None:
    if not any(template.referred(group) is resource for group in _task_logs(template)):
        return None
    operations = [
        (statement.get("Operation", {}), listed(statement.get("DataIdentifier")))
        for statement in statements(resource.properties.get("DataProtectionPolicy"))
    ]
    wanted = {"Audit": "report", "Deidentify": "mask"}
    return (
        f"analysts' code prints here, and no data-protection policy {verb}s what it prints"
        for name, verb in wanted.items()
        if not any(name in operation and identifiers for operation, identifiers in operations)
    )


def _task_logs(template: Template) -> Iterator[Any]:
    for task in template.all_of("AWS::ECS::TaskDefinition"):
        for container in task.properties.get("ContainerDefinitions", ()):
            yield container.get("LogConfiguration", {}).get("Options", {}).get("awslogs-group")


UNMASKED_LOG: Final = Rule(
    name="unmasked-log",
    controls=("NIST SI-19", "HIPAA 164.312(b)", "PCI 3.4.1"),
    kinds=("AWS::Logs::LogGroup",),
    fix="Give the log group a DataProtectionPolicy with an Audit and a Deidentify statement.",
    judge=_judge,
)

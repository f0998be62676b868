"""Forbids a shell in a running task: open to every caller, and one that nobody records (P18)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.statements import documents, listed
from starburst_assurance.templates.template import Resource, Template

__all__ = ["OPEN_SHELL"]

_SHELL: Final = ("ecs:executecommand", "ssmmessages:createdatachannel")


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    del template
    properties = resource.properties
    if resource.kind == "AWS::ECS::Service":
        if properties.get("EnableExecuteCommand", False) is not False:
            yield "it lets users open a shell in its tasks"
    elif resource.kind == "AWS::ECS::Cluster":
        command = properties.get("Configuration", {}).get("ExecuteCommandConfiguration", {})
        log = command.get("LogConfiguration", {})
        recorded = log.get("CloudWatchEncryptionEnabled") is True or (
            log.get("S3EncryptionEnabled") is True
        )
        if command.get("Logging") != "OVERRIDE" or not command.get("KmsKeyId") or not recorded:
            yield "a shell opened by a role that is not ours would leave no encrypted record"
    else:
        for document in documents(resource):
            yield from _granted(document)


def _granted(document: Mapping[str, Any]) -> Iterator[str]:
    allowed, denied = set(), set()
    for statement in listed(document.get("Statement")):
        patterns = [str(action).lower() for action in listed(statement.get("Action"))]
        found = {action for action in _SHELL if any(fnmatchcase(action, each) for each in patterns)}
        if statement["Effect"] == "Allow":
            allowed |= found
        elif statement.get("Resource") == "*" and "Condition" not in statement:
            denied |= found
    for action in sorted(allowed - denied):
        yield f"it allows {action}"


OPEN_SHELL: Final = Rule(
    name="open-shell",
    controls=("FSBP ECS.5", "NIST AC-17", "PCI 10.2"),
    kinds=(
        "AWS::ECS::Cluster",
        "AWS::ECS::Service",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
    ),
    fix=(
        "Leave enableExecuteCommand off, allow neither ecs:ExecuteCommand nor ssmmessages, and "
        "set the cluster's executeCommandConfiguration to OVERRIDE with a key and encrypted logs."
    ),
    judge=_judge,
)

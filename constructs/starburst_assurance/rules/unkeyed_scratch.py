"""Forbids a cluster whose tasks' scratch disks are not under a key of ours (G16)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.template import Resource, Template

__all__ = ["UNKEYED_SCRATCH"]


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    del template
    managed = resource.properties.get("Configuration", {}).get("ManagedStorageConfiguration", {})
    if not managed.get("FargateEphemeralStorageKmsKeyId"):
        yield "its tasks' scratch disks are under a key that AWS owns"


UNKEYED_SCRATCH: Final = Rule(
    name="unkeyed-scratch",
    controls=("NIST SC-28", "HIPAA 164.312(a)(2)(iv)", "PCI 3.4"),
    kinds=("AWS::ECS::Cluster",),
    fix="Set managedStorageConfiguration.fargateEphemeralStorageKmsKeyId to the data key.",
    judge=_judge,
)

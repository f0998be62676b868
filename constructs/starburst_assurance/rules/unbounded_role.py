"""Forbids a role or user without a permissions boundary (G1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.template import Resource, Template

__all__ = ["UNBOUNDED_ROLE"]


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    del template
    if not resource.properties.get("PermissionsBoundary"):
        yield "it has no permissions boundary"


UNBOUNDED_ROLE: Final = Rule(
    name="unbounded-role",
    controls=("NIST AC-6", "CIS 1.15"),
    kinds=("AWS::IAM::Role", "AWS::IAM::User"),
    fix="Set permissionsBoundary to the environment's boundary; the stage does it for its roles.",
    judge=_judge,
)

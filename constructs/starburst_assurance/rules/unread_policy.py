"""Forbids a policy, or another way to grant access, that no rule and no theorem reads (S2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.policy_holders import unread
from starburst_assurance.templates.template import Resource, Template

__all__ = ["UNREAD_POLICY"]


def _judge(resource: Resource, template: Template) -> Iterator[str] | None:
    del template
    return unread(resource.kind, resource.properties)


UNREAD_POLICY: Final = Rule(
    name="unread-policy",
    controls=("NIST AC-3", "NIST AC-6", "CIS 1.14", "CIS 1.15"),
    kinds=(),
    fix=(
        "Say it in a role's managed policy or in the policy of the bucket, key, queue, topic or "
        "repository; or teach the proofs to read the type."
    ),
    judge=_judge,
)

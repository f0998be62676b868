"""Forbids letting an AWS service in without saying on whose behalf (P5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.deputies import POLICY_HOLDERS, open_deputies
from starburst_assurance.templates.template import Resource, Template
from starburst_constructs.policies.service_access import CONFUSED_DEPUTY_KEYS

__all__ = ["OPEN_DEPUTY"]


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    del template
    for found in open_deputies({"Resources": {resource.name: resource.body}}):
        yield f"{found.service} is let in on behalf of any account"


OPEN_DEPUTY: Final = Rule(
    name="open-deputy",
    controls=("NIST AC-3", "NIST AC-6", "CIS 1.15"),
    kinds=POLICY_HOLDERS,
    fix=(
        f"Add StringEquals, StringLike, ArnEquals or ArnLike on one of "
        f"{', '.join(CONFUSED_DEPUTY_KEYS)}, with our account, organization or ARN."
    ),
    judge=_judge,
)

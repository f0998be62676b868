"""Policies of an organization: what it denies to accounts, and who of it tells a bus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import Policy, Statement

__all__ = ["KINDS", "read_organization_policy"]

KINDS: Final = ("AWS::Events::EventBus", "AWS::Organizations::Policy")
"""Types with such policies in a template. Neither hangs on a resource that a role is let to."""

_ORGANIZATION: Final = "aws:PrincipalOrgID"


def read_organization_policy(name: str, kind: str, properties: Mapping[str, Any]) -> Policy | None:
    """Return a service control policy, or who may tell a bus; None of a bus that has no policy.

    Args:
        name: by which reports call the resource.
        kind: of it.
        properties: of it, every token in them resolved.

    Raises:
        ProofError: a control policy would grant; a bus hears others than one organization.

    Example:
        >>> deny = {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
        >>> found = read_organization_policy("x", "AWS::Organizations::Policy", {"Content": deny})
        >>> found.name
        'x'
    """
    if kind == "AWS::Organizations::Policy":
        policy = _parsed(name, properties.get("Content"))
        if any(statement.effect != "Deny" for statement in policy.statements):
            raise ProofError(f"{name}: a control policy of the kit denies; write Deny statements")
        return policy
    if "Policy" not in properties:
        return None
    policy = _parsed(f"{name} policy", properties["Policy"])
    for one in policy.statements:
        if one.effect == "Allow" and not _of_one_organization(one):
            raise ProofError(
                f"{name}: it lets anybody tell the bus; add StringEquals on {_ORGANIZATION}, with "
                "one value"
            )
    return policy


def _parsed(name: str, document: object) -> Policy:
    try:
        known = json.loads(document) if isinstance(document, str) else document
        return Policy.parse(name, cast(Mapping[str, Any], known))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ProofError(f"{name}: it is no policy in IAM's form ({error}); rewrite it") from error


def _of_one_organization(statement: Statement) -> bool:
    return any(
        one.operator == "StringEquals"
        and one.key.lower() == _ORGANIZATION.lower()
        and len(one.values) == 1
        for one in statement.conditions
    )

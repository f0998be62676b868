"""Which log groups an account's policy of CloudWatch Logs speaks of: it hangs on no resource."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import Policy

__all__ = ["KIND", "read_log_policy"]

KIND: Final = "AWS::Logs::ResourcePolicy"
"""Type of such a policy in a template."""


def read_log_policy(name: str, properties: Mapping[str, Any]) -> tuple[Policy, str]:
    """Return the policy, and the one resource that its statements name.

    Args:
        name: by which reports call it.
        properties: of the resource, every token in them resolved.

    Raises:
        ProofError: it is no JSON, hangs on a resource, or its statements do not all name the same.

    Example:
        >>> text = '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
        >>> read_log_policy("logs", {"PolicyDocument": text})[1]
        '*'
    """
    try:
        document = json.loads(properties["PolicyDocument"])
    except (TypeError, ValueError) as error:
        raise ProofError(f"{name}: PolicyDocument must be text in JSON: {error}") from None
    if properties.get("ResourceArn") is not None:
        raise ProofError(f"{name}: write its statements for the account, without ResourceArn")
    policy = Policy.parse(name, cast(Mapping[str, Any], document))
    named = {statement.resources for statement in policy.statements}
    groups = {resource for resources in named for resource in resources}
    if () in named or len(groups) != 1:
        raise ProofError(f"{name}: every statement must name one log group, the same, in Resource")
    return policy, groups.pop()

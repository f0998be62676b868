"""Permission sets of IAM Identity Center, which stand in another account's template."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starburst_assurance.proofs.reading.policies import Policy, PolicySet
from starburst_constructs.identity.identity_center import permission_set_document

__all__ = ["with_permission_sets"]

_LOGGED_IN_TO: Final = ("analyst", "steward", "platform")


def with_permission_sets(policy_set: PolicySet) -> PolicySet:
    """Return a policy set with what the permission set of each role of people may do."""
    policies: dict[str, Policy] = {}
    leading: dict[str, str] = {}
    for role in policy_set.roles_for(*_LOGGED_IN_TO):
        name = f"permission set to {role.name}"
        document = permission_set_document(role.arn, tags=role.workspace is not None)
        policies[name] = Policy.parse(name, document)
        leading[role.arn] = name
    return replace(
        policy_set,
        policies={**policy_set.policies, **policies},
        permission_sets=leading,
    )

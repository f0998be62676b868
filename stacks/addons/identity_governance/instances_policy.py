"""The service control policy: which accounts may make an instance of Identity Center."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starburst_constructs.policies.organization_policies import PolicySizeError, compact

__all__ = ["CREATE", "PolicyFormError", "instances_policy", "read_policy"]

CREATE: Final = "sso:CreateInstance"
_VERSION: Final = "2012-10-17"
_SID: Final = "DenyCreateAccountInstances"


class PolicyFormError(ValueError):
    """A text is no policy that Organizations would take; nothing was made of it."""


def instances_policy(allowed: Sequence[str]) -> dict[str, Any]:
    """Return the policy that lets no account make an instance but these.

    The management account is exempt from every service control policy; AWS refuses an account
    instance there by itself. ``aws:PrincipalAccount`` is in every signed request:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html.

    Args:
        allowed: ids of the accounts that may; none for nobody.

    Example:
        >>> instances_policy(["111122223333"])["Statement"][0]["Condition"]
        {'StringNotEquals': {'aws:PrincipalAccount': ['111122223333']}}
    """
    # One operator, whose value maps a key to values; the post's is a list, which is no policy.
    condition = {"StringNotEquals": {"aws:PrincipalAccount": list(allowed)}}
    statement = {"Sid": _SID, "Effect": "Deny", "Action": [CREATE], "Resource": "*"}
    return {
        "Version": _VERSION,
        "Statement": [{**statement, **({"Condition": condition} if allowed else {})}],
    }


def read_policy(text: str) -> dict[str, Any]:
    """Return a policy that is written as IAM's grammar has it.

    Args:
        text: JSON.

    Raises:
        PolicyFormError: says where it is not.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise PolicyFormError(
            f"the policy is no JSON ({error}); print a valid one with python -m "
            "deploy.credentials.organization_policy"
        ) from error
    said = found.get("Statement") if isinstance(found, dict) else None
    statements = [said] if isinstance(said, dict) else said
    if not isinstance(statements, list) or not all(isinstance(one, dict) for one in statements):
        raise PolicyFormError("the policy has no list of statements; give it one under Statement")
    if found.get("Version") != _VERSION:
        raise PolicyFormError(f"the policy is of no version; write Version, {_VERSION}")
    for one in statements:
        _require_elements(one)
        _require_conditions(one.get("Condition", {}))
    try:
        compact(found)
    except PolicySizeError as error:
        raise PolicyFormError(str(error)) from error
    return found


def _require_elements(statement: Mapping[str, Any]) -> None:
    """Require what Organizations asks of every statement.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html
    """
    called = f"statement {statement['Sid']}" if statement.get("Sid") else "a statement"
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise PolicyFormError(f"{called} has no Effect; write Allow or Deny")
    for name in ("Action", "Resource"):
        if (name in statement) == (f"Not{name}" in statement):
            raise PolicyFormError(f"{called} needs one of {name} and Not{name}; write one")
    for name in ("Principal", "NotPrincipal"):
        if name in statement:
            raise PolicyFormError(f"{called} has {name}, which no such policy may; leave it out")


def _require_conditions(block: object) -> None:
    if not isinstance(block, Mapping):
        raise PolicyFormError("Condition is no map of operators; write {operator: {key: [values]}}")
    for operator, keys in block.items():
        if not isinstance(keys, Mapping):
            raise PolicyFormError(
                f"{operator} holds no map of condition keys, so Organizations refuses the policy; "
                "write {key: [values]} behind it"
            )
        for key, values in keys.items():
            listed = values if isinstance(values, list) else [values]
            if not listed or not all(isinstance(value, str) for value in listed):
                raise PolicyFormError(f"{key} holds no values; write a text or a list of texts")

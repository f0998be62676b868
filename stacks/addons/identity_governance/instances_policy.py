"""The service control policy: which accounts may make an instance of Identity Center."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

__all__ = ["CREATE", "instances_policy"]

CREATE: Final = "sso:CreateInstance"
_VERSION: Final = "2012-10-17"
_SID: Final = "DenyCreateAccountInstances"


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

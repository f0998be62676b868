"""IAM Identity Center: permission sets that lead to one role of the kit each, under one's own name.

https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from starburst.contract import USER_TAG
from starburst_constructs.naming import role_name

__all__ = [
    "center_conditions",
    "permission_set_document",
    "permission_set_name",
    "reserved_roles",
]

_LONGEST: Final = 32
"""Characters of a permission set's name."""

_SUFFIX: Final = "?" * 16
"""What Identity Center puts behind a permission set's name: whole, so that no longer name fits."""


def permission_set_name(environment: str, purpose: str, workspace: str | None = None) -> str:
    """Return the name of the permission set that leads to a role: the role's, where it is short.

    Example:
        >>> permission_set_name("prod", "analyst", "genomics")
        'starburst-prod-analyst-genomics'
        >>> permission_set_name("production", "analyst", "rarediseases")
        'starburst-production-an-03845a21'
    """
    name = role_name(environment, purpose, workspace)
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST - len(digest) - 1]}-{digest}"


def reserved_roles(name: str, *, account: str, region: str) -> tuple[str, ...]:
    """Return patterns of the ARN of the role that Identity Center makes of a permission set.

    Its path names the Region of Identity Center, but for us-east-1. Nobody but Identity Center
    makes or changes roles in that path.

    Args:
        name: of the permission set.
        account: where it is assigned.
        region: of Identity Center.
    """
    place = "" if region == "us-east-1" else f"{region}/"
    path = f"arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/{place}"
    return (f"{path}AWSReservedSSO_{name}_{_SUFFIX}",)


def center_conditions(
    name: str, *, account: str, region: str, tags: bool
) -> dict[str, dict[str, Any]]:
    """Return what a role's trust asks of who comes by a permission set.

    Args:
        name: of the permission set.
        account: where it is assigned.
        region: of Identity Center.
        tags: ask for the name that Identity Center gave: the new session's tag is the old one's.
    """
    conditions: dict[str, dict[str, Any]] = {
        "ArnLike": {"aws:PrincipalArn": list(reserved_roles(name, account=account, region=region))}
    }
    if tags:
        own = f"${{aws:PrincipalTag/{USER_TAG}}}"
        conditions["StringEquals"] = {f"aws:RequestTag/{USER_TAG}": own}
    return conditions


def permission_set_document(role_arn: str, *, tags: bool) -> dict[str, Any]:
    """Return all that a permission set may do: become one role of the kit.

    Args:
        role_arn: of that role.
        tags: whether its sessions carry a name.
    """
    actions = ["sts:AssumeRole", *(["sts:TagSession"] if tags else [])]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "BecomeIt", "Effect": "Allow", "Action": actions, "Resource": role_arn}
        ],
    }

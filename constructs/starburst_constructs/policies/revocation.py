"""The policy that ends sessions which began before a moment, and the right to put it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from starburst.contract import USER_TAG
from starburst_constructs.placement import Placement
from starburst_constructs.policies.incident_statements import (
    allow,
    document,
    find_the_bucket,
    see_who_is_there,
)

__all__ = ["POLICY_PREFIX", "moment", "policy_name", "revocation_document", "revoker_document"]

POLICY_PREFIX: Final = "DenyOlderSessions"
"""Of the inline policy's name: an auditor sees by it why a role refuses."""

_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"


def moment(when: datetime) -> str:
    """Return a time as IAM compares it: UTC, whole seconds.

    Example:
        >>> moment(datetime(2026, 1, 2, 3, 4, 5, 999, tzinfo=UTC))
        '2026-01-02T03:04:05Z'
    """
    return when.astimezone(UTC).strftime(_FORMAT)


def policy_name(user: str | None = None) -> str:
    """Return the name of the inline policy: one for all of a role's sessions, one for each user.

    Example:
        >>> policy_name(), policy_name("alice")
        ('DenyOlderSessions', 'DenyOlderSessions-alice')
    """
    return POLICY_PREFIX if user is None else f"{POLICY_PREFIX}-{user}"


def revocation_document(before: datetime, *, user: str | None = None) -> dict[str, Any]:
    """Return the policy that denies everything to sessions that began before a moment.

    Args:
        before: sessions that begin then or later are not touched.
        user: only sessions that carry this name; without it, all of the role's.
    """
    condition: dict[str, Any] = {"DateLessThan": {"aws:TokenIssueTime": moment(before)}}
    if user is not None:
        condition["StringEquals"] = {f"aws:PrincipalTag/{USER_TAG}": user}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DenyOlderSessions",
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
                "Condition": condition,
            }
        ],
    }


def revoker_document(
    environment: str,
    workspaces: Sequence[str],
    roles: Sequence[str],
    *,
    placement: Placement,
    bucket: str,
) -> dict[str, Any]:
    """Return the permissions to revoke and to undo it, and nothing else.

    Args:
        environment: its name.
        workspaces: whose users' names they see, so that a slip in a name is told.
        roles: ARNs of the roles whose sessions they may end.
        placement: of the environment.
        bucket: the data bucket's name.
    """
    return document(
        find_the_bucket(environment, placement=placement),
        see_who_is_there(workspaces, bucket=bucket),
        allow(
            "RevokeSessions",
            ["iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:PutRolePolicy"],
            list(roles),
        ),
    )

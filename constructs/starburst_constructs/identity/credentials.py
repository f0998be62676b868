"""What the commands of ``deploy.credentials`` must be allowed, and the denial that one puts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starburst_constructs.policies.incident_statements import allow, document

__all__ = [
    "DENY_ALL",
    "disabler_document",
    "rotator_document",
    "users_below",
]

DENY_ALL: Final = "arn:aws:iam::aws:policy/AWSDenyAll"
"""AWS's policy that denies everything.

A key that is inactive ends no session that it began: those of ``GetSessionToken`` last for up to 36
hours with their user's policies, and so with this one.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_disable-perms.html
"""


def users_below(account: str, path: str) -> str:
    """Return the pattern of the ARNs of all IAM users below a path.

    Example:
        >>> users_below("111122223333", "/analysts/")
        'arn:aws:iam::111122223333:user/analysts/*'
    """
    return f"arn:aws:iam::{account}:user{path}*"


def disabler_document(account: str, path: str) -> dict[str, Any]:
    """Return the permissions to disable the credentials of users below a path, and to enable keys.

    None makes a key, a login or a device. The one policy that may be attached is AWS's own that
    denies everything, so nobody gets a right by this.

    Args:
        account: of the users.
        path: below which they are.
    """
    users = [users_below(account, path)]
    return document(
        allow(
            "DisableUsers",
            [
                "iam:DeleteLoginProfile",
                "iam:GetLoginProfile",
                "iam:ListAccessKeys",
                "iam:ListAttachedUserPolicies",
                "iam:UpdateAccessKey",
            ],
            users,
        ),
        allow(
            "DenyEverything",
            ["iam:AttachUserPolicy", "iam:DetachUserPolicy"],
            users,
            {"ArnEquals": {"iam:PolicyARN": DENY_ALL}},
        ),
    )


def rotator_document(keys: Sequence[str]) -> dict[str, Any]:
    """Return the permissions to rotate keys on demand, and to see that they were.

    Args:
        keys: ARNs.
    """
    actions = ["kms:GetKeyRotationStatus", "kms:ListKeyRotations", "kms:RotateKeyOnDemand"]
    return document(allow("RotateKeys", actions, list(keys)))

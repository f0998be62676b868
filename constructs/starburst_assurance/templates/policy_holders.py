"""Where a template can grant access: what rules and theorems read, and what they do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

__all__ = ["GRANTING", "READ", "unread"]

READ: Final = frozenset(
    {
        "AWS::Backup::BackupVault",
        "AWS::EC2::VPCEndpoint",
        "AWS::ECR::Repository",
        "AWS::Events::EventBus",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        "AWS::Logs::ResourcePolicy",
        "AWS::Organizations::Policy",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
    }
)
"""Types whose policies theorems are about."""

GRANTING: Final = frozenset(
    {
        "AWS::IAM::AccessKey",
        "AWS::IAM::Group",
        "AWS::IAM::User",
        "AWS::IAM::UserToGroupAddition",
        "AWS::Lambda::LayerVersionPermission",
        "AWS::Lambda::Url",
        "AWS::RAM::ResourceShare",
        "AWS::RolesAnywhere::Profile",
        "AWS::S3::AccessGrant",
        "AWS::S3::AccessPoint",
        "AWS::S3::MultiRegionAccessPoint",
        "AWS::SSO::Assignment",
        "AWS::SSO::PermissionSet",
    }
)
"""Types that grant access, with or without a policy, and that no theorem is about."""

_NO_ACCESS: Final = frozenset({"DataProtectionPolicy"})
"""Properties that look like a policy and say nothing of who may do what."""

_TO_PEOPLE: Final = ("Groups", "Users")


def unread(kind: str, properties: Mapping[str, Any]) -> Iterator[str] | None:
    """Yield how a resource would grant access unseen; None where it is not about access.

    Example:
        >>> inline = {"PolicyDocument": {"Statement": []}}
        >>> list(unread("AWS::IAM::RolePolicy", inline) or ())
        ['no theorem reads a policy of AWS::IAM::RolePolicy']
        >>> list(unread("AWS::IAM::ManagedPolicy", inline) or ())
        []
    """
    if kind in GRANTING:
        return iter((f"{kind} grants access, and no theorem reads it",))
    if not _holds(properties):
        return None
    if kind not in READ:
        return iter((f"no theorem reads a policy of {kind}",))
    return (
        f"it is attached to {name.lower()}, who have no boundary and no theorem"
        for name in _TO_PEOPLE
        if properties.get(name)
    )


def _holds(value: object) -> bool:
    """Return whether a policy document is somewhere in a value, as an object or as text."""
    if isinstance(value, Mapping):
        return "Statement" in value or any(
            _holds(inner) for name, inner in value.items() if name not in _NO_ACCESS
        )
    if isinstance(value, str):
        return '"Statement"' in value
    return isinstance(value, Sequence) and any(map(_holds, value))

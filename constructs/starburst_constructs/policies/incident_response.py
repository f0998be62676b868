"""What people of the security team must be allowed, one policy for each of their commands.

No role of the kit has any of it. Each document opens its duty and nothing else; what it opens on a
role of ours still stays under that role's boundary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starburst.contract import CONTROL_PREFIX, ControllerDoor, log_group_name, task_family
from starburst_constructs.naming import (
    cluster_names,
    controller_log_name,
    controller_name,
    role_arn,
)
from starburst_constructs.placement import Placement
from starburst_constructs.policies.incident_statements import (
    Locker,
    allow,
    denials_on_roles,
    document,
    find_the_bucket,
    keep_records,
    see_who_is_there,
)

__all__ = [
    "ISOLATION_TAG",
    "LAUNCH_POLICY_PREFIX",
    "container_document",
    "eraser_document",
    "freezer_document",
    "holder_document",
    "isolator_document",
    "launch_denial_document",
    "launch_policy_name",
    "restorer_document",
    "watcher_document",
]

LAUNCH_POLICY_PREFIX: Final = "DenyLaunch"
"""Of the inline policy's name on the controller's role."""

ISOLATION_TAG: Final = "starburst:isolation"
"""Tag of the network ACL that cuts an environment off; its value is the environment's name."""

_ENVIRONMENT_TAG: Final = "starburst:environment"


def launch_policy_name(workspace: str, user: str | None = None, session: str | None = None) -> str:
    """Return the name of the inline policy that keeps workers from being started.

    Example:
        >>> launch_policy_name("genomics"), launch_policy_name("genomics", "alice")
        ('DenyLaunch-genomics', 'DenyLaunch-genomics-alice')
    """
    return "-".join(filter(None, (LAUNCH_POLICY_PREFIX, workspace, user, session)))


def launch_denial_document(
    environment: str,
    workspace: str,
    *,
    placement: Placement,
    user: str | None = None,
    session: str | None = None,
) -> dict[str, Any]:
    """Return the policy on the controller's role that refuses every launch for a workspace.

    Args:
        environment: its name.
        workspace: whose workers may not be started.
        placement: of the environment.
        user: only this user's workers: the controller tags each with its user, as it knows them.
        session: only this session's of theirs, which it tags as well.
    """
    family = placement.arn("ecs", f"task-definition/{task_family(environment, workspace)}")
    statement: dict[str, Any] = {
        "Sid": "DenyLaunch",
        "Effect": "Deny",
        "Action": ["ecs:RunTask", "ecs:StartTask"],
        # Of each architecture, with or without the revision that IAM may judge it by.
        "Resource": [family, f"{family}:*", f"{family}-*"],
    }
    tags = {"user": user, "session": session}
    named = {f"aws:RequestTag/starburst:{tag}": name for tag, name in tags.items() if name}
    if named:
        statement["Condition"] = {"StringEquals": named}
    return document(statement)


def container_document(
    environment: str,
    workspaces: Sequence[str],
    *,
    placement: Placement,
    bucket: str,
    locker: Locker | None = None,
    apart: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the permissions to contain workspaces, and to take it back."""
    clusters = cluster_names(environment, apart)
    arns = [placement.arn("ecs", f"cluster/{name}") for name in clusters]
    own_cluster = {"ArnEquals": {"ecs:cluster": arns if apart else arns[0]}}
    return document(
        find_the_bucket(environment, placement=placement),
        see_who_is_there(workspaces, bucket=bucket),
        denials_on_roles(environment, workspaces, placement=placement, controller=True),
        # ListTasks has no resource of its own on Fargate; the cluster is a condition.
        allow("ListWorkers", ["ecs:ListTasks"], ["*"], own_cluster),
        allow(
            "StopWorkers",
            ["ecs:DescribeTasks", "ecs:StopTask"],
            [placement.arn("ecs", f"task/{name}/*") for name in clusters],
        ),
        *keep_records(environment, placement=placement, locker=locker),
    )


def freezer_document(
    environment: str, *, placement: Placement, locker: Locker | None = None
) -> dict[str, Any]:
    """Return the permissions to freeze, to thaw, and to see totals: one alias, no other (A1)."""
    door = f"function:{controller_name(environment)}:{ControllerDoor.OFFICERS}"
    return document(
        allow("AskAsAnOfficer", ["lambda:InvokeFunction"], [placement.arn("lambda", door)]),
        *keep_records(environment, placement=placement, locker=locker),
    )


def isolator_document(
    environment: str, *, placement: Placement, locker: Locker | None = None
) -> dict[str, Any]:
    """Return the permissions to cut an environment's network, and to heal it."""
    ec2 = f"arn:aws:ec2:{placement.region}:{placement.account}"
    ours = {"StringEquals": {f"aws:ResourceTag/{_ENVIRONMENT_TAG}": environment}}
    made = {"StringEquals": {f"aws:ResourceTag/{ISOLATION_TAG}": environment}}
    return document(
        allow(
            "SeeWhereWorkersRun",
            ["lambda:GetFunctionConfiguration"],
            [placement.arn("lambda", f"function:{controller_name(environment)}")],
        ),
        # Describing has no resource to name.
        allow("ReadNetwork", ["ec2:DescribeNetworkAcls", "ec2:DescribeSecurityGroups"], ["*"]),
        allow(
            "ChangeRules",
            [
                "ec2:AuthorizeSecurityGroupEgress",
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:RevokeSecurityGroupIngress",
            ],
            [f"{ec2}:security-group/*"],
            ours,
        ),
        allow("MakeInOurVpc", ["ec2:CreateNetworkAcl"], [f"{ec2}:vpc/*"], ours),
        allow(
            "MakeTagged",
            ["ec2:CreateNetworkAcl"],
            [f"{ec2}:network-acl/*"],
            {"StringEquals": {f"aws:RequestTag/{ISOLATION_TAG}": environment}},
        ),
        allow(
            "TagWhatIsMade",
            ["ec2:CreateTags"],
            [f"{ec2}:network-acl/*"],
            {
                "StringEquals": {
                    "ec2:CreateAction": "CreateNetworkAcl",
                    f"aws:RequestTag/{ISOLATION_TAG}": environment,
                }
            },
        ),
        allow("RemoveWhatWasMade", ["ec2:DeleteNetworkAcl"], [f"{ec2}:network-acl/*"], made),
        # The way back names the ACL that was there, which may be the VPC's own and have no tag;
        # the subnets bound it.
        allow(
            "GiveSubnetsAnother", ["ec2:ReplaceNetworkAclAssociation"], [f"{ec2}:subnet/*"], ours
        ),
        allow("AnyAclForThem", ["ec2:ReplaceNetworkAclAssociation"], [f"{ec2}:network-acl/*"]),
        *keep_records(environment, placement=placement, locker=locker),
    )


def holder_document(
    environment: str,
    prefixes: Sequence[str],
    *,
    placement: Placement,
    bucket: str,
    locker: Locker | None = None,
) -> dict[str, Any]:
    """Return the permissions to put versions on hold, and to release them."""
    return document(
        find_the_bucket(environment, placement=placement),
        _names(prefixes, bucket=bucket),
        see_who_is_there(_workspaces(prefixes), bucket=bucket),
        allow(
            "Hold",
            ["s3:PutObjectLegalHold"],
            _below(prefixes, bucket=bucket),
        ),
        denials_on_roles(environment, _workspaces(prefixes), placement=placement, controller=False),
        *keep_records(environment, placement=placement, locker=locker),
    )


def eraser_document(
    environment: str,
    prefixes: Sequence[str],
    *,
    placement: Placement,
    bucket: str,
    locker: Locker | None = None,
) -> dict[str, Any]:
    """Return the permissions to erase all below prefixes: no content is read."""
    return document(
        find_the_bucket(environment, placement=placement),
        _names(prefixes, bucket=bucket),
        allow(
            "SeeWhoIsActive",
            ["s3:ListBucket"],
            [f"arn:aws:s3:::{bucket}"],
            {"StringEquals": {"s3:prefix": f"{CONTROL_PREFIX}active/"}},
        ),
        see_who_is_there(_workspaces(prefixes), bucket=bucket),
        # Names only: they say who is contained or held.
        allow(
            "SeeWhoIsKept",
            ["iam:ListRolePolicies"],
            [
                *(
                    role_arn(environment, "analyst", workspace, account=placement.account)
                    for workspace in _workspaces(prefixes)
                ),
                role_arn(environment, "controller", account=placement.account),
            ],
        ),
        allow(
            "Erase",
            ["s3:DeleteObjectVersion", "s3:GetObjectLegalHold"],
            _below(prefixes, bucket=bucket),
        ),
        *keep_records(environment, placement=placement, locker=locker),
    )


def restorer_document(
    environment: str,
    prefixes: Sequence[str],
    *,
    placement: Placement,
    bucket: str,
    key_arn: str,
) -> dict[str, Any]:
    """Return the permissions to bring earlier versions back."""
    return document(
        find_the_bucket(environment, placement=placement),
        _names(prefixes, bucket=bucket),
        see_who_is_there(_workspaces(prefixes), bucket=bucket),
        allow(
            "BringBack",
            [
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:GetObjectVersion",
                "s3:PutObject",
            ],
            _below(prefixes, bucket=bucket),
        ),
        allow(
            "EncryptionAtRest",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [key_arn],
            {"StringEquals": {"kms:ViaService": f"s3.{placement.region}.amazonaws.com"}},
        ),
    )


def watcher_document(
    environment: str,
    workspaces: Sequence[str],
    *,
    placement: Placement,
    trail_log_group: str | None = None,
) -> dict[str, Any]:
    """Return the permissions to ask for security events.

    Args:
        environment: its name.
        workspaces: whose workers' logs may be asked.
        placement: of the environment.
        trail_log_group: of the trail's events; None where the environment has no trail.
    """
    names = [log_group_name(environment, workspace) for workspace in workspaces]
    names.append(controller_log_name(environment))
    names += [trail_log_group] if trail_log_group else []
    groups = [placement.arn("logs", f"log-group:{name}:*") for name in names]
    trails = placement.arn("cloudtrail", f"trail/starburst-{environment}")
    return document(
        allow("FindTheTrail", ["cloudtrail:GetTrail", "cloudtrail:GetTrailStatus"], [trails]),
        allow("Ask", ["logs:StartQuery"], groups),
        # What a query found has no resource: only its id, which nobody can guess.
        allow("ReadAnswers", ["logs:GetQueryResults", "logs:StopQuery"], ["*"]),
    )


def _names(prefixes: Sequence[str], *, bucket: str) -> dict[str, Any]:
    return allow(
        "ListVersions",
        ["s3:ListBucketVersions"],
        [f"arn:aws:s3:::{bucket}"],
        {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
    )


def _below(prefixes: Sequence[str], *, bucket: str) -> list[str]:
    return [f"arn:aws:s3:::{bucket}/{prefix}*" for prefix in prefixes]


def _workspaces(prefixes: Sequence[str]) -> list[str]:
    """Return the workspaces that prefixes are in, each once."""
    return list(dict.fromkeys(prefix.split("/")[1] for prefix in prefixes))

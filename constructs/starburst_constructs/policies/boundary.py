"""The permissions boundary: the most that any role of an environment can ever be given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_cdk import aws_iam as iam

from starburst_constructs.naming import cluster_names
from starburst_constructs.placement import Placement
from starburst_constructs.policies.wildcards import NO_RESOURCE, Allow, Wildcard

__all__ = ["IDENTITY_CHANGES", "boundary_statements", "ceiling", "never_allowed"]

IDENTITY_CHANGES = (
    "iam:AttachRolePolicy",
    "iam:CreateAccessKey",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:CreateUser",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
)
"""What no role may do to any identity: tags are what tells one analyst from another (P10)."""

_CAPS: Final = (
    "A permissions boundary grants nothing: its patterns cap what policies may grant, and each "
    "policy is judged by itself."
)

_GLOBAL_SERVICES = ("budgets:*", "iam:*", "organizations:*", "sts:*")


def ceiling(
    sid: str,
    actions: Sequence[str],
    *,
    resources: Sequence[str],
    conditions: Mapping[str, Any] | None = None,
) -> Allow:
    """Return one ceiling of a boundary: a cap that grants nothing, so each of its patterns may be.

    Args:
        sid: statement id.
        actions: single actions.
        resources: ARNs and patterns; ``*`` for actions that have none to name.
        conditions: IAM condition block.
    """
    return Allow(
        sid=sid,
        actions=actions,
        resources=[
            Wildcard(resource=one, reason=f"{_CAPS} {NO_RESOURCE}it caps nothing but these.")
            if one == "*"
            else Wildcard(resource=one, reason=_CAPS)
            if "*" in one
            else one
            for one in resources
        ],
        conditions=conditions,
    )


def boundary_statements(
    environment: str,
    *,
    placement: Placement,
    regions: Sequence[str],
    apart: Sequence[str] = (),
    also: Sequence[iam.PolicyStatement] = (),
    regionless: Sequence[str] = (),
) -> list[iam.PolicyStatement]:
    """Return the boundary: a ceiling by action and account, then what is never allowed.

    Args:
        environment: its name; queues, functions and roles are capped to its own.
        placement: of the environment.
        regions: where data may be (S35); calls to another Region are denied.
        apart: workspaces that have clusters of their own.
        also: ceilings that an add-on's roles need beyond these.
        regionless: those of their actions whose service has no Region.
    """
    return [
        *_data(environment, account=placement.account),
        *_compute(environment, account=placement.account, apart=apart),
        *_operations(account=placement.account),
        *also,
        *never_allowed(regions, regionless=regionless),
    ]


def never_allowed(
    regions: Sequence[str], *, regionless: Sequence[str] = ()
) -> list[iam.PolicyStatement]:
    """Return what every boundary of the kit denies, whatever it allows.

    Args:
        regions: where data may be (S35); calls to another Region are denied.
        regionless: actions whose service has no Region.
    """
    return [
        iam.PolicyStatement(
            sid="NoIdentityChange",
            effect=iam.Effect.DENY,
            actions=list(IDENTITY_CHANGES),
            resources=["*"],
        ),
        iam.PolicyStatement(
            sid="NoShell", effect=iam.Effect.DENY, actions=["ecs:ExecuteCommand"], resources=["*"]
        ),
        iam.PolicyStatement(
            sid="NoShellLater",
            effect=iam.Effect.DENY,
            actions=["ecs:CreateService", "ecs:RunTask", "ecs:StartTask", "ecs:UpdateService"],
            resources=["*"],
            conditions={"StringEquals": {"ecs:enable-execute-command": "true"}},
        ),
        # Null keeps the negated operator from matching where the key is absent.
        iam.PolicyStatement(
            sid="NoOtherRegion",
            effect=iam.Effect.DENY,
            not_actions=[*_GLOBAL_SERVICES, *regionless],
            resources=["*"],
            conditions={
                "Null": {"aws:RequestedRegion": "false"},
                "StringNotEquals": {"aws:RequestedRegion": list(regions)},
            },
        ),
    ]


def _data(environment: str, *, account: str) -> list[iam.PolicyStatement]:
    return [
        # Bucket ARNs carry no account, so the account is a condition.
        ceiling(
            "OwnObjects",
            (
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:GetBucketLocation",
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:ListBucket",
                "s3:ListBucketMultipartUploads",
                "s3:ListBucketVersions",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
            ),
            resources=["arn:aws:s3:::*"],
            conditions={"StringEquals": {"aws:ResourceAccount": account}},
        ),
        ceiling(
            "OwnQueues",
            (
                "sqs:ChangeMessageVisibility",
                "sqs:CreateQueue",
                "sqs:DeleteMessage",
                "sqs:DeleteQueue",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ReceiveMessage",
                "sqs:SendMessage",
            ),
            resources=[f"arn:aws:sqs:*:{account}:starburst-{environment}-*"],
        ),
        ceiling(
            "OwnKeys",
            ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
            resources=[f"arn:aws:kms:*:{account}:key/*"],
        ),
        ceiling(
            "OwnParameters",
            ("ssm:GetParameter",),
            resources=[f"arn:aws:ssm:*:{account}:parameter/starburst/{environment}/*"],
        ),
    ]


def _compute(environment: str, *, account: str, apart: Sequence[str]) -> list[iam.PolicyStatement]:
    name = f"starburst-{environment}"
    return [
        ceiling(
            "OwnFunctions",
            ("lambda:InvokeFunction",),
            resources=[f"arn:aws:lambda:*:{account}:function:{name}-*"],
        ),
        ceiling(
            "OwnTasks",
            ("ecs:DescribeTasks", "ecs:RunTask", "ecs:StopTask", "ecs:TagResource"),
            resources=[
                f"arn:aws:ecs:*:{account}:task-definition/{name}-*",
                *(
                    f"arn:aws:ecs:*:{account}:task/{cluster}/*"
                    for cluster in cluster_names(environment, apart)
                ),
            ],
        ),
        ceiling(
            "OwnRoles",
            ("iam:PassRole",),
            resources=[f"arn:aws:iam::{account}:role/{name}-*"],
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
        ceiling(
            "OwnImages",
            (
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:DescribeImages",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ),
            resources=[f"arn:aws:ecr:*:{account}:repository/*"],
        ),
    ]


def _operations(*, account: str) -> list[iam.PolicyStatement]:
    return [
        ceiling(
            "OwnLogs",
            (
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:FilterLogEvents",
                "logs:GetLogEvents",
                "logs:PutLogEvents",
                "logs:StartQuery",
            ),
            resources=[f"arn:aws:logs:*:{account}:log-group:*"],
        ),
        ceiling(
            "Deployment",
            ("sts:AssumeRole",),
            resources=[f"arn:aws:iam::{account}:role/cdk-*"],
        ),
        ceiling(
            "Account",
            (
                "cloudwatch:DescribeAlarms",
                "cloudwatch:GetMetricData",
                "cloudwatch:ListMetrics",
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:UnassignPrivateIpAddresses",
                "ecr:GetAuthorizationToken",
                "ecs:DescribeClusters",
                "ecs:DescribeTaskDefinition",
                "ecs:ListTasks",
                "logs:DescribeLogGroups",
                "logs:DescribeQueries",
                "logs:GetQueryResults",
                "logs:StopQuery",
                "sqs:ListQueues",
            ),
            resources=["*"],
        ),
        ceiling(
            "OwnStacks",
            (
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResources",
                "cloudformation:DescribeStacks",
            ),
            resources=[f"arn:aws:cloudformation:*:{account}:stack/*"],
        ),
    ]

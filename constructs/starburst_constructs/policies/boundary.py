"""The permissions boundary: the most that any role of an environment can ever be given."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam

__all__ = ["IDENTITY_CHANGES", "boundary_statements"]

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

_GLOBAL_SERVICES = ("budgets:*", "iam:*", "organizations:*", "sts:*")


def boundary_statements(
    environment: str,
    *,
    account: str,
    regions: Sequence[str],
    also: Sequence[iam.PolicyStatement] = (),
    regionless: Sequence[str] = (),
) -> list[iam.PolicyStatement]:
    """Return the boundary: a ceiling by action and account, then what is never allowed.

    Args:
        environment: its name; queues, functions and roles are capped to its own.
        account: twelve digits.
        regions: where data may be (S35); calls to another Region are denied.
        also: ceilings that an add-on's roles need beyond these.
        regionless: those of their actions whose service has no Region.
    """
    return [
        *_data(environment, account),
        *_compute(environment, account),
        *_operations(account),
        *also,
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


def _allow(
    sid: str,
    actions: Sequence[str],
    *,
    resources: Sequence[str],
    conditions: dict[str, object] | None = None,
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid, actions=list(actions), resources=list(resources), conditions=conditions
    )


def _data(environment: str, account: str) -> list[iam.PolicyStatement]:
    return [
        # Bucket ARNs carry no account, so the account is a condition.
        _allow(
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
        _allow(
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
        _allow(
            "OwnKeys",
            ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
            resources=[f"arn:aws:kms:*:{account}:key/*"],
        ),
        _allow(
            "OwnParameters",
            ("ssm:GetParameter",),
            resources=[f"arn:aws:ssm:*:{account}:parameter/starburst/{environment}/*"],
        ),
    ]


def _compute(environment: str, account: str) -> list[iam.PolicyStatement]:
    name = f"starburst-{environment}"
    return [
        _allow(
            "OwnFunctions",
            ("lambda:InvokeFunction",),
            resources=[f"arn:aws:lambda:*:{account}:function:{name}-*"],
        ),
        _allow(
            "OwnTasks",
            ("ecs:DescribeTasks", "ecs:RunTask", "ecs:StopTask", "ecs:TagResource"),
            resources=[
                f"arn:aws:ecs:*:{account}:task-definition/{name}-*",
                f"arn:aws:ecs:*:{account}:task/{name}/*",
            ],
        ),
        _allow(
            "OwnRoles",
            ("iam:PassRole",),
            resources=[f"arn:aws:iam::{account}:role/{name}-*"],
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
        _allow(
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


def _operations(account: str) -> list[iam.PolicyStatement]:
    return [
        _allow(
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
        _allow(
            "Deployment",
            ("sts:AssumeRole",),
            resources=[f"arn:aws:iam::{account}:role/cdk-*"],
        ),
        # These actions have no resource to name.
        _allow(
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
        _allow(
            "OwnStacks",
            (
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResources",
                "cloudformation:DescribeStacks",
            ),
            resources=[f"arn:aws:cloudformation:*:{account}:stack/*"],
        ),
    ]

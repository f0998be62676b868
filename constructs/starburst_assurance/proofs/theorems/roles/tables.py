"""What each role is for and the most that any may be given: tables, apart from all policies.

A pattern may hold ``{a}`` for the account, ``{r}`` for the Region, ``{env}`` and ``{ws}`` for the
environment and the role's workspace, ``{user}`` for the analyst, and names of our own resources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

__all__ = [
    "AREAS",
    "CEILING",
    "CLEARING",
    "CLOSING",
    "DUTIES",
    "ENDPOINT_OPENING",
    "ENDPOINT_OPENING_CEILING",
    "NETWORK",
    "PUSHING",
    "USER",
    "Duty",
]

Duty = tuple[Sequence[str], Sequence[str]]
"""Actions, and patterns of the resources that they may be done to."""

SID: Final = "?" * 20
USER: Final = "alice"
MESSAGES: Final = (
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
)
CLEARING: Final = (
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
)
PUTTING: Final = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
"""What goes with writing in parts."""

KEEPING: Final = (
    *PUTTING,
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:GetObjectVersion",
)
"""What one may do with what is one's own, but write it."""

SHARED: Final = ("{bucket}/packages/{ws}/*", "{bucket}/data/{ws}/*")
"""What a workspace keeps beside sessions."""

KEY_USE: Final = ("kms:Decrypt", "kms:GenerateDataKey")
NETWORK: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
CLOSING: Final = "AWSConfigRemediation-RemoveVPCDefaultSecurityGroupRules"
RUNNING: Final = (
    f"arn:aws:ssm:{{r}}:*:automation-definition/{CLOSING}:*",
    f"arn:aws:ssm:{{r}}:*:document/{CLOSING}",
    "arn:aws:ssm:{r}:{a}:automation-execution/*",
)
"""AWS's runbook by both of its names, and what it runs as."""

STREAMS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
LOG_READING: Final = (
    "logs:DescribeLogStreams",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:StartQuery",
)
PUSHING: Final = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
HEALTH: Final = (
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "ecs:DescribeClusters",
    "ecs:DescribeTasks",
    "ecs:ListTasks",
    "logs:DescribeLogGroups",
    "logs:GetQueryResults",
    "logs:StopQuery",
)
STACKS: Final = (
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStackResources",
    "cloudformation:DescribeStacks",
)

AREAS: Final[Mapping[str, tuple[Sequence[str], Sequence[str]]]] = {
    "sessions/": (("analyst", "controller", "worker"), ("analyst", "controller", "worker")),
    "packages/": (("analyst", "steward"), ("analyst", "steward", "worker")),
    "data/": (("analyst", "steward"), ("analyst", "steward", "worker")),
    "home/": (("analyst",), ("analyst",)),
    "_control/": (("controller",), ("controller",)),
}
"""The areas of the data bucket: purposes of the roles that change objects there, that read them.

What a workspace's settings leave to each, ``theorems.data.sharing`` proves.
"""

DUTIES: Final[Mapping[str, Sequence[Duty]]] = {
    "analyst": (
        (("s3:ListBucket", "s3:ListBucketVersions"), ("{bucket}",)),
        (KEEPING, ("{bucket}/sessions/{ws}/{user}/*",)),
        (
            ("s3:PutObject",),
            tuple(
                f"{{bucket}}/sessions/{{ws}}/{{user}}/{SID}/{name}"
                for name in ("manifest.json", "functions/*", "inputs/*", "requests/*")
            ),
        ),
        ((*MESSAGES, "sqs:GetQueueUrl"), ("arn:aws:sqs:{r}:{a}:starburst-{env}-{ws}-*",)),
        (("lambda:InvokeFunction",), ("{function}:analysts",)),
        (("ssm:GetParameter",), ("{parameter}", "{packages}")),
        ((*KEY_USE, "kms:Encrypt"), ("{key}",)),
        (("s3:GetObject",), SHARED),
        (("s3:PutObject",), SHARED),
        (("s3:AbortMultipartUpload", "s3:DeleteObject"), SHARED[1:]),
        ((*KEEPING, "s3:PutObject"), ("{bucket}/home/{ws}/{user}/*",)),
    ),
    "steward": (
        (("s3:ListBucket", "s3:ListBucketVersions"), ("{bucket}",)),
        ((*KEEPING, "s3:PutObject"), SHARED),
        (("ssm:GetParameter",), ("{parameter}", "{packages}")),
        (KEY_USE, ("{key}",)),
    ),
    "worker": (
        (
            ("s3:GetObject",),
            tuple(
                f"{{bucket}}/sessions/{{ws}}/*/{SID}/{name}"
                for name in ("manifest.json", "functions/*", "inputs/*", "results/*", "status.json")
            ),
        ),
        (
            ("s3:PutObject",),
            tuple(f"{{bucket}}/sessions/{{ws}}/*/{SID}/{name}/*" for name in ("results", "logs")),
        ),
        (("s3:GetObject",), SHARED),
        (("s3:ListBucket",), ("{bucket}",)),
        (
            (*MESSAGES, "sqs:ChangeMessageVisibility"),
            ("arn:aws:sqs:{r}:{a}:starburst-{env}-{ws}-*",),
        ),
        (KEY_USE, ("{key}",)),
    ),
    "launch": (
        (
            (
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ),
            ("{repository}",),
        ),
        (("ecr:GetAuthorizationToken",), ("*",)),
        (STREAMS, ("arn:aws:logs:{r}:{a}:log-group:/aws/ecs/starburst/{env}/{ws}:log-stream:*",)),
    ),
    "controller": (
        (
            ("s3:GetObject",),
            (
                *(
                    f"{{bucket}}/sessions/*/*/{SID}/{name}"
                    for name in ("manifest.json", "requests/*", "status.json")
                ),
                "{bucket}/_control/*",
            ),
        ),
        (
            ("s3:PutObject",),
            (f"{{bucket}}/sessions/*/*/{SID}/status.json", "{bucket}/_control/*"),
        ),
        (("s3:DeleteObject",), ("{bucket}/_control/*",)),
        (("s3:ListBucket",), ("{bucket}",)),
        (
            (
                *("sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes"),
                *("sqs:GetQueueUrl", "sqs:SendMessage"),
            ),
            ("arn:aws:sqs:{r}:{a}:starburst-{env}-*-*",),
        ),
        (("sqs:SendMessage",), ("arn:aws:sqs:{r}:{a}:starburst-{env}-failures",)),
        (MESSAGES, ("arn:aws:sqs:{r}:{a}:starburst-{env}-wakes",)),
        (KEY_USE, ("{logs_key}",)),
        (("sqs:ListQueues", "ecs:ListTasks", *NETWORK), ("*",)),
        (("ssm:GetParameter",), ("{parameter}",)),
        (KEY_USE, ("{key}",)),
        (("ecs:RunTask",), ("arn:aws:ecs:{r}:{a}:task-definition/starburst-{env}-*",)),
        (
            ("ecs:TagResource", "ecs:DescribeTasks", "ecs:StopTask"),
            ("arn:aws:ecs:{r}:{a}:task/{cluster}/*",),
        ),
        (("iam:PassRole",), ("arn:aws:iam::{a}:role/starburst-{env}-*",)),
        (
            STREAMS,
            ("arn:aws:logs:{r}:{a}:log-group:/aws/lambda/starburst-{env}-controller:log-stream:*",),
        ),
    ),
    "platform": (
        (("sts:AssumeRole",), ("arn:aws:iam::{a}:role/cdk-*-role-{a}-{r}",)),
        (
            LOG_READING,
            (
                "arn:aws:logs:{r}:{a}:log-group:/aws/ecs/starburst/{env}/*:*",
                "arn:aws:logs:{r}:{a}:log-group:/aws/lambda/starburst-{env}-controller:*",
                "arn:aws:logs:{r}:{a}:log-group:starburst-{env}-audit-*:*",
            ),
        ),
        (PUSHING, ("{repository}",)),
        (("ecr:GetAuthorizationToken",), ("*",)),
        (STACKS, ("arn:aws:cloudformation:{r}:{a}:stack/*",)),
        (HEALTH, ("*",)),
        (CLEARING, ("arn:aws:sqs:{r}:{a}:starburst-{env}-failures",)),
        (("kms:Decrypt",), ("{logs_key}",)),
    ),
    "network/FlowLogRole": (((*STREAMS, "logs:DescribeLogStreams"), ("{flows}",)),),
    "audit/TrailRole": ((STREAMS, ("{events}",)),),
    "network/DefaultGroupRole": (
        (
            ("ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"),
            ("{closed}",),
        ),
        (("ec2:DescribeSecurityGroups",), ("*",)),
        (("ssm:StartAutomationExecution",), RUNNING),
        (("ssm:GetAutomationExecution",), RUNNING[-1:]),
    ),
}
"""Every role by its purpose, or by its logical name where an AWS service takes it."""

CEILING: Final[Sequence[Duty]] = (
    (
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
        ("arn:aws:s3:::*",),
    ),
    (
        (
            *MESSAGES,
            "sqs:ChangeMessageVisibility",
            "sqs:CreateQueue",
            "sqs:DeleteQueue",
            "sqs:GetQueueUrl",
        ),
        ("arn:aws:sqs:*:{a}:starburst-{env}-*",),
    ),
    ((*KEY_USE, "kms:DescribeKey", "kms:Encrypt"), ("arn:aws:kms:*:{a}:key/*",)),
    (("ssm:GetParameter",), ("arn:aws:ssm:*:{a}:parameter/starburst/{env}/*",)),
    (("lambda:InvokeFunction",), ("arn:aws:lambda:*:{a}:function:starburst-{env}-*",)),
    (
        ("ecs:RunTask", "ecs:StopTask", "ecs:TagResource"),
        (
            "arn:aws:ecs:*:{a}:task-definition/starburst-{env}-*",
            "arn:aws:ecs:*:{a}:task/{cluster}/*",
        ),
    ),
    (
        ("ecs:DescribeTasks",),
        ("*",),
    ),
    (("iam:PassRole",), ("arn:aws:iam::{a}:role/starburst-{env}-*",)),
    ((*DUTIES["launch"][0][0], *PUSHING), ("arn:aws:ecr:*:{a}:repository/*",)),
    ((*STREAMS, *LOG_READING), ("arn:aws:logs:*:{a}:log-group:*",)),
    (("sts:AssumeRole",), ("arn:aws:iam::{a}:role/cdk-*",)),
    (STACKS, ("arn:aws:cloudformation:*:{a}:stack/*",)),
    (DUTIES["network/DefaultGroupRole"][0][0], ("arn:aws:ec2:*:{a}:security-group/*",)),
    *DUTIES["network/DefaultGroupRole"][2:],
    (
        (
            *NETWORK,
            *HEALTH,
            "ec2:DescribeSecurityGroups",
            "ecr:GetAuthorizationToken",
            "ecs:DescribeTaskDefinition",
            "logs:DescribeQueries",
            "sqs:ListQueues",
        ),
        ("*",),
    ),
)
"""The most that any role may ever be given."""

ENDPOINT_OPENING: Final[Mapping[str, Sequence[Duty]]] = {
    "controller": (
        (
            (
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStacks",
                "cloudformation:UpdateStack",
            ),
            ("arn:aws:cloudformation:{r}:{a}:stack/starburst-{env}-endpoints/*",),
        ),
    ),
    "endpoints": (
        (
            ("ec2:CreateVpcEndpoint",),
            tuple(
                f"arn:aws:ec2:{{r}}:{{a}}:{kind}"
                for kind in (
                    "vpc/vpc-*",
                    "subnet/subnet-*",
                    "security-group/sg-*",
                    "vpc-endpoint/*",
                )
            ),
        ),
        (
            ("ec2:CreateTags", "ec2:DeleteVpcEndpoints"),
            ("arn:aws:ec2:{r}:{a}:vpc-endpoint/*",),
        ),
        (
            (
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeVpcs",
                "route53:AssociateVPCWithHostedZone",
            ),
            ("*",),
        ),
    ),
}
"""What comes with endpoints that open and close."""


def _duty(table: Mapping[str, Sequence[Duty]], role: str, number: int) -> Duty:
    return table[role][number]


ENDPOINT_OPENING_CEILING: Final[Sequence[Duty]] = (
    (("cloudformation:UpdateStack",), ("arn:aws:cloudformation:*:{a}:stack/starburst-{env}-*",)),
    (
        ("ec2:CreateVpcEndpoint",),
        tuple(
            f"arn:aws:ec2:*:{{a}}:{kind}/*"
            for kind in ("vpc", "subnet", "security-group", "vpc-endpoint")
        ),
    ),
    (("ec2:CreateTags", "ec2:DeleteVpcEndpoints"), ("arn:aws:ec2:*:{a}:vpc-endpoint/*",)),
    _duty(ENDPOINT_OPENING, "endpoints", 2),
)
"""The most that comes with them."""

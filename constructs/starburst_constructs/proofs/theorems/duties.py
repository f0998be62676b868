"""What each role is for, written down apart from its policies: it does that and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from starburst_constructs.proofs.decision import World
from starburst_constructs.proofs.estate import Role
from starburst_constructs.proofs.layout import (
    analyst_name,
    data_bucket,
    data_key,
    every_action,
    requests,
)
from starburst_constructs.proofs.logic import Formula, Text
from starburst_constructs.proofs.theorem import Claim, never, theorem

GROUP = "Nothing beyond the duty"
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
KEY_USE: Final = ("kms:Decrypt", "kms:GenerateDataKey")
NETWORK: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
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

DUTIES: Final[Mapping[str, Sequence[Duty]]] = {
    "analyst": (
        (("s3:ListBucket", "s3:ListBucketVersions"), ("{bucket}",)),
        (
            (
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:ListMultipartUploadParts",
            ),
            ("{bucket}/{ws}/{user}/*",),
        ),
        (
            ("s3:PutObject",),
            tuple(
                f"{{bucket}}/{{ws}}/{{user}}/sessions/{SID}/{name}"
                for name in ("manifest.json", "functions/*", "inputs/*", "requests/*")
            ),
        ),
        ((*MESSAGES, "sqs:GetQueueUrl"), ("arn:aws:sqs:{r}:{a}:starburst-{env}-{ws}-*",)),
        (("lambda:InvokeFunction",), ("{function}",)),
        (("ssm:GetParameter",), ("{parameter}",)),
        ((*KEY_USE, "kms:Encrypt"), ("{key}",)),
    ),
    "worker": (
        (
            ("s3:GetObject",),
            tuple(
                f"{{bucket}}/{{ws}}/*/sessions/{SID}/{name}"
                for name in ("manifest.json", "functions/*", "inputs/*", "results/*")
            ),
        ),
        (
            ("s3:PutObject", "s3:AbortMultipartUpload"),
            (f"{{bucket}}/{{ws}}/*/sessions/{SID}/results/*",),
        ),
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
                    f"{{bucket}}/*/sessions/{SID}/{name}"
                    for name in ("manifest.json", "requests/*", "status.json")
                ),
                "{bucket}/_control/*",
            ),
        ),
        (("s3:PutObject",), (f"{{bucket}}/*/sessions/{SID}/status.json", "{bucket}/_control/*")),
        (("s3:DeleteObject",), ("{bucket}/_control/*",)),
        (("s3:ListBucket",), ("{bucket}",)),
        (
            ("sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"),
            ("arn:aws:sqs:{r}:{a}:starburst-{env}-*-*",),
        ),
        (("sqs:SendMessage",), ("arn:aws:sqs:{r}:{a}:starburst-{env}-failures",)),
        (("sqs:ListQueues", "ecs:ListTasks", *NETWORK), ("*",)),
        (("ssm:GetParameter",), ("{parameter}",)),
        (KEY_USE, ("{key}",)),
        (("ecs:RunTask",), ("arn:aws:ecs:{r}:{a}:task-definition/starburst-{env}-*",)),
        (
            ("ecs:TagResource", "ecs:DescribeTasks", "ecs:StopTask"),
            ("arn:aws:ecs:{r}:{a}:task/starburst-{env}/*",),
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
    ),
    "network/FlowLogRole": (((*STREAMS, "logs:DescribeLogStreams"), ("{flows}",)),),
    "audit/TrailRole": ((STREAMS, ("{events}",)),),
    "network/DefaultGroupRole": (
        (
            ("ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"),
            ("arn:aws:ec2:{r}:{a}:security-group/sg-*",),
        ),
        (("ec2:DescribeSecurityGroups",), ("*",)),
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
            "arn:aws:ecs:*:{a}:task/starburst-{env}/*",
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


def _filled(world: World, pattern: str, role: Role) -> str:
    estate = world.estate
    values = {
        "{a}": estate.account,
        "{r}": estate.region,
        "{env}": estate.name,
        "{ws}": role.workspace or "",
        "{user}": USER,
        "{bucket}": data_bucket(world).arn,
        "{key}": data_key(world).arn,
        "{function}": estate.named["control/Controller"],
        "{repository}": estate.named["registry/Worker"],
        "{flows}": estate.named.get("network/Flows", ""),
        "{events}": estate.named.get("audit/Events", ""),
        "{parameter}": (
            f"arn:aws:ssm:{estate.region}:{estate.account}:"
            f"parameter/starburst/{estate.name}/runtime"
        ),
    }
    for name, value in values.items():
        pattern = pattern.replace(name, value)
    return pattern


def _within(
    world: World, duties: Sequence[Duty], role: Role, action: str, resource: Text
) -> Formula:
    """Return whether an action on a resource is part of some duty."""
    return world.logic.some(
        world.logic.like(resource, _filled(world, pattern, role))
        for actions, patterns in duties
        if action in actions
        for pattern in patterns
    )


def _duties(world: World, role: Role) -> Sequence[Duty]:
    if role.purpose is not None:
        return DUTIES[role.purpose]
    for name, arn in world.estate.named.items():
        if arn == role.arn and name in DUTIES:
            return DUTIES[name]
    return ()


@theorem(GROUP)
def every_role_keeps_to_its_duty(world: World) -> Iterator[Claim]:
    """Every role does what it is for and nothing else: no other action, on no other resource.

    In any AWS service, by its own policies alone. What each is for is a table beside this theorem.
    """
    for role in world.estate.roles:
        # One user stands for all: what is between users is another theorem's affair.
        context = world.session(role, user=USER if role.purpose == "analyst" else None)
        resource = world.logic.text("resource")
        duties = _duties(world, role)
        for one in requests(context, every_action(world), resource):
            allowed = world.allowed(role, one, boundary=False)
            if allowed is False:
                continue
            kept = _within(world, duties, role, one.action, resource)
            yield never(
                f"{role.name}, {one.action}",
                [(one, world.logic.every((allowed, world.logic.no(kept))))],
            )


@theorem(GROUP)
def the_boundary_is_a_ceiling(world: World) -> Iterator[Claim]:
    """Whatever its policies say, no role ever goes beyond what the kit's roles need together."""
    for name in sorted({role.boundary for role in world.estate.roles if role.boundary}):
        role = next(one for one in world.estate.roles if one.boundary == name)
        context = world.session(role, user=USER if role.purpose == "analyst" else None)
        resource = world.logic.text("resource")
        for one in requests(context, every_action(world), resource):
            allowed = world.allowed(role, one, whatever_identity=True)
            if allowed is False:
                continue
            kept = _within(world, CEILING, role, one.action, resource)
            yield never(
                f"{name}, {one.action}",
                [(one, world.logic.every((allowed, world.logic.no(kept))))],
            )


@theorem(GROUP)
def nothing_in_other_accounts(world: World) -> Iterator[Claim]:
    """Whatever its policies say, no role reads or writes an object of another account.

    Nor does it pass a role to anything but ECS tasks.
    """
    for role in world.estate.roles:
        user = analyst_name(world) if role.purpose == "analyst" else None
        context = world.session(role, user=user)
        objects = [action for action in every_action(world) if action.startswith("s3:")]
        asked = requests(context, objects, world.logic.text("resource"))
        yield never(
            role.name,
            [(one, world.allowed(role, one, whatever_identity=True)) for one in asked],
            given=[context.is_not("aws:ResourceAccount", world.estate.account)],
        )
        passing = requests(context, ["iam:PassRole"], world.logic.text("resource"))
        yield never(
            f"{role.name}, passing roles",
            [(one, world.allowed(role, one, whatever_identity=True)) for one in passing],
            given=[context.is_not("iam:PassedToService", "ecs-tasks.amazonaws.com")],
        )

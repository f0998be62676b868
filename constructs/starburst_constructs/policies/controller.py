"""What the controller may do: the only role that starts tasks, passes roles and makes queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_iam as iam

from starburst.contract import CONTROL_PREFIX, queue_prefix, runtime_parameter, task_family
from starburst.contract.areas import SESSIONS
from starburst_constructs.naming import (
    cluster_names,
    controller_name,
    failures_name,
    wakes_name,
)
from starburst_constructs.placement import Placement
from starburst_constructs.policies.analyst import SESSION, session_queues
from starburst_constructs.policies.service_access import only_from
from starburst_constructs.policies.wildcards import NO_RESOURCE, Allow, Wildcard, patterns

__all__ = [
    "fleet_statements",
    "function_statements",
    "passing_statements",
    "session_statements",
]

FROM_CODE: Final = (
    "ecs:*",
    "s3:*",
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
    "sqs:GetQueueUrl",
    "sqs:ListQueues",
    "ssm:*",
)
"""What only the controller's code does. AWS does the rest in its name: it writes its log, polls the
queue that wakes it, and reports lost events."""

_EXEC_ACTIONS = ("ecs:CreateService", "ecs:RunTask", "ecs:StartTask", "ecs:UpdateService")


def session_statements(
    environment: str,
    workspaces: Sequence[str],
    *,
    placement: Placement,
    bucket_arn: str,
    key_arn: str,
    logs_key_arn: str,
) -> list[iam.PolicyStatement]:
    """Return what the controller may do to sessions' objects and queues."""
    sessions = f"{bucket_arn}/{SESSIONS.prefix('*', '*', SESSION)}"
    served = "The controller serves every session; it reads neither inputs nor results."
    queues = [session_queues(environment, name, placement=placement) for name in workspaces]
    return [
        Allow(
            sid="ReadWhatIsAsked",
            actions=["s3:GetObject"],
            resources=patterns(
                served,
                f"{sessions}manifest.json",
                f"{sessions}requests/*",
                f"{sessions}status.json",
            ),
        ),
        Allow(
            sid="WriteStatus",
            actions=["s3:PutObject"],
            resources=patterns(served, f"{sessions}status.json"),
        ),
        Allow(
            sid="KeepRecords",
            actions=["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            resources=patterns(
                "The controller's own records, one for each session.",
                f"{bucket_arn}/{CONTROL_PREFIX}*",
            ),
        ),
        iam.PolicyStatement(
            sid="ListRecords",
            actions=["s3:ListBucket"],
            resources=[bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{CONTROL_PREFIX}*"}},
        ),
        Allow(
            sid="MakeSessionQueues",
            actions=["sqs:CreateQueue", "sqs:GetQueueAttributes"],
            resources=queues,
        ),
        # Also those of a workspace that was removed, or they would stay for ever.
        Allow(
            sid="EndSessionQueues",
            actions=["sqs:DeleteQueue", "sqs:GetQueueUrl"],
            resources=patterns(
                "A session's queue outlives its workspace where that is removed before it ends.",
                placement.arn("sqs", f"{queue_prefix(environment, '*')}{SESSION}"),
            ),
        ),
        # A request to send again what makes no progress; what travels is not read.
        Allow(sid="AskWorkers", actions=["sqs:SendMessage"], resources=queues),
        # The sweep finds queues that no session owns any more.
        Allow(
            sid="FindForgottenQueues",
            actions=["sqs:ListQueues"],
            resources=patterns(
                f"{NO_RESOURCE}sqs:ListQueues shows the names of queues, nothing in them.", "*"
            ),
        ),
        iam.PolicyStatement(
            sid="ReadLimits",
            actions=["ssm:GetParameter"],
            resources=[placement.arn("ssm", f"parameter{runtime_parameter(environment)}")],
        ),
        iam.PolicyStatement(
            sid="EncryptionAtRest",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[key_arn],
            conditions={
                "StringEquals": {
                    "kms:ViaService": [
                        f"s3.{placement.region}.amazonaws.com",
                        f"sqs.{placement.region}.amazonaws.com",
                    ]
                }
            },
        ),
        iam.PolicyStatement(
            sid="SealLostEvents",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[logs_key_arn],
            conditions={
                "StringEquals": {"kms:ViaService": f"sqs.{placement.region}.amazonaws.com"}
            },
        ),
    ]


def fleet_statements(
    environment: str,
    workspaces: Sequence[str],
    *,
    placement: Placement,
    other_architectures: Sequence[str] = (),
    apart: Sequence[str] = (),
) -> list[iam.PolicyStatement]:
    """Return what the controller may do to workers: in our clusters, and never a shell (P18).

    Args:
        environment: its name.
        workspaces: of which it starts workers.
        placement: of the environment.
        other_architectures: in which each has a definition besides.
        apart: those of the workspaces whose workers run in clusters of their own, and nowhere else.
    """
    clusters = cluster_names(environment, apart)
    tasks = patterns(
        "Task ids are made at run time, in the environment's own cluster.",
        *(placement.arn("ecs", f"task/{cluster}/*") for cluster in clusters),
    )

    def start(sid: str, names: Sequence[str], cluster: str) -> iam.PolicyStatement:
        return Allow(
            sid=sid,
            actions=["ecs:RunTask"],
            resources=[
                definition
                for name in names
                for other in (None, *other_architectures)
                for definition in _definitions(
                    task_family(environment, name, other), placement=placement
                )
            ],
            conditions=_within([cluster], placement=placement),
        )

    together = [name for name in workspaces if name not in apart]
    return [
        *([start("StartWorkers", together, clusters[0])] if together else []),
        *(
            start(f"StartApart{place}", [name], cluster)
            for place, (name, cluster) in enumerate(zip(apart, clusters[1:], strict=True))
        ),
        Allow(
            sid="TagWorkersAtStart",
            actions=["ecs:TagResource"],
            resources=tasks,
            conditions={"StringEquals": {"ecs:CreateAction": "RunTask"}},
        ),
        Allow(
            sid="WatchAndStopWorkers",
            actions=["ecs:DescribeTasks", "ecs:StopTask"],
            resources=tasks,
        ),
        Allow(
            sid="ListWorkers",
            actions=["ecs:ListTasks"],
            resources=patterns(
                f"{NO_RESOURCE}ecs:ListTasks is held to the environment's cluster by condition.",
                "*",
            ),
            conditions=_within(clusters, placement=placement),
        ),
        iam.PolicyStatement(
            sid="NoShell", effect=iam.Effect.DENY, actions=["ecs:ExecuteCommand"], resources=["*"]
        ),
        iam.PolicyStatement(
            sid="NoShellLater",
            effect=iam.Effect.DENY,
            actions=list(_EXEC_ACTIONS),
            resources=["*"],
            conditions={"StringEquals": {"ecs:enable-execute-command": "true"}},
        ),
    ]


def passing_statements(roles: Sequence[str]) -> list[iam.PolicyStatement]:
    """Return the right to give exactly these roles to tasks, and to nothing else (S2).

    Args:
        roles: ARNs of the worker and launch roles.
    """
    return [
        iam.PolicyStatement(
            sid="PassOnlyTheseRoles",
            actions=["iam:PassRole"],
            resources=list(roles),
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        )
    ]


def _within(clusters: Sequence[str], *, placement: Placement) -> dict[str, dict[str, object]]:
    """Return the condition that a call is about one of these clusters."""
    arns = [placement.arn("ecs", f"cluster/{name}") for name in clusters]
    return {"ArnEquals": {"ecs:cluster": arns[0] if len(arns) == 1 else arns}}


def _definitions(family: str, *, placement: Placement) -> tuple[str, Wildcard]:
    """Return the ARNs under which IAM may judge RunTask: as the call names it, and as it is run."""
    named = placement.arn("ecs", f"task-definition/{family}")
    return named, Wildcard(
        resource=f"{named}:*",
        reason="Each deployment makes a new revision of this one task definition.",
    )


def function_statements(
    environment: str, *, placement: Placement, in_vpc: bool, vpc_id: str | None = None
) -> list[iam.PolicyStatement]:
    """Return what Lambda needs in order to run the controller, ``in_vpc`` or outside.

    It is outside where the endpoints come and go: it must work while there are none.

    Args:
        environment: its name.
        placement: of the environment.
        in_vpc: whether it runs in the VPC.
        vpc_id: of that VPC, from where alone its code may work; None in an emulator.
    """
    name = controller_name(environment)
    wakes = placement.arn("sqs", wakes_name(environment))
    interfaces = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ]
    return [
        Allow(
            sid="WriteLog",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=patterns(
                "Lambda names log streams itself, in the function's own group.",
                placement.arn("logs", f"log-group:/aws/lambda/{name}:log-stream:*"),
            ),
        ),
        iam.PolicyStatement(
            sid="ReportLostEvents",
            actions=["sqs:SendMessage"],
            resources=[placement.arn("sqs", f"{failures_name(environment)}")],
        ),
        # Lambda polls it in the function's name; the code asks by it to be woken again.
        iam.PolicyStatement(
            sid="BeWoken",
            actions=[
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
                "sqs:SendMessage",
            ],
            resources=[wakes],
        ),
        *(
            [
                Allow(
                    sid="JoinTheVpc",
                    actions=interfaces,
                    resources=patterns(
                        f"{NO_RESOURCE}Lambda joins the VPC with them, and a Deny keeps the code "
                        "off.",
                        "*",
                    ),
                )
            ]
            if in_vpc
            else []
        ),
        # Those are for the Lambda service; code in the function may not use them.
        iam.PolicyStatement(
            sid="ButNotFromCode",
            effect=iam.Effect.DENY,
            actions=interfaces,
            resources=["*"],
            conditions={
                "ArnEquals": {
                    "lambda:SourceFunctionArn": placement.arn("lambda", f"function:{name}")
                }
            },
        ),
        *(_from_inside(vpc_id, wakes=wakes) if in_vpc and vpc_id is not None else []),
    ]


def _from_inside(vpc_id: str, *, wakes: str) -> list[iam.PolicyStatement]:
    return [
        only_from(vpc_id, actions=FROM_CODE),
        only_from(vpc_id, actions=["sqs:GetQueueAttributes"], sid="NoQueuesFromOutside", but=wakes),
    ]

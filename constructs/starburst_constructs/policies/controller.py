"""What the controller may do: the only role that starts tasks, passes roles and makes queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_iam as iam

from starburst.contract import CONTROL_PREFIX, queue_prefix, runtime_parameter, task_family
from starburst.contract.areas import SESSIONS
from starburst_constructs.naming import cluster_name, controller_name, failures_name
from starburst_constructs.policies.analyst import SESSION
from starburst_constructs.policies.service_access import only_from

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
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ListQueues",
    "ssm:*",
)
"""What only the controller's code does; AWS writes its log and reports lost events in its name."""

_EXEC_ACTIONS = ("ecs:CreateService", "ecs:RunTask", "ecs:StartTask", "ecs:UpdateService")


def session_statements(
    environment: str,
    workspaces: Sequence[str],
    *,
    account: str,
    region: str,
    bucket_arn: str,
    key_arn: str,
    logs_key_arn: str,
) -> list[iam.PolicyStatement]:
    """Return what the controller may do to sessions' objects and queues."""
    sessions = f"{bucket_arn}/{SESSIONS.prefix('*', '*', SESSION)}"
    queues = [
        f"arn:aws:sqs:{region}:{account}:{queue_prefix(environment, name)}*" for name in workspaces
    ]
    return [
        iam.PolicyStatement(
            sid="ReadWhatIsAsked",
            actions=["s3:GetObject"],
            resources=[
                f"{sessions}manifest.json",
                f"{sessions}requests/*",
                f"{sessions}status.json",
            ],
        ),
        iam.PolicyStatement(
            sid="WriteStatus", actions=["s3:PutObject"], resources=[f"{sessions}status.json"]
        ),
        iam.PolicyStatement(
            sid="KeepRecords",
            actions=["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            resources=[f"{bucket_arn}/{CONTROL_PREFIX}*"],
        ),
        iam.PolicyStatement(
            sid="ListRecords",
            actions=["s3:ListBucket"],
            resources=[bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{CONTROL_PREFIX}*"}},
        ),
        iam.PolicyStatement(
            sid="MakeSessionQueues",
            actions=[
                "sqs:CreateQueue",
                "sqs:DeleteQueue",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
            ],
            resources=queues,
        ),
        # A request to send again what makes no progress; what travels is not read.
        iam.PolicyStatement(sid="AskWorkers", actions=["sqs:SendMessage"], resources=queues),
        # Names only; the sweep finds queues that no session owns any more.
        iam.PolicyStatement(sid="FindForgottenQueues", actions=["sqs:ListQueues"], resources=["*"]),
        iam.PolicyStatement(
            sid="ReadLimits",
            actions=["ssm:GetParameter"],
            resources=[f"arn:aws:ssm:{region}:{account}:parameter{runtime_parameter(environment)}"],
        ),
        iam.PolicyStatement(
            sid="EncryptionAtRest",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[key_arn],
            conditions={
                "StringEquals": {
                    "kms:ViaService": [
                        f"s3.{region}.amazonaws.com",
                        f"sqs.{region}.amazonaws.com",
                    ]
                }
            },
        ),
        iam.PolicyStatement(
            sid="SealLostEvents",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[logs_key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"sqs.{region}.amazonaws.com"}},
        ),
    ]


def fleet_statements(
    environment: str,
    workspaces: Sequence[str],
    *,
    account: str,
    region: str,
    other_architectures: Sequence[str] = (),
) -> list[iam.PolicyStatement]:
    """Return what the controller may do to workers: in our cluster, and never a shell (P18)."""
    cluster = cluster_name(environment)
    tasks = f"arn:aws:ecs:{region}:{account}:task/{cluster}/*"
    own_cluster = {
        "ArnEquals": {"ecs:cluster": f"arn:aws:ecs:{region}:{account}:cluster/{cluster}"}
    }
    return [
        iam.PolicyStatement(
            sid="StartWorkers",
            actions=["ecs:RunTask"],
            resources=[
                definition
                for name in workspaces
                for other in (None, *other_architectures)
                for definition in _definitions(
                    task_family(environment, name, other), account=account, region=region
                )
            ],
            conditions=own_cluster,
        ),
        iam.PolicyStatement(
            sid="TagWorkersAtStart",
            actions=["ecs:TagResource"],
            resources=[tasks],
            conditions={"StringEquals": {"ecs:CreateAction": "RunTask"}},
        ),
        iam.PolicyStatement(
            sid="WatchAndStopWorkers",
            actions=["ecs:DescribeTasks", "ecs:StopTask"],
            resources=[tasks],
        ),
        # ListTasks has no resource of its own on Fargate; the cluster is a condition.
        iam.PolicyStatement(
            sid="ListWorkers", actions=["ecs:ListTasks"], resources=["*"], conditions=own_cluster
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


def _definitions(family: str, *, account: str, region: str) -> tuple[str, str]:
    """Return the ARNs under which IAM may judge RunTask: as the call names it, and as it is run."""
    named = f"arn:aws:ecs:{region}:{account}:task-definition/{family}"
    return named, f"{named}:*"


def function_statements(
    environment: str, *, account: str, region: str, in_vpc: bool, vpc_id: str | None = None
) -> list[iam.PolicyStatement]:
    """Return what Lambda needs in order to run the controller, ``in_vpc`` or outside.

    It is outside where the endpoints come and go: it must work while there are none.

    Args:
        environment: its name.
        account: twelve digits.
        region: of the environment.
        in_vpc: whether it runs in the VPC.
        vpc_id: of that VPC, from where alone its code may work; None in an emulator.
    """
    name = controller_name(environment)
    interfaces = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ]
    return [
        iam.PolicyStatement(
            sid="WriteLog",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[
                f"arn:aws:logs:{region}:{account}:log-group:/aws/lambda/{name}:log-stream:*"
            ],
        ),
        iam.PolicyStatement(
            sid="ReportLostEvents",
            actions=["sqs:SendMessage"],
            resources=[f"arn:aws:sqs:{region}:{account}:{failures_name(environment)}"],
        ),
        *(
            [iam.PolicyStatement(sid="JoinTheVpc", actions=interfaces, resources=["*"])]
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
                    "lambda:SourceFunctionArn": f"arn:aws:lambda:{region}:{account}:function:{name}"
                }
            },
        ),
        *([only_from(vpc_id, actions=FROM_CODE)] if in_vpc and vpc_id is not None else []),
    ]

"""Machines can do their work: workers, the controller, ECS, and what AWS runs for us."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.clusters import cluster_of, clusters
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    ATTEMPT,
    CONTROL,
    DATA,
    LINES,
    PACKAGES,
    RESULT,
    SESSIONS,
    data_bucket,
    data_key,
    default_groups,
    queue_named,
    queue_of,
)
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.solving.theorem import Claim, always, theorem
from starburst_assurance.proofs.theorems.availability.calls import (
    GROUP,
    MESSAGES,
    ONCE,
    SESSION,
    Call,
    calling,
    calls,
    function_arn,
    parameter_arn,
    storage_calls,
)
from starburst_assurance.proofs.theorems.roles.tables import CLOSING, NETWORK

PULLING = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PART = {"s3:ObjectCreationOperation": "false"}


@theorem(GROUP)
def workers_can_work(world: World) -> Iterator[Claim]:
    """A worker can read its sessions, wheels and data, write results and logs once, take work.

    And list data, so that what is not there is told from what is refused.
    """
    bucket, key = data_bucket(world).arn, data_key(world).arn
    algorithm, result = _algorithm(world), f"results/{RESULT}"
    for role in world.policy_set.roles_for("worker"):
        workspace = str(role.workspace)
        session = f"{bucket}/{SESSIONS}{workspace}/alice/{SESSION}/"
        header = "s3:x-amz-server-side-encryption"
        ours = {header: algorithm, f"{header}-aws-kms-key-id": key}
        yield always(
            world,
            role.name,
            calling(
                world,
                role,
                [
                    *(
                        ("s3:GetObject", f"{session}{name}", {})
                        for name in (
                            *("manifest.json", "functions/0", "inputs/0", result),
                            "status.json",
                        )
                    ),
                    *calls(("s3:GetObject",), f"{bucket}/{PACKAGES}{workspace}/{'0' * 64}.00"),
                    *calls(("s3:GetObject",), f"{bucket}/{DATA}{workspace}/a/b.parquet"),
                    *(
                        call
                        for asked in ("", "a/", "a/b.parquet")
                        for call in calls(
                            ("s3:ListBucket",), bucket, s3__prefix=f"{DATA}{workspace}/{asked}"
                        )
                    ),
                    ("s3:PutObject", f"{session}{result}", ONCE),
                    ("s3:PutObject", f"{session}{result}", {**ONCE, **ours}),
                    ("s3:PutObject", f"{session}{result}", PART),
                    ("s3:PutObject", f"{session}results/{ATTEMPT}", ONCE),
                    ("s3:PutObject", f"{session}logs/{LINES}", ONCE),
                    *calls(
                        (*MESSAGES, "sqs:ChangeMessageVisibility"),
                        queue_named(queue_of(world, workspace), SESSION),
                    ),
                    (
                        "kms:Decrypt",
                        key,
                        {
                            "kms:EncryptionContext:workspace": workspace,
                            "kms:EncryptionContext:user": "alice",
                            "kms:EncryptionContext:purpose": "data",
                        },
                    ),
                    *storage_calls(world, key),
                ],
            ),
        )


def _algorithm(world: World) -> str:
    """Return the encryption that the data bucket insists on, as its own policy writes it."""
    header = "s3:x-amz-server-side-encryption"
    policy = world.policy_set.policies[data_bucket(world).policy]
    for statement in policy.statements:
        if statement.sid == "DenyOtherAlgorithm":
            for condition in statement.conditions:
                if condition.key == header and condition.operator != "Null":
                    return condition.values[0]
    return "aws:kms"


@theorem(GROUP)
def the_controller_can_work(world: World) -> Iterator[Claim]:
    """The controller can make queues, start, watch and stop workers, and keep its records."""
    policy_set = world.policy_set
    place = f"{policy_set.region}:{policy_set.account}"
    bucket, key = data_bucket(world).arn, data_key(world).arn
    role = policy_set.role("controller")
    ours = clusters(policy_set)
    tasks = [f"{each.replace(':cluster/', ':task/')}/0a" for each in ours]
    code = {"lambda:SourceFunctionArn": function_arn(world)}
    asked: list[Call] = []
    for workspace in policy_set.workspaces:
        session = f"{bucket}/{SESSIONS}{workspace}/alice/{SESSION}/"
        cluster = cluster_of(policy_set, workspace)
        asked += [
            *(
                ("s3:GetObject", f"{session}{name}", code)
                for name in ("manifest.json", "requests/0f.json", "status.json")
            ),
            ("s3:PutObject", f"{session}status.json", code),
            *(
                (f"sqs:{name}", queue_named(queue_of(world, workspace), SESSION), code)
                for name in (
                    *("CreateQueue", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl"),
                    "SendMessage",
                )
            ),
            (
                "ecs:RunTask",
                f"arn:aws:ecs:{place}:task-definition/starburst-{policy_set.name}-{workspace}:7",
                {
                    **code,
                    "ecs:cluster": cluster,
                    "ecs:enable-execute-command": "false",
                },
            ),
            (
                "ecs:RunTask",
                f"arn:aws:ecs:{place}:task-definition/starburst-{policy_set.name}-{workspace}",
                {"ecs:cluster": cluster},
            ),
            *(
                (
                    "iam:PassRole",
                    policy_set.role(kind, workspace).arn,
                    {"iam:PassedToService": "ecs-tasks.amazonaws.com"},
                )
                for kind in ("worker", "launch")
            ),
        ]
    yield always(
        world,
        role.name,
        calling(
            world,
            role,
            [
                *asked,
                *(
                    (f"s3:{name}Object", f"{bucket}/{CONTROL}active/{SESSION}.json", code)
                    for name in ("Get", "Put", "Delete")
                ),
                ("s3:ListBucket", bucket, {**code, "s3:prefix": f"{CONTROL}active/"}),
                ("sqs:ListQueues", "*", code),
                ("sqs:SendMessage", policy_set.named["control/Wakes"], code),
                *(("ecs:TagResource", one, {"ecs:CreateAction": "RunTask"}) for one in tasks),
                *(
                    call
                    for one in tasks
                    for call in calls(("ecs:DescribeTasks", "ecs:StopTask"), one)
                ),
                *(("ecs:ListTasks", "*", {"ecs:cluster": each}) for each in ours),
                *calls(("ssm:GetParameter",), parameter_arn(world)),
                *storage_calls(world, key),
            ],
        ),
    )
    log = f"arn:aws:logs:{place}:log-group:/aws/lambda/starburst-{policy_set.name}-controller"
    yield always(
        world,
        f"{role.name}, what Lambda does in its name",
        calling(
            world,
            role,
            [
                *calls(("logs:CreateLogStream", "logs:PutLogEvents"), f"{log}:log-stream:a"),
                *calls(("sqs:SendMessage",), policy_set.named["control/Failures"]),
                *calls(
                    ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
                    policy_set.named["control/Wakes"],
                ),
                *calls(
                    ("kms:Decrypt", "kms:GenerateDataKey"),
                    policy_set.named["foundation/LogsKey"],
                    aws__ViaAWSService="true",
                    kms__ViaService=f"sqs.{policy_set.region}.amazonaws.com",
                ),
                # Outside the VPC where the endpoints in it come and go.
                *([] if policy_set.roles_for("endpoints") else calls(NETWORK, "*")),
            ],
            inside=False,
        ),
    )


@theorem(GROUP)
def tasks_can_start(world: World) -> Iterator[Claim]:
    """ECS can pull the worker image and write its log."""
    policy_set = world.policy_set
    for role in policy_set.roles_for("launch"):
        group = f"/aws/ecs/starburst/{policy_set.name}/{role.workspace}"
        logs = f"arn:aws:logs:{policy_set.region}:{policy_set.account}:log-group:{group}"
        stream = f"{logs}:log-stream:worker/a"
        yield always(
            world,
            role.name,
            calling(
                world,
                role,
                [
                    *calls(PULLING, policy_set.named["registry/Worker"]),
                    *calls(("ecr:GetAuthorizationToken",), "*"),
                    *calls(("logs:CreateLogStream", "logs:PutLogEvents"), stream),
                ],
            ),
        )
    registry = world.endpoint("ecr.dkr")
    for role in policy_set.roles_for("launch"):
        if registry is None:
            break
        # The registry itself answers beside ECR's API, and asks for the same actions.
        context = world.session(role, closed=True)
        world.put_ours(context, "Resource")
        pulled = [
            Request(context=context, action=action, resource=policy_set.named["registry/Worker"])
            for action in PULLING
        ]
        yield always(
            world,
            f"{role.name} at the registry",
            [(one, world.passes(one, through=registry)) for one in pulled],
        )
    endpoint = world.endpoint("s3")
    if endpoint is not None:
        # ECR sends every puller to a signed address in its own account's bucket.
        context = world.context(closed=True)
        context.put("aws:ResourceAccount", "999999999999")
        layer = f"arn:aws:s3:::prod-{policy_set.region}-starport-layer-bucket/layer"
        request = Request(context=context, action="s3:GetObject", resource=layer)
        yield always(world, "image layers", [(request, world.passes(request, through=endpoint))])


@theorem(GROUP)
def machinery_can_work(world: World) -> Iterator[Claim]:
    """The roles of AWS services do what they are for: flow logs, the trail's log, closed groups."""
    policy_set = world.policy_set
    place = f"{policy_set.region}:{policy_set.account}"
    streams = ("logs:CreateLogStream", "logs:PutLogEvents")
    starting, runbook = ("ssm:StartAutomationExecution",), f"{policy_set.region}:"
    shutting = ("ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress")
    group = next(iter(default_groups(world)), None)
    for name, asked in (
        (
            "network/FlowLogRole",
            calls((*streams, "logs:DescribeLogStreams"), _group_of(world, "network/Flows")),
        ),
        ("audit/TrailRole", calls(streams, _group_of(world, "audit/Events"))),
        (
            "network/DefaultGroupRole",
            [
                *calls(shutting, group or f"arn:aws:ec2:{place}:security-group/none"),
                *calls(("ec2:DescribeSecurityGroups",), "*"),
                *calls(starting, f"arn:aws:ssm:{runbook}:automation-definition/{CLOSING}:1"),
                *calls(starting, f"arn:aws:ssm:{runbook}:document/{CLOSING}"),
                *calls(
                    (*starting, "ssm:GetAutomationExecution"),
                    f"arn:aws:ssm:{place}:automation-execution/a",
                ),
            ],
        ),
    ):
        if name not in policy_set.named:
            continue
        role = next(one for one in policy_set.roles if one.arn == policy_set.named[name])
        yield always(world, role.name, calling(world, role, asked))


def _group_of(world: World, name: str) -> str:
    return world.policy_set.named.get(name, "").removesuffix(":*") + ":log-stream:a"

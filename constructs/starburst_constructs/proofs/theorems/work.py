"""What must stay possible: a policy that refuses everything would prove everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from starburst_constructs.proofs.decision import World
from starburst_constructs.proofs.estate import Guarded, Role
from starburst_constructs.proofs.layout import data_bucket, data_key, queue_named, queue_of
from starburst_constructs.proofs.logic import Formula
from starburst_constructs.proofs.request import Context, Request
from starburst_constructs.proofs.theorem import Claim, always, theorem

GROUP = "The work goes on"
SESSION = "0123456789abcdefghij"
Call = tuple[str, str, Mapping[str, str]]
"""Action, resource, and what the request says beyond that."""

READS = ("s3:GetObject",)
ERASURE = (
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObjectVersion",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)
MESSAGES = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage")
NETWORK = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
PULLING = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
ONCE = {"s3:if-none-match": "*", "s3:ObjectCreationOperation": "true"}
PART = {"s3:ObjectCreationOperation": "false"}


def _calling(
    world: World, role: Role, calls: Iterable[Call], *, user: str | None = None
) -> Iterator[tuple[Request, Formula]]:
    """Yield whether each call of a session is allowed, as an SDK sends it: TLS 1.3, our Region.

    Everything that is not said is absent. Workers call through the VPC endpoints.
    """
    estate = world.estate
    for action, resource, said in calls:
        context = world.session(role, user=user, closed=True)
        context.put_all(
            {
                "aws:RequestedRegion": estate.region,
                "aws:ResourceAccount": estate.account,
                "aws:SecureTransport": "true",
                "aws:TokenIssueTime": "2026-01-01T00:00:00Z",
                "aws:ViaAWSService": "false",
                "s3:TlsVersion": "1.3",
                "starburst:queueUser": "alice",
            }
        )
        service = {"ecr": "ecr.api"}.get(action.partition(":")[0], action.partition(":")[0])
        inside = role.purpose in ("worker", "launch", "controller")
        endpoint = world.endpoint(service) if inside else None
        if endpoint is not None:
            context.put("aws:SourceVpce", endpoint.identifier)
        context.put_all(said)
        request = Request(context=context, action=action, resource=resource)
        yield (
            request,
            world.allowed(role, request, at=_at(world, role, action, resource), through=endpoint),
        )


def _at(world: World, role: Role, action: str, resource: str) -> Guarded | None:
    for item in world.estate.guarded:
        if resource == item.arn or resource.startswith(f"{item.arn}/"):
            return item
    if action.startswith("sqs:") and role.workspace and resource.endswith(SESSION):
        return queue_of(world, role.workspace)
    return None


def _calls(actions: Iterable[str], resource: str, **said: str) -> Iterator[Call]:
    for action in actions:
        yield action, resource, {key.replace("__", ":"): value for key, value in said.items()}


def _storage(world: World, arn: str, algorithm: str | None = None) -> list[Call]:
    """Return what S3 and SQS do with the key on a caller's behalf."""
    del algorithm
    region = world.estate.region
    return [
        (action, arn, {"kms:ViaService": f"{service}.{region}.amazonaws.com"})
        for service in ("s3", "sqs")
        for action in ("kms:Decrypt", "kms:GenerateDataKey")
    ]


def _function(world: World) -> str:
    return world.estate.named["control/Controller"]


def _parameter(world: World) -> str:
    estate = world.estate
    return f"arn:aws:ssm:{estate.region}:{estate.account}:parameter/starburst/{estate.name}/runtime"


@theorem(GROUP)
def analysts_can_work(world: World) -> Iterator[Claim]:
    """An analyst can start a session, send and collect its work, and erase every version of it."""
    bucket, key = data_bucket(world).arn, data_key(world).arn
    for role in world.estate.roles_for("analyst"):
        workspace = str(role.workspace)
        folder = f"{workspace}/alice/"
        session = f"{bucket}/{folder}sessions/{SESSION}/"
        context = {
            "kms:EncryptionContext:workspace": workspace,
            "kms:EncryptionContext:user": "alice",
            "kms:EncryptionContext:session": SESSION,
        }
        written = ("functions/0", "inputs/0", "requests/0f.json")
        yield always(
            world,
            role.name,
            _calling(
                world,
                role,
                [
                    *_calls(("s3:ListBucket", "s3:ListBucketVersions"), bucket, s3__prefix=folder),
                    *_calls(("s3:ListBucket",), bucket, s3__prefix=f"{folder}sessions/"),
                    *_calls((*READS, *ERASURE), f"{session}results/0"),
                    *_calls((*READS, *ERASURE), f"{session}manifest.json"),
                    *_calls(READS, f"{session}status.json"),
                    ("s3:PutObject", f"{session}manifest.json", ONCE),
                    *(("s3:PutObject", f"{session}{name}", {}) for name in written),
                    *_calls(
                        (*MESSAGES, "sqs:GetQueueUrl"),
                        queue_named(queue_of(world, workspace), SESSION),
                    ),
                    *_calls(("lambda:InvokeFunction",), _function(world)),
                    *_calls(("ssm:GetParameter",), _parameter(world)),
                    *(
                        (action, key, {**context, "kms:EncryptionContext:purpose": purpose})
                        for action in ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")
                        for purpose in ("data", "signing")
                    ),
                    *_storage(world, key),
                ],
                user="alice",
            ),
        )


@theorem(GROUP)
def workers_can_work(world: World) -> Iterator[Claim]:
    """A worker can read its sessions, write each result once, and work off the queue."""
    bucket, key = data_bucket(world).arn, data_key(world).arn
    algorithm = _algorithm(world)
    for role in world.estate.roles_for("worker"):
        workspace = str(role.workspace)
        session = f"{bucket}/{workspace}/alice/sessions/{SESSION}/"
        header = "s3:x-amz-server-side-encryption"
        ours = {header: algorithm, f"{header}-aws-kms-key-id": key}
        yield always(
            world,
            role.name,
            _calling(
                world,
                role,
                [
                    *(
                        ("s3:GetObject", f"{session}{name}", {})
                        for name in ("manifest.json", "functions/0", "inputs/0", "results/0")
                    ),
                    ("s3:PutObject", f"{session}results/0", ONCE),
                    ("s3:PutObject", f"{session}results/0", {**ONCE, **ours}),
                    ("s3:PutObject", f"{session}results/0", PART),
                    *_calls(("s3:AbortMultipartUpload",), f"{session}results/0"),
                    *_calls(
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
                    *_storage(world, key),
                ],
            ),
        )


def _algorithm(world: World) -> str:
    """Return the encryption that the data bucket insists on, as its own policy writes it."""
    header = "s3:x-amz-server-side-encryption"
    policy = world.estate.policies[data_bucket(world).policy]
    for statement in policy.statements:
        if statement.sid == "DenyOtherAlgorithm":
            for condition in statement.conditions:
                if condition.key == header and condition.operator != "Null":
                    return condition.values[0]
    return "aws:kms"


@theorem(GROUP)
def the_controller_can_work(world: World) -> Iterator[Claim]:
    """The controller can make queues, start, watch and stop workers, and keep its records."""
    estate = world.estate
    place = f"{estate.region}:{estate.account}"
    bucket, key = data_bucket(world).arn, data_key(world).arn
    role = estate.role("controller")
    cluster = estate.named["compute/Cluster"]
    tasks = f"arn:aws:ecs:{place}:task/starburst-{estate.name}/0a"
    code = {"lambda:SourceFunctionArn": _function(world)}
    calls: list[Call] = []
    for workspace in estate.workspaces:
        session = f"{bucket}/{workspace}/alice/sessions/{SESSION}/"
        units, mib = estate.limits.get(workspace, (256.0, 512.0))
        calls += [
            *(
                ("s3:GetObject", f"{session}{name}", code)
                for name in ("manifest.json", "requests/0f.json", "status.json")
            ),
            ("s3:PutObject", f"{session}status.json", code),
            *(
                (f"sqs:{name}", queue_named(queue_of(world, workspace), SESSION), code)
                for name in ("CreateQueue", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl")
            ),
            (
                "ecs:RunTask",
                f"arn:aws:ecs:{place}:task-definition/starburst-{estate.name}-{workspace}:7",
                {
                    **code,
                    "ecs:cluster": cluster,
                    "ecs:task-cpu": str(units),
                    "ecs:task-memory": str(mib),
                    "ecs:enable-execute-command": "false",
                },
            ),
            (
                "ecs:RunTask",
                f"arn:aws:ecs:{place}:task-definition/starburst-{estate.name}-{workspace}",
                {"ecs:cluster": cluster},
            ),
            *(
                (
                    "iam:PassRole",
                    estate.role(kind, workspace).arn,
                    {"iam:PassedToService": "ecs-tasks.amazonaws.com"},
                )
                for kind in ("worker", "launch")
            ),
        ]
    yield always(
        world,
        role.name,
        _calling(
            world,
            role,
            [
                *calls,
                *(
                    (f"s3:{name}Object", f"{bucket}/_control/active/{SESSION}.json", code)
                    for name in ("Get", "Put", "Delete")
                ),
                ("s3:ListBucket", bucket, {**code, "s3:prefix": "_control/active/"}),
                ("sqs:ListQueues", "*", code),
                ("ecs:TagResource", tasks, {"ecs:CreateAction": "RunTask"}),
                *_calls(("ecs:DescribeTasks", "ecs:StopTask"), tasks),
                ("ecs:ListTasks", "*", {"ecs:cluster": cluster}),
                *_calls(("ssm:GetParameter",), _parameter(world)),
                *_storage(world, key),
                *_calls(
                    ("logs:CreateLogStream", "logs:PutLogEvents"),
                    f"arn:aws:logs:{place}:log-group:/aws/lambda/starburst-{estate.name}-controller"
                    ":log-stream:a",
                ),
                *_calls(("sqs:SendMessage",), estate.named["control/Failures"]),
                *_calls(NETWORK, "*"),
            ],
        ),
    )


@theorem(GROUP)
def tasks_can_start(world: World) -> Iterator[Claim]:
    """ECS can pull the worker image and write its log."""
    estate = world.estate
    for role in estate.roles_for("launch"):
        group = f"/aws/ecs/starburst/{estate.name}/{role.workspace}"
        stream = (
            f"arn:aws:logs:{estate.region}:{estate.account}:log-group:{group}:log-stream:worker/a"
        )
        yield always(
            world,
            role.name,
            _calling(
                world,
                role,
                [
                    *_calls(PULLING, estate.named["registry/Worker"]),
                    *_calls(("ecr:GetAuthorizationToken",), "*"),
                    *_calls(("logs:CreateLogStream", "logs:PutLogEvents"), stream),
                ],
            ),
        )
    endpoint = world.endpoint("s3")
    if endpoint is not None:
        # ECR sends whoever pulls to a signed address in its own account's bucket.
        context = world.context(closed=True)
        context.put("aws:ResourceAccount", "999999999999")
        layer = f"arn:aws:s3:::prod-{estate.region}-starport-layer-bucket/layer"
        request = Request(context=context, action="s3:GetObject", resource=layer)
        yield always(world, "image layers", [(request, world.passes(request, through=endpoint))])


@theorem(GROUP)
def engineers_can_operate(world: World) -> Iterator[Claim]:
    """The platform team can deploy, and read logs, stacks and health."""
    estate = world.estate
    role = estate.role("platform")
    place = f"{estate.region}:{estate.account}"
    log_actions = ("DescribeLogStreams", "FilterLogEvents", "GetLogEvents", "StartQuery")
    groups = (
        f"/aws/ecs/starburst/{estate.name}/{estate.workspaces[0]}",
        f"/aws/lambda/starburst-{estate.name}-controller",
    )
    health = (
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "cloudwatch:ListMetrics",
        "ecs:DescribeClusters",
        "ecs:ListTasks",
        "logs:DescribeLogGroups",
        "logs:GetQueryResults",
        "logs:StopQuery",
    )
    stacks = ("DescribeStackEvents", "DescribeStackResources", "DescribeStacks")
    yield always(
        world,
        role.name,
        _calling(
            world,
            role,
            [
                *(
                    call
                    for job in ("deploy", "file-publishing", "image-publishing", "lookup")
                    for call in _calls(
                        ("sts:AssumeRole",),
                        f"arn:aws:iam::{estate.account}:role/cdk-hnb659fds-{job}-role-"
                        f"{estate.account}-{estate.region}",
                    )
                ),
                *(
                    call
                    for group in groups
                    for call in _calls(
                        [f"logs:{name}" for name in log_actions],
                        f"arn:aws:logs:{place}:log-group:{group}:log-stream:a",
                    )
                ),
                *_calls(
                    [f"cloudformation:{name}" for name in stacks],
                    f"arn:aws:cloudformation:{place}:stack/starburst-{estate.name}-access/a",
                ),
                *(
                    call
                    for region in estate.regions
                    for call in _calls(health, "*", aws__RequestedRegion=region)
                ),
                *_calls(
                    ("ecs:DescribeTasks",),
                    f"arn:aws:ecs:{place}:task/starburst-{estate.name}/0a",
                ),
            ],
        ),
    )


def _service(world: World, name: str, **said: str) -> Context:
    context = world.context(closed=True)
    context.put_all(
        {
            "aws:PrincipalIsAWSService": "true",
            "aws:PrincipalServiceName": name,
            "aws:SecureTransport": "true",
            "aws:SourceAccount": world.estate.account,
            "s3:TlsVersion": "1.3",
        }
    )
    context.put_all({key.replace("__", ":"): value for key, value in said.items()})
    return context


@theorem(GROUP)
def services_can_deliver(world: World) -> Iterator[Claim]:
    """AWS delivers trail, access logs, alarms and events, and encrypts logs and scratch disks."""
    estate = world.estate
    place = f"{estate.region}:{estate.account}"
    found: list[tuple[Request, Formula]] = []

    def may(action: str, item: Guarded, resource: str, context: Context) -> None:
        request = Request(context=context, action=action, resource=resource)
        found.append((request, world.admitted(request, at=item)))

    data = data_bucket(world)
    access_logs = estate.at("storage/AccessLogs")
    for folder, source in (("data", data.arn), ("trail", estate.named.get("audit/Files", ""))):
        if source:
            context = _service(world, "logging.s3.amazonaws.com", aws__SourceArn=source)
            may("s3:PutObject", access_logs, f"{access_logs.arn}/{folder}/a", context)
    logs_key = estate.at("foundation/LogsKey")
    if "audit/Files" in estate.named:
        files = estate.at("audit/Files")
        trail = f"arn:aws:cloudtrail:{place}:trail/starburst-{estate.name}"
        context = _service(world, "cloudtrail.amazonaws.com", aws__SourceArn=trail)
        may("s3:GetBucketAcl", files, files.arn, context)
        may("s3:PutObject", files, f"{files.arn}/AWSLogs/{estate.account}/a", context)
        for action in ("kms:GenerateDataKey", "kms:DescribeKey"):
            may(action, logs_key, logs_key.arn, context)
    log = _service(world, f"logs.{estate.region}.amazonaws.com")
    log.put("aws:SourceAccount")
    log.put("kms:EncryptionContext:aws:logs:arn", f"arn:aws:logs:{place}:log-group:/a")
    encrypting = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom")
    for action in encrypting:
        may(f"kms:{action}", logs_key, logs_key.arn, log)
    for service in ("budgets", "cloudwatch", "events"):
        for action in ("kms:Decrypt", "kms:GenerateDataKey"):
            context = _service(world, f"{service}.amazonaws.com")
            may(action, logs_key, logs_key.arn, context)
    topic = estate.at("control/Alerts")
    for service, source in (
        ("cloudwatch", f"arn:aws:cloudwatch:{place}:alarm:a"),
        ("budgets", f"arn:aws:budgets::{estate.account}:budget/a"),
    ):
        context = _service(world, f"{service}.amazonaws.com", aws__SourceArn=source)
        may("sns:Publish", topic, topic.arn, context)
    function = estate.at("control/Controller")
    for name, arn in estate.named.items():
        if name.startswith("control/Wake") and ":rule/" in arn:
            context = _service(world, "events.amazonaws.com", aws__SourceArn=arn)
            may("lambda:InvokeFunction", function, function.arn, context)
    key = data_key(world)
    for action, said in (
        ("kms:GenerateDataKeyWithoutPlaintext", {}),
        (
            "kms:CreateGrant",
            {"kms:GrantOperations": "Decrypt", "kms:GrantIsForAWSResource": "true"},
        ),
    ):
        context = _service(world, "fargate.amazonaws.com")
        context.put("aws:SourceAccount")
        context.put_all(
            {
                "kms:EncryptionContext:aws:ecs:clusterAccount": estate.account,
                "kms:EncryptionContext:aws:ecs:clusterName": f"starburst-{estate.name}",
                **said,
            }
        )
        may(action, key, key.arn, context)
    yield always(world, "services", found)


@theorem(GROUP)
def machinery_can_work(world: World) -> Iterator[Claim]:
    """The roles of AWS services do what they are for: flow logs, the trail's log, closed groups."""
    estate = world.estate
    place = f"{estate.region}:{estate.account}"
    streams = ("logs:CreateLogStream", "logs:PutLogEvents")
    shutting = ("ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress")
    group = next(iter(_default_groups(world)), None)
    for name, calls in (
        (
            "network/FlowLogRole",
            _calls((*streams, "logs:DescribeLogStreams"), _group_of(world, "network/Flows")),
        ),
        ("audit/TrailRole", _calls(streams, _group_of(world, "audit/Events"))),
        (
            "network/DefaultGroupRole",
            [
                *_calls(shutting, group or f"arn:aws:ec2:{place}:security-group/none"),
                *_calls(("ec2:DescribeSecurityGroups",), "*"),
            ],
        ),
    ):
        if name not in estate.named:
            continue
        role = next(one for one in estate.roles if one.arn == estate.named[name])
        yield always(world, role.name, _calling(world, role, calls))


def _group_of(world: World, name: str) -> str:
    return world.estate.named.get(name, "").removesuffix(":*") + ":log-stream:a"


def _default_groups(world: World) -> Iterator[str]:
    for policy in world.estate.policies.values():
        for statement in policy.statements:
            yield from (one for one in statement.resources if ":security-group/sg-" in one)


@theorem(GROUP)
def auditors_can_read_the_evidence(world: World) -> Iterator[Claim]:
    """An auditor of the account whom IAM lets in reads trail and access logs, and lists them."""
    estate = world.estate
    auditor = Role(
        arn=f"arn:aws:iam::{estate.account}:role/auditor",
        tags={},
        trust="",
        policies=(),
        boundary=None,
    )
    for bucket in estate.kind("bucket"):
        context = world.session(auditor, closed=True)
        context.put_all({"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"})
        asked = [
            Request(context=context, action="s3:ListBucket", resource=bucket.arn),
            Request(context=context, action="s3:GetObject", resource=f"{bucket.arn}/a"),
        ]
        yield always(
            world,
            bucket.arn,
            [
                (one, world.allowed(auditor, one, at=bucket, whatever_identity=True))
                for one in asked
            ],
        )


@theorem(GROUP)
def administrators_keep_the_keys(world: World) -> Iterator[Claim]:
    """The account's administrators can still manage our keys: nobody is locked out."""
    administrator = Role(
        arn=f"arn:aws:iam::{world.estate.account}:role/administrator",
        tags={},
        trust="",
        policies=(),
        boundary=None,
    )
    for key in world.estate.kind("key"):
        context = world.session(administrator, closed=True)
        context.put("kms:GrantIsForAWSResource", "true")
        asked = [
            Request(context=context, action=f"kms:{name}", resource=key.arn)
            for name in (
                "PutKeyPolicy",
                "DescribeKey",
                "EnableKeyRotation",
                "CreateGrant",
                "Decrypt",
            )
        ]
        yield always(
            world,
            key.policy,
            [
                (one, world.allowed(administrator, one, at=key, whatever_identity=True))
                for one in asked
            ],
        )

"""Every wildcard in a role's policy, and why it cannot be narrower: part of the policies' design.

A wildcard that is not here fails the synthesis, and so does a line that no policy needs. Where the
resource is ``*``, the line also says which actions may use it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stacks.settings import Environment
from starburst.contract import (
    CONTROL_PREFIX,
    USER_TAG,
    log_group_name,
    queue_prefix,
    task_family,
)
from starburst.contract.areas import SESSIONS
from starburst_assurance.wildcards import Wildcard
from starburst_constructs.identity.endpoint_opening import REGIONLESS
from starburst_constructs.naming import cluster_name, controller_name, endpoints_stack_name
from starburst_constructs.policies.analyst import SESSION
from starburst_constructs.policies.worker import ATTEMPT, RESULT

__all__ = ["wildcards"]

_DATA_BUCKET: Final = "<Data.Arn>"
"""The data bucket's ARN, as the gate prints what comes from another stack."""

_NO_RESOURCE: Final = "These actions have no resource to name; "

_CEILING: Final = (
    "A permissions boundary grants nothing: its patterns cap what policies may grant, and each "
    "policy is judged by itself."
)

_READ_GROUPS: Final = ("ec2:DescribeSecurityGroups",)
_JOIN_VPC: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
_SEE_VPC: Final = (
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
)
_OPENING: Final = (
    *(action for action in _SEE_VPC if action != "ec2:DescribeSubnets"),
    *REGIONLESS,
)
_HEALTH: Final = (
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "ecs:DescribeClusters",
    "ecs:ListTasks",
    "logs:DescribeLogGroups",
    "logs:GetQueryResults",
    "logs:StopQuery",
)


def wildcards(environment: Environment) -> tuple[Wildcard, ...]:
    """Return the wildcards in the policies of ``environment``."""
    return (*_boundary(environment), *_network(environment), *_roles(environment))


def _roles(environment: Environment) -> Iterator[Wildcard]:
    names = [workspace.name for workspace in environment.workspaces]
    for name in names:
        yield from _analyst(environment, name)
        yield from _worker(environment, name)
        yield from _launch(environment, name)
    yield from _controller(environment, names)
    yield from _platform(environment)
    if environment.capacity is not None:
        yield from _hosts(environment)


def _hosts(environment: Environment) -> Iterator[Wildcard]:
    policy = "hosts/Role/Agent/Resource"
    instances = f"container-instance/{cluster_name(environment.name)}/*"
    yield Wildcard(
        policy=policy,
        resource=_arn(environment, "ecs", instances),
        reason="ECS gives an instance its id when it joins the environment's own cluster.",
    )
    yield Wildcard(
        policy=policy,
        resource="*",
        reason=f"{_NO_RESOURCE}ecs:DiscoverPollEndpoint tells an address of ECS.",
        actions=("ecs:DiscoverPollEndpoint",),
    )


def _closes_default_group(environment: Environment) -> bool:
    own_vpc = environment.network.existing is None
    return own_vpc and "default-security-group" not in environment.without


def _boundary(environment: Environment) -> Iterator[Wildcard]:
    if environment.permissions_boundary is not None:
        return
    name, account = f"starburst-{environment.name}", environment.account
    closes, bursting = _closes_default_group(environment), environment.network.while_bursting
    yield Wildcard(
        policy="foundation/Boundary/Resource",
        resource="*",
        reason=f"{_CEILING} Beyond this account, these actions have no resource to name.",
        actions=(
            *_HEALTH,
            *_JOIN_VPC,
            *(_READ_GROUPS if closes and not bursting else ()),
            *(_OPENING if bursting else ()),
            *(("ecs:DiscoverPollEndpoint",) if environment.capacity is not None else ()),
            "ecr:GetAuthorizationToken",
            "ecs:DescribeTaskDefinition",
            "logs:DescribeQueries",
            "sqs:ListQueues",
        ),
    )
    for pattern in (
        "arn:aws:s3:::*",
        f"arn:aws:cloudformation:*:{account}:stack/*",
        f"arn:aws:ecr:*:{account}:repository/*",
        f"arn:aws:ecs:*:{account}:task-definition/{name}-*",
        f"arn:aws:ecs:*:{account}:task/{name}/*",
        f"arn:aws:iam::{account}:role/cdk-*",
        f"arn:aws:iam::{account}:role/{name}-*",
        f"arn:aws:kms:*:{account}:key/*",
        f"arn:aws:lambda:*:{account}:function:{name}-*",
        f"arn:aws:logs:*:{account}:log-group:*",
        f"arn:aws:sqs:*:{account}:{name}-*",
        f"arn:aws:ssm:*:{account}:parameter/starburst/{environment.name}/*",
        *([f"arn:aws:ec2:*:{account}:security-group/*"] if closes or bursting else []),
        *(
            [
                f"arn:aws:cloudformation:*:{account}:stack/{name}-endpoints/*",
                f"arn:aws:ec2:*:{account}:subnet/*",
                f"arn:aws:ec2:*:{account}:vpc/*",
                f"arn:aws:ec2:*:{account}:vpc-endpoint/*",
            ]
            if bursting
            else []
        ),
        *(
            [
                f"arn:aws:ecs:*:{account}:cluster/{name}",
                f"arn:aws:ecs:*:{account}:container-instance/{name}/*",
            ]
            if environment.capacity is not None
            else []
        ),
    ):
        yield Wildcard(policy="foundation/Boundary/Resource", resource=pattern, reason=_CEILING)


def _network(environment: Environment) -> Iterator[Wildcard]:
    if _closes_default_group(environment):
        yield Wildcard(
            policy="network/DefaultGroup/Role/Policy/Resource",
            resource="*",
            reason=f"{_NO_RESOURCE}it reads security groups, and changes nothing.",
            actions=_READ_GROUPS,
        )
    if environment.network.while_bursting:
        policy = "network/Opening/Role/Opening/Resource"
        yield Wildcard(
            policy=policy,
            resource=_arn(environment, "ec2", "vpc-endpoint/*"),
            reason="EC2 makes an endpoint's id; each statement asks for the tag of our endpoints.",
        )
        yield Wildcard(
            policy=policy,
            resource="*",
            reason=f"{_NO_RESOURCE}it reads the VPC, and the zone with a service's private names "
            "is of that service's own account: a condition holds it to our VPC.",
            actions=(*_SEE_VPC, *REGIONLESS),
        )


def _arn(environment: Environment, service: str, rest: str) -> str:
    return f"arn:aws:{service}:{environment.region}:{environment.account}:{rest}"


def _queues(environment: Environment, workspace: str, policy: str) -> Wildcard:
    return Wildcard(
        policy=policy,
        resource=_arn(environment, "sqs", f"{queue_prefix(environment.name, workspace)}*"),
        reason="Session queues are made at run time under the workspace's own name prefix.",
    )


def _analyst(environment: Environment, workspace: str) -> Iterator[Wildcard]:
    policy = f"access/Analyst-{workspace}/Analysis/Resource"
    user = f"<aws:PrincipalTag/{USER_TAG}>"
    folder = f"{_DATA_BUCKET}/{SESSIONS.prefix(workspace, user)}"
    yield _queues(environment, workspace, policy)
    yield Wildcard(
        policy=policy,
        resource=f"{folder}*",
        reason="An analyst's own folder; the trust admits no slash in the tag that names it.",
    )
    for part in ("functions", "inputs", "requests"):
        yield Wildcard(
            policy=policy,
            resource=f"{folder}{SESSION}/{part}/*",
            reason="What a client writes in its own sessions; their ids are made at run time.",
        )


def _worker(environment: Environment, workspace: str) -> Iterator[Wildcard]:
    policy = f"access/Worker-{workspace}/Work/Resource"
    session = f"{_DATA_BUCKET}/{SESSIONS.prefix(workspace, '*', SESSION)}"
    yield _queues(environment, workspace, policy)
    for part in ("manifest.json", "functions/*", "inputs/*", "results/*"):
        yield Wildcard(
            policy=policy,
            resource=f"{session}{part}",
            reason="A workspace's sessions; user and session are known at run time only.",
        )
    for name in (ATTEMPT, RESULT):
        yield Wildcard(
            policy=policy,
            resource=f"{session}results/{name}",
            reason="What a worker writes; tasks have numbers, and IAM has no pattern for digits.",
        )


def _launch(environment: Environment, workspace: str) -> Iterator[Wildcard]:
    policy = f"access/Launch-{workspace}/Launch/Resource"
    group = log_group_name(environment.name, workspace)
    yield Wildcard(
        policy=policy,
        resource="*",
        reason=f"{_NO_RESOURCE}ecr:GetAuthorizationToken opens what PullImage names.",
        actions=("ecr:GetAuthorizationToken",),
    )
    yield Wildcard(
        policy=policy,
        resource=_arn(environment, "logs", f"log-group:{group}:log-stream:*"),
        reason="ECS names a log stream after each task, in the workspace's own group.",
    )


def _controller(environment: Environment, workspaces: list[str]) -> Iterator[Wildcard]:
    sessions = "access/Controller/Sessions/Resource"
    for part in ("manifest.json", "requests/*", "status.json"):
        yield Wildcard(
            policy=sessions,
            resource=f"{_DATA_BUCKET}/{SESSIONS.prefix('*', '*', SESSION)}{part}",
            reason="The controller serves every session; it reads neither inputs nor results.",
        )
    yield Wildcard(
        policy=sessions,
        resource="*",
        reason=f"{_NO_RESOURCE}sqs:ListQueues shows the names of queues, nothing in them.",
        actions=("sqs:ListQueues",),
    )
    yield Wildcard(
        policy=sessions,
        resource=f"{_DATA_BUCKET}/{CONTROL_PREFIX}*",
        reason="The controller's own records, one for each session.",
    )
    fleet = "access/Controller/Fleet/Resource"
    cluster = cluster_name(environment.name)
    for name in workspaces:
        yield _queues(environment, name, sessions)
        for other in (None, *environment.other_architectures):
            family = task_family(environment.name, name, other)
            yield Wildcard(
                policy=fleet,
                resource=_arn(environment, "ecs", f"task-definition/{family}:*"),
                reason="Each deployment makes a new revision of this one task definition.",
            )
    yield Wildcard(
        policy=fleet,
        resource=_arn(environment, "ecs", f"task/{cluster}/*"),
        reason="Task ids are made at run time, in the environment's own cluster.",
    )
    yield Wildcard(
        policy=fleet,
        resource="*",
        reason=f"{_NO_RESOURCE}ecs:ListTasks is held to the environment's cluster by condition.",
        actions=("ecs:ListTasks",),
    )
    function = "access/Controller/Function/Resource"
    name = controller_name(environment.name)
    yield Wildcard(
        policy=function,
        resource=_arn(environment, "logs", f"log-group:/aws/lambda/{name}:log-stream:*"),
        reason="Lambda names log streams itself, in the function's own group.",
    )
    if environment.network.while_bursting:
        yield Wildcard(
            policy="access/Controller/Endpoints/Resource",
            resource=_arn(
                environment, "cloudformation", f"stack/{endpoints_stack_name(environment.name)}/*"
            ),
            reason="CloudFormation ends a stack's ARN with an id that it makes.",
        )
        return
    yield Wildcard(
        policy=function,
        resource="*",
        reason=f"{_NO_RESOURCE}Lambda joins the VPC with them, and a Deny keeps the code off.",
        actions=_JOIN_VPC,
    )


def _platform(environment: Environment) -> Iterator[Wildcard]:
    policy = "access/Platform/Operation/Resource"
    for group in (
        f"/aws/ecs/starburst/{environment.name}/*",
        f"/aws/lambda/{controller_name(environment.name)}",
        f"starburst-{environment.name}-audit-*",
    ):
        yield Wildcard(
            policy=policy,
            resource=_arn(environment, "logs", f"log-group:{group}:*"),
            reason="Operators read the kit's own logs; personal data in them stays masked.",
        )
    yield Wildcard(
        policy=policy,
        resource=_arn(environment, "cloudformation", "stack/*"),
        reason="Reading the state of stacks is how a deployment is watched; it shows no data.",
    )
    yield Wildcard(
        policy=policy,
        resource="*",
        reason=f"{_NO_RESOURCE}they read metrics, alarms, task states and query results; the "
        "token opens what PushImages names.",
        actions=(*_HEALTH, "ecr:GetAuthorizationToken", "ecs:DescribeTasks"),
    )

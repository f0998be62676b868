"""Calls as an SDK sends them, and whether AWS would take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import SESSION, queue_named, queue_of
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.reading.policies import Guarded, Role

__all__ = [
    "GROUP",
    "MESSAGES",
    "ONCE",
    "READS",
    "SESSION",
    "Call",
    "analysts_arn",
    "calling",
    "calls",
    "function_arn",
    "packages_arn",
    "parameter_arn",
    "storage_calls",
]

GROUP = "The work goes on"
Call = tuple[str, str, Mapping[str, str]]
"""Action, resource, and what the request says beyond that."""

READS = ("s3:GetObject",)
MESSAGES = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage")
ON_BEHALF = {"aws:ViaAWSService": "true"}
"""What a service says that calls another for a principal; it calls from AWS's own network."""

ONCE = {"s3:if-none-match": "*", "s3:ObjectCreationOperation": "true"}


def calling(
    world: World,
    role: Role,
    calls: Iterable[Call],
    *,
    user: str | None = None,
    inside: bool = True,
    place: Mapping[str, str] | None = None,
) -> Iterator[tuple[Request, Formula]]:
    """Yield whether each call of a session is allowed, as an SDK sends it: TLS 1.3, our Region.

    Everything that is not said is absent. Workers and the controller call through the VPC
    endpoints, unless an AWS service calls for them.

    Args:
        world: in which it would be allowed.
        role: who calls.
        calls: what is called.
        user: name in the session.
        inside: whether the role's own code calls, and not AWS in its name.
        place: what AWS sees of where users are; at a desk in the first trusted network without it.
            In our own VPC they call through its endpoints.
    """
    policy_set = world.policy_set
    for action, resource, said in calls:
        context = world.session(role, user=user, closed=True)
        context.put_all(
            {
                "aws:RequestedRegion": policy_set.region,
                "aws:SecureTransport": "true",
                "aws:TokenIssueTime": "2026-01-01T00:00:00Z",
                "aws:ViaAWSService": "false",
                "s3:TlsVersion": "1.3",
                "starburst:queueUser": user or "alice",
            }
        )
        world.put_ours(context, "Resource")
        service = {"ecr": "ecr.api"}.get(action.partition(":")[0], action.partition(":")[0])
        machine = role.purpose in ("worker", "launch", "controller")
        here = place is not None and place.get("aws:SourceVpc") == policy_set.vpc
        called = inside and ON_BEHALF.items().isdisjoint(said.items())
        within = called and (machine or here)
        endpoint = world.endpoint(service) if within else None
        if within:
            context.put("aws:SourceVpc", policy_set.vpc)
        elif ON_BEHALF.items().isdisjoint(said.items()):
            context.put_all(_desk(world) if place is None else place)
        if within and service == "s3":
            context.put("aws:SourceVpce", policy_set.s3_endpoint)
        elif endpoint is not None:
            context.put("aws:SourceVpce", endpoint.identifier)
        context.put_all(said)
        request = Request(context=context, action=action, resource=resource)
        yield (
            request,
            world.allowed(role, request, at=_at(world, role, action, resource), through=endpoint),
        )


def _desk(world: World) -> Mapping[str, str]:
    trusted = world.policy_set.trusted_cidrs
    return {"aws:SourceIp": trusted[0].partition("/")[0]} if trusted else {}


def _at(world: World, role: Role, action: str, resource: str) -> Guarded | None:
    for item in world.policy_set.guarded:
        if resource == item.arn or resource.startswith(f"{item.arn}/"):
            return item
    if action.startswith("sqs:") and resource.endswith(SESSION):
        for workspace in world.policy_set.workspaces:
            queue = queue_of(world, workspace)
            if resource == queue_named(queue, SESSION):
                return queue
    return None


def calls(actions: Iterable[str], resource: str, **said: str) -> Iterator[Call]:
    """Yield a call of each action; of a key's name ``__`` stands for the colon."""
    for action in actions:
        yield action, resource, {key.replace("__", ":"): value for key, value in said.items()}


def storage_calls(world: World, arn: str, *services: str) -> list[Call]:
    """Return what S3 and SQS do with the key on a caller's behalf; or only some of them."""
    region = world.policy_set.region
    return [
        (action, arn, {**ON_BEHALF, "kms:ViaService": f"{service}.{region}.amazonaws.com"})
        for service in services or ("s3", "sqs")
        for action in ("kms:Decrypt", "kms:GenerateDataKey")
    ]


def analysts_arn(world: World) -> str:
    """Return the ARN of the alias by which analysts ask the controller."""
    return world.policy_set.named["control/ControllerAnalysts"]


def function_arn(world: World) -> str:
    """Return the controller's ARN."""
    return world.policy_set.named["control/Controller"]


def parameter_arn(world: World) -> str:
    """Return the ARN of the runtime document."""
    return _parameter_arn(world, "runtime")


def packages_arn(world: World, workspace: str) -> str:
    """Return the ARN of what a workspace says of packages."""
    return _parameter_arn(world, f"packages/{workspace}")


def _parameter_arn(world: World, name: str) -> str:
    policy_set = world.policy_set
    place = f"arn:aws:ssm:{policy_set.region}:{policy_set.account}"
    return f"{place}:parameter/starburst/{policy_set.name}/{name}"

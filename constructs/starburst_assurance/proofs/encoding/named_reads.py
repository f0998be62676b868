"""What settings name of other buckets, as theorems speak of it: apart from all policies."""

from __future__ import annotations

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.logic import Formula, Text
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.reading.policies import Role
from starburst_constructs.named_objects import NamedObjects

__all__ = [
    "READING",
    "is_let_through",
    "is_named",
    "is_passed",
    "is_somebody_elses",
    "reads_of",
]

READING = ("s3:GetObject", "s3:ListBucket")


def reads_of(world: World, role: Role) -> tuple[NamedObjects, ...]:
    """Return what the workspace of a worker role reads; nothing for every other role."""
    if role.purpose != "worker":
        return ()
    return tuple(world.policy_set.reads.get(str(role.workspace), ()))


def is_named(world: World, role: Role, request: Request) -> Formula:
    """Return whether a role's settings name what a request is for."""
    return world.logic.some(
        world.logic.every((_one(world, one, request), _below(world, one, request)))
        for one in reads_of(world, role)
    )


def is_let_through(world: World, request: Request) -> Formula:
    """Return whether a request is for what some workspace names, or for a list of its bucket.

    Boundary and endpoint ask for the bucket; which part of it a worker may list is its own
    policy's affair.
    """
    reads = (one for known in world.policy_set.reads.values() for one in known)
    return world.logic.some(_around(world, one, request) for one in reads)


def is_passed(world: World, request: Request) -> Formula:
    """Return whether a worker asks for what its own workspace's settings name of somebody else."""
    return world.logic.some(
        world.logic.every(
            (
                request.context.is_("aws:PrincipalArn", role.arn),
                world.logic.some(
                    _around(world, one, request)
                    for one in reads_of(world, role)
                    if is_somebody_elses(world, one)
                ),
            )
        )
        for role in world.policy_set.roles_for("worker")
    )


def is_somebody_elses(world: World, named: NamedObjects) -> bool:
    """Return whether it is outside the account, and outside the organization too."""
    return not named.organization and named.account != world.policy_set.account


def _one(world: World, named: NamedObjects, request: Request) -> Formula:
    logic, context = world.logic, request.context
    if request.action == "s3:GetObject":
        return logic.every((logic.like(request.resource, named.objects), context.is_(*named.owner)))
    if request.action == "s3:ListBucket":
        bucket = logic.same(request.resource, named.bucket)
        return logic.every((bucket, context.is_(*named.owner)))
    if request.action == "kms:Decrypt" and named.key_arn:
        through = context.is_("kms:ViaService", f"s3.{world.policy_set.region}.amazonaws.com")
        # A key's ARN says its account; which organization that is of, only the request says.
        theirs = context.is_(*named.owner) if named.organization else True
        return logic.every((logic.same(request.resource, named.key_arn), through, theirs))
    return False


def _around(world: World, named: NamedObjects, request: Request) -> Formula:
    """As ``_one``, where objects and their bucket stand in one statement."""
    if request.action not in READING:
        return _one(world, named, request)
    logic, resource = world.logic, request.resource
    there = logic.some((logic.like(resource, named.objects), logic.same(resource, named.bucket)))
    return logic.every((there, request.context.is_(*named.owner)))


def _below(world: World, named: NamedObjects, request: Request) -> Formula:
    """Return whether a list, if it is one, stays below the prefix."""
    if not named.prefix or request.action != "s3:ListBucket":
        return True
    prefix: Text = request.context.text("s3:prefix")
    has = request.context.has("s3:prefix")
    return world.logic.every((has, world.logic.starts(prefix, named.prefix)))

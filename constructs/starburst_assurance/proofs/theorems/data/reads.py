"""What workers read: their workspace's own, and the objects of other buckets that settings name."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    DATA,
    PACKAGES,
    SESSIONS,
    actions_on,
    data_bucket,
    data_key,
    requests,
)
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.named_reads import (
    is_named,
    is_somebody_elses,
    reads_of,
)
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.reading.policies import Role
from starburst_assurance.proofs.solving.theorem import Claim, always, never, theorem
from starburst_assurance.proofs.theorems.availability.calls import Call, calling

GROUP = "Between workspaces"
OWN = (SESSIONS, PACKAGES, DATA)
"""Areas of which a worker gets objects."""

BY_S3 = {"aws:ViaAWSService": "true"}


@theorem(GROUP)
def workers_read_what_is_named(world: World) -> Iterator[Claim]:
    """Workers read their workspace's sessions, data, packages and named objects, nothing else.

    By identity policies alone, whoever has the bucket. Where settings name objects of other
    buckets, workers of that workspace can read them, through boundary and endpoint.
    """
    for role in world.policy_set.roles_for("worker"):
        context = world.session(role)
        resource = world.logic.text("resource")
        reading = [
            action for action in actions_on(world, "s3") if action.startswith(("s3:Get", "s3:List"))
        ]
        yield never(
            f"{role.name}, other objects",
            [
                (one, _unnamed(world, role, one, _is_own(world, role, one)))
                for one in requests(context, reading, resource)
            ],
        )
        yield never(
            f"{role.name}, other keys",
            [
                (one, _unnamed(world, role, one, world.logic.same(resource, data_key(world).arn)))
                for one in requests(context, actions_on(world, "kms"), resource)
            ],
        )
        asked = [call for named in _places(world, role) for call in named]
        if asked:
            yield always(world, f"{role.name}, what is named", calling(world, role, asked))


def _unnamed(world: World, role: Role, request: Request, own: Formula) -> Formula:
    """Return whether a request is allowed that is neither for its own nor for what is named."""
    return world.logic.every(
        (
            world.allowed(role, request, boundary=False),
            world.logic.no(own),
            world.logic.no(is_named(world, role, request)),
        )
    )


def _is_own(world: World, role: Role, request: Request) -> Formula:
    logic, bucket = world.logic, data_bucket(world).arn
    if request.action == "s3:ListBucket":
        return logic.every(
            (
                logic.same(request.resource, bucket),
                request.context.has("s3:prefix"),
                logic.starts(request.context.text("s3:prefix"), f"{DATA}{role.workspace}/"),
            )
        )
    if request.action != "s3:GetObject":
        return False
    return logic.some(
        logic.starts(request.resource, f"{bucket}/{area}{role.workspace}/") for area in OWN
    )


def _places(world: World, role: Role) -> Iterator[list[Call]]:
    """Yield what a worker calls for each of the objects that are named."""
    for named in reads_of(world, role):
        # A bucket of the organization is in any of its accounts; ours has its own by itself.
        owner = dict([named.owner])
        if is_somebody_elses(world, named) or named.organization:
            owner.setdefault("aws:ResourceAccount", "999999999999")
        if is_somebody_elses(world, named) and world.policy_set.organization is not None:
            owner["aws:ResourceOrgID"] = "o-somebodyelse"
        found: list[Call] = [
            ("s3:GetObject", named.objects.replace("*", "a/b.parquet"), owner),
            ("s3:ListBucket", named.bucket, {**owner, "s3:prefix": f"{named.prefix}a/"}),
        ]
        if named.prefix:
            found.append(("s3:ListBucket", named.bucket, {**owner, "s3:prefix": named.prefix}))
        else:
            found.append(("s3:ListBucket", named.bucket, owner))
        if named.key_arn:
            through = {"kms:ViaService": f"s3.{world.policy_set.region}.amazonaws.com"}
            found.append(("kms:Decrypt", named.key_arn, {**owner, **BY_S3, **through}))
        yield found

"""What each role is for, written down apart from its policies: it does that and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from starburst_assurance.proofs.encoding.clusters import in_each_cluster
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    PEOPLE,
    actions_on,
    data_bucket,
    data_key,
    default_groups,
    every_action,
    requests,
    session_of,
)
from starburst_assurance.proofs.encoding.logic import Formula, Text
from starburst_assurance.proofs.encoding.named_reads import is_let_through, is_named
from starburst_assurance.proofs.encoding.named_secrets import is_any_secret, is_named_secret
from starburst_assurance.proofs.reading.policies import Role
from starburst_assurance.proofs.solving.theorem import Claim, never, theorem
from starburst_assurance.proofs.theorems.roles.endpoints import opening_role, passed_for_endpoints
from starburst_assurance.proofs.theorems.roles.tables import (
    CEILING,
    DUTIES,
    ENDPOINT_OPENING,
    ENDPOINT_OPENING_CEILING,
    USER,
    Duty,
)

__all__ = ["duties_of", "within_duties"]

GROUP = "Nothing beyond the duty"

_OWN: Final = re.compile(r"\{([^{}/]+/[^{}]+)\}")
"""A resource of an add-on by its logical name."""


def _filled(world: World, pattern: str, role: Role) -> str:
    policy_set = world.policy_set
    values = {
        "{a}": policy_set.account,
        "{r}": policy_set.region,
        "{env}": policy_set.name,
        "{ws}": role.workspace or "",
        "{user}": USER,
        "{bucket}": data_bucket(world).arn,
        "{key}": data_key(world).arn,
        "{logs_key}": policy_set.named["foundation/LogsKey"],
        "{function}": policy_set.named["control/Controller"],
        "{repository}": policy_set.named["registry/Worker"],
        "{flows}": policy_set.named.get("network/Flows", ""),
        "{closed}": next(iter(default_groups(world)), "arn:aws:ec2:::none"),
        "{events}": policy_set.named.get("audit/Events", ""),
        "{packages}": (
            f"arn:aws:ssm:{policy_set.region}:{policy_set.account}:"
            f"parameter/starburst/{policy_set.name}/packages/{role.workspace}"
        ),
        "{parameter}": (
            f"arn:aws:ssm:{policy_set.region}:{policy_set.account}:"
            f"parameter/starburst/{policy_set.name}/runtime"
        ),
    }
    for name, value in values.items():
        pattern = pattern.replace(name, value)
    return _OWN.sub(lambda found: policy_set.named[found[1]], pattern)


def within_duties(
    world: World, duties: Sequence[Duty], role: Role, action: str, resource: Text
) -> Formula:
    """Return whether an action on a resource is part of some duty."""
    return world.logic.some(
        world.logic.like(resource, _filled(world, pattern, role))
        for actions, patterns in duties
        if action in actions
        for each in patterns
        for pattern in in_each_cluster(world.policy_set, each)
    )


def duties_of(world: World, role: Role) -> Sequence[Duty]:
    """Return what a role is for, by the tables of the kit and of add-ons."""
    if role.purpose is not None:
        opening = ENDPOINT_OPENING if opening_role(world) else {}
        return (
            *DUTIES.get(role.purpose, ()),
            *opening.get(role.purpose, ()),
            *world.policy_set.duties.get(role.purpose, ()),
        )
    tables = {**DUTIES, **world.policy_set.duties}
    for name, arn in world.policy_set.named.items():
        if arn == role.arn and name in tables:
            return tables[name]
    return ()


@theorem(GROUP)
def every_role_keeps_to_its_duty(world: World) -> Iterator[Claim]:
    """Every role does what it is for and nothing else: no other action, on no other resource.

    In any AWS service, by its own policies alone. What each is for is a table beside this theorem.
    """
    for role in world.policy_set.roles:
        # One user stands for all: what is between users is another theorem's affair.
        context = world.session(role, user=USER if role.purpose in PEOPLE else None)
        resource = world.logic.text("resource")
        duties = duties_of(world, role)
        for one in requests(context, every_action(world), resource):
            allowed = world.allowed(role, one, boundary=False)
            if allowed is False:
                continue
            kept = world.logic.some(
                (
                    within_duties(world, duties, role, one.action, resource),
                    is_named(world, role, one),
                    is_named_secret(world, role, one),
                )
            )
            yield never(
                f"{role.name}, {one.action}",
                [(one, world.logic.every((allowed, world.logic.no(kept))))],
            )


@theorem(GROUP)
def duties_end_where_names_end(world: World) -> Iterator[Claim]:
    """A role's duty ends with a name: what only begins like something of its own is closed.

    ``every_role_keeps_to_its_duty`` says more; this asks for the nearest neighbours by name, where
    a slip in a pattern shows without a search.
    """
    for role in world.policy_set.roles:
        context = world.session(role, user=USER if role.purpose in PEOPLE else None)
        duties = duties_of(world, role)
        near: dict[str, None] = {}
        for _, patterns in duties:
            for pattern in patterns:
                for each in in_each_cluster(world.policy_set, pattern):
                    near.update(dict.fromkeys(_neighbours(_filled(world, each, role))))
        yield never(
            role.name,
            [
                (one, world.allowed(role, one, boundary=False))
                for resource in near
                for one in requests(context, actions_on(world, resource.split(":")[2]), resource)
                if not within_duties(world, duties, role, one.action, resource)
            ],
        )


def _neighbours(pattern: str) -> Iterator[str]:
    """Yield names that a pattern covers, and some that it just does not."""
    if pattern == "*":
        return
    own = pattern.replace("?" * 20, "0" * 20).replace("*", "a")
    yield own
    yield f"{own}.x"
    if pattern.endswith("/*"):
        yield f"{own[:-2]}.x"


def _most(world: World, boundary: str) -> Sequence[Duty]:
    """Return the most that a boundary may allow, by the tables of the kit and of add-ons.

    An add-on's own boundary is for that one alone. The environment's is for the kit's roles, and
    for those add-ons whose roles carry it.
    """
    policy_set = world.policy_set
    owner = policy_set.owner(policy_set.named.get(boundary, ""))
    if owner is not None:
        return (*CEILING, *policy_set.ceilings.get(owner, ()))
    bound = {policy_set.owner(one.arn) for one in policy_set.roles if one.boundary == boundary}
    return (
        *CEILING,
        *(ENDPOINT_OPENING_CEILING if opening_role(world) else ()),
        *(
            duty
            for addon in policy_set.addons
            if addon in bound
            for duty in policy_set.ceilings.get(addon, ())
        ),
    )


@theorem(GROUP, unless="kit-boundary")
def the_boundary_is_a_ceiling(world: World) -> Iterator[Claim]:
    """Whatever its policies say, no role ever goes beyond what the kit's roles need together.

    A role of an add-on goes beyond that by what its own add-on is said to allow, and by no other's.
    """
    for name in sorted({role.boundary for role in world.policy_set.roles if role.boundary}):
        role = next(one for one in world.policy_set.roles if one.boundary == name)
        context = world.session(role, user=USER if role.purpose in PEOPLE else None)
        resource = world.logic.text("resource")
        most = _most(world, name)
        for one in requests(context, every_action(world), resource):
            allowed = world.allowed(role, one, whatever_identity=True)
            if allowed is False:
                continue
            kept = world.logic.some(
                (
                    within_duties(world, most, role, one.action, resource),
                    is_let_through(world, one),
                    is_any_secret(world, one),
                )
            )
            yield never(
                f"{name}, {one.action}",
                [(one, world.logic.every((allowed, world.logic.no(kept))))],
            )


@theorem(GROUP, unless="kit-boundary")
def nothing_in_other_accounts(world: World) -> Iterator[Claim]:
    """Whatever its policies say, no role reads or writes an object of another account.

    But for objects of other buckets that settings name. Nor does it pass a role to anything but
    ECS tasks, or CloudFormation the endpoint role.
    """
    for role in world.policy_set.roles:
        context = session_of(world, role)
        objects = [action for action in every_action(world) if action.startswith("s3:")]
        asked = requests(context, objects, world.logic.text("resource"))
        yield never(
            role.name,
            [
                (
                    one,
                    world.logic.every(
                        (
                            world.allowed(role, one, whatever_identity=True),
                            world.logic.no(is_let_through(world, one)),
                        )
                    ),
                )
                for one in asked
            ],
            given=[context.is_not("aws:ResourceAccount", world.policy_set.account)],
        )
        resource = world.logic.text("resource")
        passing = requests(context, ["iam:PassRole"], resource)
        known = passed_for_endpoints(world, context, resource)
        yield never(
            f"{role.name}, passing roles",
            [(one, world.allowed(role, one, whatever_identity=True)) for one in passing],
            given=[
                context.is_not("iam:PassedToService", "ecs-tasks.amazonaws.com"),
                *(world.logic.no(one) for one in known),
            ],
        )

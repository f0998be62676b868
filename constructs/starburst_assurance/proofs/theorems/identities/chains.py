"""Where a chain of roles may lead: each step of it against a table, and so all chains there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import requests, session_of
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import Guarded, Role
from starburst_assurance.proofs.solving.theorem import Claim, never, theorem
from starburst_assurance.proofs.theorems.identities.parties import SAID, Parties, parties_of
from starburst_assurance.proofs.theorems.identities.reaching import (
    BECOMING,
    MAKING,
    OUTSIDE,
    REACH,
    REWRITING,
    RUNNING,
    RUNNING_OF,
    STEPS,
)
from starburst_assurance.proofs.theorems.roles.duties import GROUP

_EXECUTION: Final = "cdk/cfn-exec"
_UNDER_A_BOUNDARY: Final = ("iam:CreateRole", "iam:PutRolePermissionsBoundary")


@theorem(GROUP)
def no_chain_leads_beyond_the_duty(world: World) -> Iterator[Claim]:
    """Nobody reaches more than their duty by taking, passing, changing or making roles in turn.

    Every single step that policies allow is in a table, and what the table's steps lead to in all
    is in another: roles of the stacks and of the bootstrap, and services that run as a role.
    """
    parties = parties_of(world)
    yield _closed(parties)
    roles = parties.world.policy_set.roles
    for role in roles:
        yield from _outside(parties, role)
        context = session_of(parties.world, role)
        yield from _direct(parties, role, context)
        yield from _elsewhere(parties, role, context)
        yield from _changing(parties, role, context)
        yield from _making(parties, role, context)


def _closed(parties: Parties) -> Claim:
    """Claim that the steps of the table lead to what the other table says, and no further."""
    context = parties.world.context()
    violations: list[tuple[Request, Formula]] = []
    for name in STEPS:
        reached: set[str] = set()
        waiting = [name]
        while waiting:
            new = {whom for _, whom in STEPS.get(waiting.pop(), ())} - reached
            reached |= new
            waiting += new
        request = Request(context=context, action="sts:AssumeRole", resource=name)
        violations.append((request, reached != REACH.get(name, frozenset())))
    return never("what the known steps lead to", violations)


def _direct(parties: Parties, role: Role, context: Context) -> Iterator[Claim]:
    """Claim that a role neither becomes another nor passes it, but where that is a known step.

    Most roles have no policy that speaks of either, and most trust no role: with two hundred of
    them, pairs are what takes time.
    """
    world, logic = parties.world, parties.world.logic
    somewhere = logic.text("anywhere")
    takes, passes = (
        world.allowed(role, one) is not False
        for one in requests(context, ("sts:AssumeRole", "iam:PassRole"), somewhere)
    )
    for other in world.policy_set.roles:
        if other is role:
            continue
        if (takes or other.arn in parties.trusting) and not parties.may("becomes", role, other):
            trust = Guarded(kind="role", arn=other.arn, policy=other.trust)
            [one] = requests(context, ["sts:AssumeRole"], other.arn)
            taken = world.allowed(role, one, at=trust)
            yield from _beyond(parties, role, SAID["becomes"].format(other.name), [(one, taken)])
        if passes and not parties.may("passes", role, other):
            [one] = requests(context, ["iam:PassRole"], other.arn)
            both = logic.every((world.allowed(role, one), _serves(parties, other, context)))
            yield from _beyond(parties, role, SAID["passes"].format(other.name), [(one, both)])


def _serves(parties: Parties, role: Role, context: Context) -> Formula:
    """Return whether the service that a role is passed to may take it."""
    service = parties.world.context()
    service.put("aws:PrincipalIsAWSService", "true")
    service.put("aws:PrincipalServiceName", context.text("iam:PassedToService"))
    for key in ("aws:PrincipalArn", "aws:PrincipalAccount", "aws:FederatedProvider"):
        service.put(key)
    taking = Request(context=service, action="sts:AssumeRole", resource=role.arn)
    return parties.world.trusted(role, taking)


def _elsewhere(parties: Parties, role: Role, context: Context) -> Iterator[Claim]:
    """Claim that nobody takes or passes a role that no table knows, whoever that trusts.

    Who deploys passes those that the stacks made.
    """
    world, logic = parties.world, parties.world.logic
    target = logic.text("unknown role")
    known = [logic.same(target, one.arn) for one in world.policy_set.roles]
    if parties.name(role) == _EXECUTION:
        known.append(logic.like(target, parties.filled("arn:aws:iam::{a}:role/starburst-{env}-*")))
    asked = requests(context, ("sts:AssumeRole", "iam:PassRole"), target)
    yield from _beyond(
        parties,
        role,
        "takes or passes a role that is none of ours",
        [(one, world.allowed(role, one)) for one in asked],
        given=[logic.no(logic.some(known))],
    )


def _changing(parties: Parties, role: Role, context: Context) -> Iterator[Claim]:
    """Claim that nobody changes what a role may do, or what runs as one, but by a known step."""
    world, logic = parties.world, parties.world.logic
    target = logic.text("changed")
    given: list[Formula] = []
    name = parties.name(role)
    if name == _EXECUTION:
        theirs = ("role/cdk-", "policy/deployer-of-starburst-")
        account = parties.filled("arn:aws:iam::{a}:")
        given.append(logic.some(logic.starts(target, account + one) for one in theirs))
    rewriting = requests(context, REWRITING, target)
    yield from _beyond(
        parties,
        role,
        SAID["rewrites"].format("a role"),
        [(one, world.allowed(role, one)) for one in rewriting],
        given=given,
    )
    if name == _EXECUTION:
        return
    own = RUNNING_OF.get(name)
    running = requests(context, RUNNING, target)
    yield from _beyond(
        parties,
        role,
        SAID["runs as"].format("a role"),
        [(one, world.allowed(role, one)) for one in running],
        given=[logic.no(logic.like(target, parties.filled(own)))] if own is not None else [],
    )


def _making(parties: Parties, role: Role, context: Context) -> Iterator[Claim]:
    """Claim that nobody makes somebody new, but who deploys, and that under a boundary.

    And an identity provider that an add-on says takes a role of its.
    """
    world = parties.world
    made = world.logic.text("made")
    deploys = parties.name(role) == _EXECUTION
    actions = [one for one in MAKING if not (deploys and one in _UNDER_A_BOUNDARY)]
    asked = requests(context, actions, made)
    yield from _beyond(
        parties,
        role,
        "makes somebody new",
        [(one, world.allowed(role, one)) for one in asked],
        given=[world.logic.no(world.logic.same(made, one)) for one in sorted(parties.providers())]
        if deploys
        else [],
    )
    if deploys and "kit-boundary" not in world.policy_set.without:
        asked = requests(context, _UNDER_A_BOUNDARY, made)
        yield from _beyond(
            parties,
            role,
            "makes a role without the boundary",
            [(one, world.allowed(role, one)) for one in asked],
            given=[context.is_not("iam:PermissionsBoundary", one) for one in parties.boundaries()],
        )


def _beyond(
    parties: Parties,
    role: Role,
    does: str,
    asked: Iterable[tuple[Request, Formula]],
    *,
    given: Sequence[Formula] = (),
) -> Iterator[Claim]:
    """Claim that a role does none of this, if any policy speaks of it and no add-on's duty does."""
    logic = parties.world.logic
    broken = [
        (one, logic.every((formula, logic.no(parties.own_duty(role, one)))))
        for one, formula in asked
        if formula is not False
    ]
    if broken:
        yield never(f"{parties.path(role)}{does}", broken, given=given)


def _outside(parties: Parties, role: Role) -> Iterator[Claim]:
    """Claim that nobody from elsewhere takes a role: only people, by their provider, and services.

    Of another account, of an identity provider, or of this account and none of ours. An add-on says
    apart from its policies who takes its roles.
    """
    world, logic = parties.world, parties.world.logic
    account = world.policy_set.account

    def asked(context: Context) -> list[tuple[Request, Formula]]:
        context.put("aws:PrincipalIsAWSService", "false")
        context.put("aws:PrincipalServiceName")
        return [
            (
                one,
                logic.every((world.trusted(role, one), logic.no(parties.taken_as_said(role, one)))),
            )
            for one in requests(context, BECOMING, role.arn)
        ]

    stranger = world.context()
    stranger.put("aws:FederatedProvider")
    arn = stranger.text("aws:PrincipalArn")
    ours = logic.like(arn, f"arn:aws:iam::{account}:*")
    yield never(
        f"somebody of another account becomes {role.name}",
        asked(stranger),
        given=[stranger.is_not("aws:PrincipalAccount", account), logic.no(ours)],
    )
    if parties.name(role) in OUTSIDE:
        return
    provided = world.context()
    provided.put("aws:PrincipalArn")
    provided.put("aws:PrincipalAccount")
    yield never(f"somebody of an identity provider becomes {role.name}", asked(provided))
    if parties.name(role).startswith("cdk/"):
        return
    inside = world.context()
    inside.put("aws:FederatedProvider")
    inside.put("aws:PrincipalAccount", account)
    yield never(f"somebody else of the account becomes {role.name}", asked(inside))

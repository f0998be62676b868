"""Everybody whom a chain of roles may lead to: those of the stacks and those of the bootstrap."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from starburst_assurance.bootstrap.deployer import Deployer
from starburst_assurance.bootstrap.documents import (
    boundary_document,
    deployer_of,
    execution_documents,
)
from starburst_assurance.bootstrap.needed import known_part
from starburst_assurance.bootstrap.toolkit import toolkit_roles
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import Policy, Role
from starburst_assurance.proofs.theorems.identities.reaching import STACKS, STEPS, Taker
from starburst_assurance.proofs.theorems.roles.duties import within_duties
from starburst_constructs.naming import boundary_arn

__all__ = ["SAID", "Parties", "parties_of"]

SAID: Final[Mapping[str, str]] = {
    "becomes": "becomes {}",
    "passes": "passes {} to a service that takes it",
    "rewrites": "changes what {} may do",
    "runs as": "changes what runs as {}",
}
"""Each kind of step as it is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Everybody that a chain may lead to.

    Attributes:
        world: with the roles of the bootstrap beside ours.
        deployer: whose execution role is among them.
        names: of all roles in the tables, by ARN.
        trusting: ARNs of roles that trust more than services, providers and whole accounts.
    """

    world: World
    deployer: Deployer
    names: Mapping[str, str]
    trusting: frozenset[str]

    def name(self, role: Role) -> str:
        """Return what the tables call a role."""
        return self.names[role.arn]

    def called(self, name: str) -> str:
        """Return what people call a party: a role by its name where there is one such role."""
        own = [role.name for role in self.world.policy_set.roles if self.name(role) == name]
        return own[0] if own else name

    def may(self, how: str, role: Role, other: Role) -> bool:
        """Return whether the tables have a step."""
        known = {whom for verb, whom in STEPS.get(self.name(role), ()) if verb == how}
        ours = not self.name(other).startswith("cdk/")
        return self.name(other) in known or (ours and STACKS in known)

    def path(self, role: Role) -> str:
        """Return by which known steps somebody comes to a role, as a sentence begins."""
        steps = _to(self.name(role))
        begin = steps[0][0] if steps else self.name(role)
        said = [self.called(begin)]
        for number, (_, how, whom) in enumerate(steps):
            link = " " if not number else ", which "
            said.append(link + SAID[how].format(self.called(whom)))
        return "".join(said) + (", which " if steps else " ")

    def own_duty(self, role: Role, request: Request) -> Formula:
        """Return whether an add-on says of its role that it is for this."""
        duties = self.world.policy_set.duties.get(self.name(role), ())
        return within_duties(self.world, duties, role, request.action, request.resource)

    def taken_as_said(self, role: Role, request: Request) -> Formula:
        """Return whether an add-on says of its role that whoever asks takes it so."""
        logic, context = self.world.logic, request.context
        return logic.some(
            logic.every(
                (
                    logic.some(_is(context, self.filled(one.who))),
                    *(context.is_(key, self.filled(value)) for key, value in one.said.items()),
                )
            )
            for one in self._takers(role)
            if request.action in one.actions
        )

    def providers(self) -> frozenset[str]:
        """Return ARNs of the identity providers that add-ons say take their roles."""
        return frozenset(
            self.filled(one.who)
            for role in self.world.policy_set.roles
            for one in self._takers(role)
            if "-provider/" in one.who
        )

    def boundaries(self) -> tuple[str, ...]:
        """Return ARNs of the boundaries under which roles are made: the kit's, and add-ons' own."""
        policy_set = self.world.policy_set
        own = {
            boundary_arn(policy_set.name, one, account=policy_set.account)
            for one in policy_set.addons
        }
        return (self.deployer.boundary, *(one for one in self.deployer.others if one in own))

    def _takers(self, role: Role) -> Sequence[Taker]:
        """Return who takes a role, where it is an add-on's: of another it has nothing to say."""
        policy_set = self.world.policy_set
        if policy_set.owner(role.arn) is None:
            return ()
        return policy_set.takers.get(self.name(role), ())

    def filled(self, pattern: str) -> str:
        """Return a pattern of the tables with the environment's own names."""
        policy_set = self.world.policy_set
        for field, value in (
            ("{r}", policy_set.region),
            ("{a}", policy_set.account),
            ("{env}", policy_set.name),
        ):
            pattern = pattern.replace(field, value)
        return pattern


def _is(context: Context, who: str) -> Iterator[Formula]:
    """Yield each way of being an account, a role of it, or an identity provider."""
    yield context.is_("aws:PrincipalAccount", who)
    yield context.logic.like(context.text("aws:PrincipalArn"), f"arn:aws:iam::{who}:*")
    yield context.is_("aws:PrincipalArn", who)
    yield context.is_("aws:FederatedProvider", who)


def _to(name: str) -> list[tuple[str, str, str]]:
    """Return the shortest known way to a party: who, how, whom. Of ways as short, the first."""
    ways: dict[str, list[tuple[str, str, str]]] = {name: []}
    waiting = deque([name])
    longest: list[tuple[str, str, str]] = []
    while waiting:
        at = waiting.popleft()
        for who, steps in STEPS.items():
            for how, whom in steps:
                if whom == at and who not in ways:
                    ways[who] = [(who, how, whom), *ways[at]]
                    longest = ways[who]
                    waiting.append(who)
    return longest


def parties_of(world: World) -> Parties:
    """Return who there is, in a world that has the roles of the bootstrap as well."""
    policy_set = world.policy_set
    usage = known_part(policy_set.usage, region=policy_set.region)
    deployer = deployer_of(
        usage,
        environment=policy_set.name,
        account=policy_set.account,
        region=policy_set.region,
        qualifier=policy_set.qualifier,
        boundary=boundary_arn(policy_set.name, account=policy_set.account),
    )
    policies: list[Policy] = []
    roles: list[Role] = []
    names: dict[str, str] = {}
    for one in toolkit_roles(deployer):
        documents = one.policies
        boundary: str | None = None
        if one.arn == deployer.arn:
            documents = execution_documents(usage, deployer)
            boundary = "bootstrap boundary"
            policies.append(Policy.parse(boundary, boundary_document(usage, deployer)))
        own = [
            Policy.parse(f"bootstrap {one.job} {number}", document)
            for number, document in enumerate(documents, start=1)
        ]
        trust = Policy.parse(f"bootstrap {one.job} trust", one.trust)
        policies += [*own, trust]
        roles.append(
            Role(
                arn=one.arn,
                tags={},
                trust=trust.name,
                policies=tuple(policy.name for policy in own),
                boundary=boundary,
            )
        )
        names[one.arn] = f"cdk/{one.job}"
    logical = {arn: name for name, arn in policy_set.named.items()}
    for role in policy_set.roles:
        names[role.arn] = role.purpose or logical.get(role.arn, role.name)
    extended = replace(
        policy_set,
        roles=(*policy_set.roles, *roles),
        policies={**policy_set.policies, **{policy.name: policy for policy in policies}},
    )
    return Parties(
        world=World(policy_set=extended, logic=world.logic, used=world.used),
        deployer=deployer,
        names=names,
        trusting=frozenset(
            role.arn for role in extended.roles if _trusts_one(extended.policies[role.trust])
        ),
    )


def _trusts_one(trust: Policy) -> bool:
    """Return whether a trust names a role, a session or everybody, who need no policy beside."""
    return any(
        statement.not_principals
        or any(
            kind == "AWS" and not (text.isdigit() or text.endswith(":root"))
            for kind, text in statement.principals
        )
        for statement in trust.statements
        if statement.effect == "Allow"
    )

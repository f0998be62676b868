"""What AWS decides from all policies together, for callers inside the account and outside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starburst_assurance.proofs.encoding.encode import Grant, grants, says
from starburst_assurance.proofs.encoding.logic import Formula, Logic, Text
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import Endpoint, Guarded, Policy, PolicySet, Role

__all__ = ["World"]

_STRICT = ("key", "role")
"""What must say itself who is let to it: "IAM role trust policies and KMS key policies are
exceptions to this logic, because they must explicitly allow access for principals"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A policy set with the logic in which things are said of it.

    Attributes:
        policy_set: the policies.
        logic: makes formulas.
        used: names of policies that were asked, for who wants to know what a proof rests on.
    """

    policy_set: PolicySet
    logic: Logic
    used: set[str]

    def context(self, *, closed: bool = False) -> Context:
        """Return the context of some request; ``closed`` when what is not set is absent."""
        return Context(self.logic, closed=closed)

    def session(self, role: Role, *, user: Text | None = None, closed: bool = False) -> Context:
        """Return the context of a session of a role of this account.

        Args:
            role: whose session.
            user: value of the session tag ``userName``; without it the session has none.
            closed: keys that are not set are absent, rather than unknown.
        """
        context = self.context(closed=closed)
        account = self.policy_set.account
        context.put_all(
            {
                "aws:PrincipalArn": role.arn,
                "aws:PrincipalAccount": account,
                "aws:PrincipalIsAWSService": "false",
                "aws:PrincipalType": "AssumedRole",
            }
        )
        if self.policy_set.organization is not None:
            context.put("aws:PrincipalOrgID", self.policy_set.organization)
        context.put("aws:PrincipalServiceName")
        context.put("aws:FederatedProvider")
        for key, value in role.tags.items():
            context.put(f"aws:PrincipalTag/{key}", value)
        if user is not None:
            context.put("aws:PrincipalTag/userName", user)
        context.close("aws:PrincipalTag/")
        return context

    def ours(self, context: Context, what: str) -> Formula:
        """Return whether the ``Principal`` or ``Resource`` of a request is inside the perimeter.

        That is our account, or the organization where the environment names one.
        """
        organization = self.policy_set.organization
        if organization is not None:
            return context.is_(f"aws:{what}OrgID", organization)
        return context.is_(f"aws:{what}Account", self.policy_set.account)

    def put_ours(self, context: Context, *sides: str) -> None:
        """Say in a context that its ``Principal`` or ``Resource`` is of our account."""
        for side in sides:
            context.put(f"aws:{side}Account", self.policy_set.account)
            if self.policy_set.organization is not None:
                context.put(f"aws:{side}OrgID", self.policy_set.organization)

    def policy(self, name: str) -> Policy:
        """Return a policy by name, and remember that it was asked."""
        self.used.add(name)
        return self.policy_set.policies[name]

    def policies(self, names: Sequence[str]) -> tuple[Policy, ...]:
        """Return policies by name."""
        return tuple(self.policy(name) for name in names)

    def allowed(
        self,
        role: Role,
        request: Request,
        *,
        at: Guarded | None = None,
        through: Endpoint | None = None,
        whatever_identity: bool = False,
        boundary: bool = True,
        also: Sequence[Policy] = (),
    ) -> Formula:
        """Return whether a session of a role of this account may do something.

        Args:
            role: who asks; the request's context must be a session of it.
            request: what it asks.
            at: the resource, where it has a policy of its own.
            through: the VPC endpoint, where the call takes one.
            whatever_identity: take the role's own policies as allowing everything.
            boundary: whether the permissions boundary is counted on.
            also: further identity policies of the role.
        """
        logic = self.logic
        own = (*self.policies(role.policies), *also)
        limits = self.policies([role.boundary]) if boundary and role.boundary is not None else ()
        guards = self.policies([at.policy]) if at is not None else ()
        gates = self.policies([through.policy]) if through is not None else ()
        denying = [*(() if whatever_identity else own), *limits, *guards, *gates]
        denied = logic.some(says(logic, policy, "Deny", request) for policy in denying)
        if denied is True:
            return False
        identity = whatever_identity or logic.some(
            says(logic, policy, "Allow", request) for policy in own
        )
        ceiling = logic.every(says(logic, policy, "Allow", request) for policy in limits)
        gate = logic.every(says(logic, policy, "Allow", request) for policy in gates)
        grant = grants(logic, guards[0], request) if guards else Grant(False, False, False)
        by_identity = logic.every((identity, ceiling))
        if at is not None and at.kind in _STRICT:
            # Without its policy's word for the account, identity policies count for nothing.
            by_identity = logic.every((by_identity, grant.account))
        # A grant to a role stays under its boundary; one to a session, or to all, does not.
        granted = logic.some((by_identity, grant.direct, logic.every((grant.role, ceiling))))
        return logic.every((granted, gate, logic.no(denied)))

    def admitted(self, request: Request, *, at: Guarded) -> Formula:
        """Return whether a resource's policy alone lets in a caller from outside the account.

        That is: a principal of another account, an AWS service, or an anonymous caller. What
        their own policies say is taken as Allow.
        """
        logic = self.logic
        policy = self.policy(at.policy)
        grant = grants(logic, policy, request)
        let = logic.some((grant.direct, grant.role, grant.account))
        return logic.every((let, logic.no(says(logic, policy, "Deny", request))))

    def passes(self, request: Request, *, through: Endpoint) -> Formula:
        """Return whether an endpoint lets a request through, from any sender."""
        policy = self.policy(through.policy)
        return self.logic.every(
            (
                says(self.logic, policy, "Allow", request),
                self.logic.no(says(self.logic, policy, "Deny", request)),
            )
        )

    def refuses(self, policy: Policy, request: Request) -> Formula:
        """Return whether a policy denies a request explicitly, whatever else allows it."""
        return says(self.logic, policy, "Deny", request)

    def trusted(self, role: Role, request: Request) -> Formula:
        """Return whether a role's trust policy lets a request assume it."""
        policy = self.policy(role.trust)
        return self.logic.every(
            (
                says(self.logic, policy, "Allow", request),
                self.logic.no(says(self.logic, policy, "Deny", request)),
            )
        )

    def endpoint(self, service: str) -> Endpoint | None:
        """Return the endpoint of a service, such as ``s3``, whatever name it answers to."""
        for item in self.policy_set.endpoints:
            if item.service.removesuffix("-fips") == service:
                return item
        return None

    def tagged(self, role: Role, **tags: str) -> Mapping[str, str]:
        """Return a role's tags with session tags over them."""
        return {**role.tags, **tags}

"""What AWS decides from all policies that speak of a request, as its user guide says, in Python.

Followed are ``reference_policies_evaluation-logic``, its pages on requests within an account and
across accounts, ``access_policies_boundaries`` and ``reference_policies_elements_notprincipal``;
and of KMS https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.proofs.differential.statements import (
    UNKEPT,
    Asked,
    Document,
    Reading,
    applies,
    listed,
    names,
)

__all__ = ["Answer", "Policies", "decide"]

Answer = Literal["allowed", "explicitly denied", "implicitly denied"]

DIRECT = frozenset({"all", "session", "user", "service", "federated"})
"""Ways to be named after which an Allow of a resource's policy needs nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """All that speaks of a request.

    Attributes:
        identity: of the role or the user.
        boundary: of the same.
        session: passed when the session began.
        resource: of the resource.
        strict: of a key or a role, which count identity policies only where their own says so.
        gates: of an organization and of a VPC endpoint; each has to allow.
    """

    identity: Sequence[Document] = ()
    boundary: Document | None = None
    session: Document | None = None
    resource: Document | None = None
    strict: bool = False
    gates: Sequence[Document] = ()

    @property
    def limits(self) -> tuple[Document, ...]:
        """What narrows identity policies."""
        return tuple(one for one in (self.boundary, self.session) if one is not None)

    @property
    def all(self) -> tuple[Document, ...]:
        """Every one of them."""
        guards = () if self.resource is None else (self.resource,)
        return (*self.identity, *self.limits, *guards, *self.gates)


def decide(asked: Asked, policies: Policies, reading: Reading | None = None) -> Answer:
    """Return what AWS answers.

    Args:
        asked: the request.
        policies: that speak of it.
        reading: of what the guide leaves open.
    """
    judge = _Judge(asked, reading or Reading())
    if any(True for one in policies.all for _ in judge.applying(one, "Deny")):
        return "explicitly denied"
    if not all(map(judge.allows, policies.gates)):
        return "implicitly denied"
    within = all(map(judge.allows, policies.limits))
    identity = any(map(judge.allows, policies.identity)) and within
    named = judge.granted(policies.resource)
    if asked.caller.account != asked.owner:
        known = asked.caller.kind in ("session", "user")
        granted = bool(named) and (identity or not known)
    else:
        if policies.strict and policies.resource is not None and "account" not in named:
            identity = False
        granted = identity or bool(named & DIRECT) or ("role" in named and within)
    return "allowed" if granted else "implicitly denied"


class _Judge:
    def __init__(self, asked: Asked, reading: Reading) -> None:
        self._asked = asked
        self._reading = reading

    def allows(self, document: Document) -> bool:
        """Return whether a policy allows the request, whoever is named in it."""
        return any(True for _ in self.applying(document, "Allow"))

    def granted(self, document: Document | None) -> frozenset[str]:
        """Return the ways in which a resource's policy names the caller where it allows."""
        found: set[str] = set()
        for statement in self.applying(document, "Allow") if document is not None else ():
            if "NotPrincipal" in statement:
                found.add("all")
            else:
                found.update(names(statement.get("Principal", {}), self._asked.caller))
        return frozenset(found)

    def applying(self, document: Document, effect: str) -> Iterator[Document]:
        """Yield the statements of an effect that apply to the request."""
        version = document.get("Version", UNKEPT)
        for statement in listed(document["Statement"]):
            if (
                statement["Effect"] == effect
                and applies(statement, self._asked, version=version, reading=self._reading)
                and self._named(statement)
            ):
                yield statement

    def _named(self, statement: Document) -> bool:
        caller = self._asked.caller
        if "Principal" in statement:
            return any(True for _ in names(statement["Principal"], caller))
        if "NotPrincipal" not in statement:
            return True
        found = set(names(statement["NotPrincipal"], caller))
        if not found:
            return True
        whole = {"session": {"account", "role"}, "user": {"account", "user"}}.get(caller.kind)
        if "all" in found or whole is None:
            return False
        others = any(
            ":assumed-role/" in one and one != caller.name
            for one in listed(statement["NotPrincipal"].get("AWS", ()))
        )
        if whole <= found and ("session" in found or not others):
            return False
        return not self._reading.says("half_excepted")

"""What breaks a theorem, as a person reads it: one request, and the statements that decide it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.encode import applies, named
from starburst_assurance.proofs.encoding.patterns import glob
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import Policy
from starburst_assurance.proofs.solving.theorem import Claim

__all__ = ["Counterexample", "counterexample", "explained", "unknowns_of"]

_PRINCIPAL: Final = "aws:principalarn"
_TAGS: Final = "aws:principaltag/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """A concrete request that a theorem says cannot be, or must be, allowed.

    Attributes:
        about: the claim that it breaks.
        action: what is asked.
        resource: of it.
        context: every key that some policy looked at and that the request has, with its values.
        allows: statements that allow the request, each with its policy.
        denies: statements that deny it.
    """

    about: str
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]
    allows: tuple[str, ...] = ()
    denies: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the request, one line a part: principal, tags, action, resource, context, why."""
        tags = {
            key.partition("/")[2]: values
            for key, values in self.context.items()
            if key.lower().startswith(_TAGS)
        }
        rest = {
            key: values
            for key, values in self.context.items()
            if not key.lower().startswith((_TAGS, _PRINCIPAL))
        }
        ways = (_PRINCIPAL, "aws:principalservicename", "aws:federatedprovider")
        principal = next(filter(None, map(self.said, ways)), ("any principal",))
        lines = [
            f"about      {self.about}",
            f"principal  {principal[0]}",
            *_lines("tags", _pairs(tags)),
            f"action     {self.action}",
            f"resource   {self.resource}",
            *_lines("context", _pairs(rest)),
            *_lines("allowed by", self.allows or ("nothing",)),
            *_lines("denied by", self.denies or ("nothing",)),
        ]
        return "\n".join(lines)

    def said(self, name: str) -> tuple[str, ...]:
        """Return the values of a key, none where it is absent."""
        return next((found for key, found in self.context.items() if key.lower() == name), ())


def counterexample(solver: Any, claim: Claim) -> Counterexample:
    """Return the request that a solver found.

    Args:
        solver: that has just answered ``sat``.
        claim: of which it was asked.
    """
    for request, formula in claim.violations:
        if formula is True or (
            not isinstance(formula, bool) and solver.getValue(formula).getBooleanValue()
        ):
            return Counterexample(
                about=claim.about,
                action=request.action,
                resource=_shown(solver, request.resource),
                context=_context(solver, request),
            )
    raise AssertionError("a model without a violated claim")


def unknowns_of(claim: Claim) -> Iterator[Any]:
    """Yield what a counterexample to a claim would show the values of."""
    contexts = {id(request.context): request.context for request, _ in claim.violations}
    for context in contexts.values():
        for key in context.keys.values():
            yield from (slot.text for slot in key.slots if not isinstance(slot.text, str))
    resources = (request.resource for request, _ in claim.violations)
    yield from (resource for resource in resources if not isinstance(resource, str))


def _context(solver: Any, request: Request) -> Mapping[str, tuple[str, ...]]:
    shown: dict[str, tuple[str, ...]] = {}
    for key in request.context.keys.values():
        values = [
            _shown(solver, slot.text)
            for slot in key.slots
            if slot.present is True
            or (slot.present is not False and solver.getValue(slot.present).getBooleanValue())
        ]
        if values:
            shown[key.name] = tuple(values)
    return dict(sorted(shown.items()))


def _shown(solver: Any, text: Any) -> str:
    return text if isinstance(text, str) else solver.getValue(text).getStringValue()


def explained(world: World, example: Counterexample) -> Counterexample:
    """Return a counterexample with the statements that decide it.

    Args:
        world: in which it was found.
        example: without them.
    """
    context = Context(world.logic, closed=True)
    for key, values in example.context.items():
        context.put(key, *values)
    request = Request(context=context, action=example.action, resource=example.resource)
    found: dict[str, list[str]] = {"Allow": [], "Deny": []}
    for policy in _concerned(world, example):
        for index, statement in enumerate(policy.statements):
            fits = applies(world.logic, statement, request) is True
            if fits and named(world.logic, statement, request) is True:
                label = statement.sid or f"statement {index}"
                found[statement.effect].append(f"{policy.name}: {label}")
    return replace(example, allows=tuple(found["Allow"]), denies=tuple(found["Deny"]))


def _concerned(world: World, example: Counterexample) -> Iterator[Policy]:
    """Yield the policies of the caller's role, of the resource, and of a role that is taken."""
    policy_set = world.policy_set
    who = example.said(_PRINCIPAL)
    names: dict[str, None] = {}
    for role in policy_set.roles:
        if role.arn in who:
            names.update(dict.fromkeys((*role.policies, *filter(None, (role.boundary,)))))
        if role.arn == example.resource:
            names[role.trust] = None
    for item in policy_set.guarded:
        if glob(f"{item.arn}*").fullmatch(example.resource):
            names[item.policy] = None
    yield from (policy_set.policies[name] for name in names if name in world.used)


def _pairs(values: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(f"{key} = {', '.join(map(repr, found))}" for key, found in values.items())


def _lines(label: str, values: Sequence[str]) -> Iterator[str]:
    for index, value in enumerate(values or ("none",)):
        yield f"{'' if index else label:10} {value}"

"""Whether a mistake in a policy changes anything: no request gets another answer for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import PEOPLE, SERVICES, analyst_name, within
from starburst_assurance.proofs.encoding.logic import Formula, Logic, Text
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.encoding.vocabulary import representatives
from starburst_assurance.proofs.reading.policies import Guarded, Policy, PolicySet, Role
from starburst_assurance.proofs.solving.prove import decide

__all__ = ["ALWAYS_SENT", "changes_nothing"]

ALWAYS_SENT: Final = ("aws:RequestedRegion", "aws:SecureTransport", "aws:ViaAWSService")
"""Keys that AWS puts into every request, as its list of global keys says."""

Difference = tuple[Formula, tuple[Formula, ...]]


def changes_nothing(
    policy_set: PolicySet, policy: Policy, *, logic: Logic, seconds: float = 5.0
) -> bool:
    """Return whether every request gets the same answer with ``policy`` in its namesake's place.

    Args:
        policy_set: as it is.
        policy: one of its policies, changed.
        logic: in which to ask.
        seconds: for one question; what stays undecided counts as a change.
    """
    before = World(policy_set=policy_set, logic=logic, used=set())
    after = World(policy_set=policy_set.with_policy(policy), logic=logic, used=set())
    policies = [*policy_set.policies.values(), policy]
    for formula, given in _differences(before, after, policies, policy.name):
        question = logic.every((*given, formula))
        if question is not False and decide(logic, question, seconds) != "unsat":
            return False
    return True


def _differences(
    before: World, after: World, policies: list[Policy], name: str
) -> Iterator[Difference]:
    policy_set, logic = before.policy_set, before.logic
    every = representatives(policies)
    for role in policy_set.roles:
        if role.trust == name:
            logic.begin()
            context = before.context()
            for one in _requests(context, representatives(policies, "sts"), role.arn):
                answers = before.trusted(role, one), after.trusted(role, one)
                yield _differ(logic, *answers), _sent(context)
        for at in (None, *policy_set.guarded):
            if name not in (*role.policies, role.boundary, at.policy if at else None):
                continue
            logic.begin()
            actions = representatives(policies, SERVICES[at.kind]) if at else every
            yield from _by_role(before, after, role, at, actions)
    for item in policy_set.guarded:
        if item.policy == name:
            logic.begin()
            context = before.context()
            resource, given = within(before, item)
            for one in _requests(context, representatives(policies, SERVICES[item.kind]), resource):
                answers = before.admitted(one, at=item), after.admitted(one, at=item)
                yield _differ(logic, *answers), (*given, *_sent(context))
    for endpoint in policy_set.endpoints:
        if endpoint.policy == name:
            logic.begin()
            context = before.context()
            for one in _requests(context, every, logic.text("resource")):
                answers = before.passes(one, through=endpoint), after.passes(one, through=endpoint)
                yield _differ(logic, *answers), _sent(context)


def _by_role(
    before: World, after: World, role: Role, at: Guarded | None, actions: tuple[str, ...]
) -> Iterator[Difference]:
    logic = before.logic
    for user in (None, analyst_name(before)) if role.purpose in PEOPLE else (None,):
        context = before.session(role, user=user)
        resource, given = within(before, at) if at else (logic.text("resource"), ())
        for one in _requests(context, actions, resource):
            differ = _differ(
                logic, before.allowed(role, one, at=at), after.allowed(role, one, at=at)
            )
            yield differ, (*given, *_sent(context))


def _sent(context: Context) -> tuple[Formula, ...]:
    return tuple(context.has(key) for key in ALWAYS_SENT)


def _requests(context: Context, actions: tuple[str, ...], resource: Text) -> Iterator[Request]:
    for action in actions:
        yield Request(context=context, action=action, resource=resource)


def _differ(logic: Logic, one: Formula, other: Formula) -> Formula:
    if isinstance(one, bool) and isinstance(other, bool):
        return one is not other
    if logic.term(one) == logic.term(other):
        return False
    return logic.some((logic.every((one, logic.no(other))), logic.every((other, logic.no(one)))))

"""What must hold of one proposal by itself: theorems about a role's policies before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from starburst_assurance.proofs.comparison.atoms import alike, atoms
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.encode import says
from starburst_assurance.proofs.encoding.key_layout import PEOPLE, analyst_name
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import PolicySet, Role
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, never, theorem

__all__ = ["changed_actions", "claims_about"]

GROUP: Final = "A proposal by itself"


def changed_actions(before: PolicySet, after: PolicySet, role: str) -> list[tuple[str, ...]]:
    """Return the actions of which a role's policies say something else; those alike together.

    Args:
        before: with the policies of today.
        after: with the proposed ones.
        role: ARN of the role.
    """
    texts = [[one.policies[name] for name in _role(one, role).policies] for one in (before, after)]
    changed = atoms(texts[0]) ^ atoms(texts[1])
    return list(alike([*texts[0], *texts[1]], changed, None))


def claims_about(
    before: PolicySet, role: str, *, used: frozenset[str], tracked: Callable[[str], bool]
) -> tuple[Theorem, ...]:
    """Return what must hold of the policy set after a role's policies were narrowed.

    Asked of the role's own policies alone: its boundary, or a resource's policy, may be another
    tomorrow.

    Args:
        before: with the policies of today.
        role: ARN of the role.
        used: actions that are on record, in small letters.
        tracked: whether IAM tracks an action.
    """

    @theorem(GROUP)
    def nothing_is_newly_allowed(world: World) -> Iterator[Claim]:
        """No request is allowed by what is proposed that today's policies do not allow."""
        for action, was, now, request in _asked(world, before, role, _first):
            allowed = world.logic.every((now, world.logic.no(was)))
            yield never(f"{_called(role)}, {action}", [(request, allowed)])

    @theorem(GROUP)
    def what_is_on_record_stays(world: World) -> Iterator[Claim]:
        """Every request of today whose action is on record, if as an attempt, stays allowed."""

        def recorded(group: Sequence[str]) -> str | None:
            return next((one for one in group if one.lower() in used), None)

        yield from _none_lost(world, before, role, recorded)

    @theorem(GROUP)
    def only_tracked_actions_go(world: World) -> Iterator[Claim]:
        """No action goes that IAM does not track: that none is on record says nothing of it."""

        def untracked(group: Sequence[str]) -> str | None:
            return next((one for one in group if not tracked(one)), None)

        yield from _none_lost(world, before, role, untracked)

    return nothing_is_newly_allowed, what_is_on_record_stays, only_tracked_actions_go


def _none_lost(
    world: World, before: PolicySet, role: str, chosen: Callable[[Sequence[str]], str | None]
) -> Iterator[Claim]:
    """Yield that nothing allowed of some actions is lost; a claim even where none is meant."""
    for action, was, now, request in _asked(world, before, role, chosen):
        lost = world.logic.every((was, world.logic.no(now)))
        yield never(f"{_called(role)}, {action}", [(request, lost)])
    context = world.session(_role(world.policy_set, role))
    nothing = Request(context=context, action="sts:GetCallerIdentity", resource="*")
    yield never(f"{_called(role)}, all else", [(nothing, False)])


def _asked(
    world: World,
    before: PolicySet,
    role: str,
    chosen: Callable[[Sequence[str]], str | None],
) -> Iterator[tuple[str, Formula, Formula, Request]]:
    """Yield for an action of each group what the role's policies say of it, before and after."""
    earlier = World(policy_set=before, logic=world.logic, used=world.used)
    own = _role(world.policy_set, role)
    for group in changed_actions(before, world.policy_set, role):
        action = chosen(group)
        if action is None:
            continue
        for context in _sessions(world, own):
            resource = world.logic.text("resource")
            request = Request(context=context, action=action, resource=resource)
            yield (
                action,
                _decided(earlier, _role(before, role), request),
                _decided(world, own, request),
                request,
            )


def _sessions(world: World, role: Role) -> Iterator[Context]:
    """Yield a session without a name, and one with some name where the role is a person's."""
    yield world.session(role)
    if role.purpose in PEOPLE:
        yield world.session(role, user=analyst_name(world))


def _decided(world: World, role: Role, request: Request) -> Formula:
    policies = world.policies(role.policies)
    logic = world.logic
    allowed = logic.some(says(logic, policy, "Allow", request) for policy in policies)
    denied = logic.some(says(logic, policy, "Deny", request) for policy in policies)
    return logic.every((allowed, logic.no(denied)))


def _role(policy_set: PolicySet, arn: str) -> Role:
    return next(one for one in policy_set.roles if one.arn == arn)


def _called(arn: str) -> str:
    return arn.rpartition("/")[2]


def _first(group: Sequence[str]) -> str:
    return group[0]

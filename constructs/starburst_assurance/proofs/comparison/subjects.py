"""Who and what a comparison asks about: roles, who assumes them, resources, endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from starburst_assurance.proofs.comparison.atoms import alike, atoms
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import PEOPLE, SERVICES
from starburst_assurance.proofs.encoding.logic import Formula, Text
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import (
    Endpoint,
    Guarded,
    Policy,
    PolicySet,
    Role,
    Statement,
)

__all__ = ["Kind", "Side", "Subject", "subjects"]

Kind: TypeAlias = Literal["role", "trust", "resource", "endpoint"]
Bounds: TypeAlias = Callable[[Text, str], tuple[Formula, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """How one of the two policy sets answers.

    Attributes:
        world: its policies.
        context: of some request; closed, and of a person with a name, where one is given.
        answer: whether it is allowed.
        policies: those that decide.
    """

    world: World
    context: Callable[[bool, Text | None], Context]
    answer: Callable[[Request], Formula]
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One caller at one place, and the actions of which something was changed for it.

    Attributes:
        kind: whether a role asks, or somebody takes one, or a resource or an endpoint is asked.
        name: of the role, resource or endpoint.
        place: the resource, by logical name, that has a policy of its own.
        before: how it was.
        after: how it is.
        actions: those that are treated alike stand together.
        person: whether sessions have a name.
        resource: of a request where it is known.
        bounds: what is true of the resource of a request for an action.
        said: statements that only one side has.
    """

    kind: Kind
    name: str
    place: str
    before: Side
    after: Side
    actions: tuple[tuple[str, ...], ...]
    person: bool
    resource: str | None
    bounds: Bounds
    said: frozenset[Statement]


def subjects(before: World, after: World) -> Iterator[Subject]:
    """Yield every subject about which the two policy sets do not say the same in the same words.

    Args:
        before: how it was.
        after: how it is, in the same logic.
    """
    yield from _roles(before, after)
    yield from _resources(before, after)
    yield from _endpoints(before, after)


def _roles(before: World, after: World) -> Iterator[Subject]:
    old = {role.arn: role for role in before.policy_set.roles}
    new = {role.arn: role for role in after.policy_set.roles}
    for arn in dict.fromkeys((*new, *old)):
        was, now = old.get(arn), new.get(arn)
        known = now or was
        assert known is not None  # noqa: S101 - it is in one of the two
        moved = was is None or now is None or _caller(before, was) != _caller(after, now)
        for before_at, after_at in _places(before.policy_set, after.policy_set):
            place = after_at or before_at
            groups = _decides(before, was, before_at), _decides(after, now, after_at)
            said = _changed(
                *groups, everything=moved or (before_at is None) is not (after_at is None)
            )
            if place is not None and place.kind == "log-group":
                # It hangs on no log group; what roles may do there is asked without it.
                said &= _differ(groups[0][2], groups[1][2])
            actions = alike(
                [one for side in groups for group in side for one in group],
                said,
                SERVICES[place.kind] if place is not None else None,
            )
            if actions:
                yield Subject(
                    kind="role",
                    name=known.name,
                    place=_label(after, before, place),
                    before=_asked(before, was, before_at, after_at),
                    after=_asked(after, now, after_at, before_at),
                    actions=actions,
                    person=known.purpose in PEOPLE,
                    resource=_fixed(place),
                    bounds=_elsewhere(before, after) if place is None else _within(after, place),
                    said=said,
                )
        trusts = _policies(before, was and (was.trust,)), _policies(after, now and (now.trust,))
        said = _differ(*trusts)
        actions = alike([*trusts[0], *trusts[1]], said, "sts")
        if actions:
            yield Subject(
                kind="trust",
                name=known.name,
                place="",
                before=_side(before, _trusted(before, was), trusts[0]),
                after=_side(after, _trusted(after, now), trusts[1]),
                actions=actions,
                person=False,
                resource=arn,
                bounds=_nothing,
                said=said,
            )


def _resources(before: World, after: World) -> Iterator[Subject]:
    for was, now in _places(before.policy_set, after.policy_set):
        known = now or was
        if known is None:
            continue
        texts = _policies(before, was and (was.policy,)), _policies(after, now and (now.policy,))
        said = _differ(*texts)
        actions = alike([*texts[0], *texts[1]], said, SERVICES[known.kind])
        if actions:
            yield Subject(
                kind="resource",
                name=_label(after, before, known),
                place="",
                before=_side(before, _admitted(before, was), texts[0]),
                after=_side(after, _admitted(after, now), texts[1]),
                actions=actions,
                person=False,
                resource=_fixed(known),
                bounds=_within(after, known),
                said=said,
            )


def _endpoints(before: World, after: World) -> Iterator[Subject]:
    old = {one.service: one for one in before.policy_set.endpoints}
    new = {one.service: one for one in after.policy_set.endpoints}
    for service in dict.fromkeys((*new, *old)):
        was, now = old.get(service), new.get(service)
        texts = _policies(before, was and (was.policy,)), _policies(after, now and (now.policy,))
        said = _differ(*texts)
        actions = alike([*texts[0], *texts[1]], said, None)
        if actions:
            yield Subject(
                kind="endpoint",
                name=service,
                place="",
                before=_side(before, _passed(before, was), texts[0]),
                after=_side(after, _passed(after, now), texts[1]),
                actions=actions,
                person=False,
                resource=None,
                bounds=_nothing,
                said=said,
            )


def _places(before: PolicySet, after: PolicySet) -> Iterator[tuple[Guarded | None, Guarded | None]]:
    yield None, None
    old = {(one.kind, one.arn, _nth(before, one)): one for one in before.guarded}
    new = {(one.kind, one.arn, _nth(after, one)): one for one in after.guarded}
    for key in dict.fromkeys((*new, *old)):
        yield old.get(key), new.get(key)


def _nth(policy_set: PolicySet, item: Guarded) -> int:
    """Return which of several policies of one resource it is."""
    same = [one for one in policy_set.guarded if (one.kind, one.arn) == (item.kind, item.arn)]
    return same.index(item)


def _caller(world: World, role: Role) -> tuple[object, ...]:
    return dict(role.tags), world.policy_set.organization, role.boundary is None


Groups: TypeAlias = tuple[tuple[Policy, ...], tuple[Policy, ...], tuple[Policy, ...]]


def _decides(world: World, role: Role | None, at: Guarded | None) -> Groups:
    """Return a role's own policies, its boundary, and the policy of the resource."""
    if role is None:
        return (), (), ()
    limits = (role.boundary,) if role.boundary else ()
    guards = (at.policy,) if at else ()
    return _policies(world, role.policies), _policies(world, limits), _policies(world, guards)


def _changed(before: Groups, after: Groups, *, everything: bool) -> frozenset[Statement]:
    joined = [
        atoms(one) | atoms(other) if everything else _differ(one, other)
        for one, other in zip(before, after, strict=True)
    ]
    return frozenset[Statement]().union(*joined)


def _differ(one: Sequence[Policy], other: Sequence[Policy]) -> frozenset[Statement]:
    """Return the statements that only one side has."""
    return frozenset() if one == other else atoms(one) ^ atoms(other)


def _policies(world: World, names: Sequence[str] | None) -> tuple[Policy, ...]:
    return world.policies(names or ())


def _asked(world: World, role: Role | None, at: Guarded | None, other: Guarded | None) -> Side:
    if role is None or (at is None and other is not None and _is_missing(world, other)):
        return _side(world, lambda _: False, ())

    def context(closed: bool, user: Text | None) -> Context:
        return world.session(role, user=user, closed=closed)

    return Side(
        world=world,
        context=context,
        answer=lambda request: world.allowed(role, request, at=at),
        policies=tuple(one for group in _decides(world, role, at) for one in group),
    )


def _is_missing(world: World, item: Guarded) -> bool:
    """Return whether an environment has no such resource, so that nobody does anything to it."""
    return item.kind != "session-queue" and item.arn not in world.policy_set.named.values()


def _side(world: World, answer: Callable[[Request], Formula], policies: tuple[Policy, ...]) -> Side:
    def context(closed: bool, user: Text | None) -> Context:
        return world.context(closed=closed)

    return Side(world=world, context=context, answer=answer, policies=policies)


def _trusted(world: World, role: Role | None) -> Callable[[Request], Formula]:
    return lambda request: False if role is None else world.trusted(role, request)


def _admitted(world: World, item: Guarded | None) -> Callable[[Request], Formula]:
    return lambda request: False if item is None else world.admitted(request, at=item)


def _passed(world: World, endpoint: Endpoint | None) -> Callable[[Request], Formula]:
    return lambda request: False if endpoint is None else world.passes(request, through=endpoint)


def _label(after: World, before: World, item: Guarded | None) -> str:
    if item is None:
        return ""
    if item.kind == "session-queue":
        return f"queues of sessions in {item.workspace}"
    for world in (after, before):
        for name, arn in world.policy_set.named.items():
            if arn == item.arn:
                return name
    return item.arn


def _fixed(item: Guarded | None) -> str | None:
    return None if item is None or item.kind in ("bucket", "log-group") else item.arn


def _within(world: World, item: Guarded) -> Bounds:
    def bounds(resource: Text, action: str) -> tuple[Formula, ...]:
        if _fixed(item) is not None or item.kind == "log-group":
            return ()
        logic = world.logic
        inside = logic.same(resource, item.arn), logic.starts(resource, f"{item.arn}/")
        return (logic.some(inside),)

    return bounds


def _nothing(resource: Text, action: str) -> tuple[Formula, ...]:
    return ()


def _elsewhere(before: World, after: World) -> Bounds:
    """Say that a request is for none of the resources that have policies: those are asked apart."""
    items = {one.arn: one for world in (before, after) for one in world.policy_set.guarded}

    def bounds(resource: Text, action: str) -> tuple[Formula, ...]:
        logic, service = after.logic, action.partition(":")[0]
        mine = [one for one in items.values() if SERVICES[one.kind] == service]
        patterns = [
            pattern
            for one in mine
            if one.kind != "log-group"
            for pattern in ((one.arn, f"{one.arn}/*") if one.kind == "bucket" else (one.arn,))
        ]
        arn = logic.some((logic.same(resource, "*"), logic.starts(resource, "arn:aws:")))
        return (arn, *(logic.no(logic.like(resource, pattern)) for pattern in patterns))

    return bounds

"""Whether environments fit beside each other: names, networks, and what an account has once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from typing import Final

from stacks.settings.environment import Environment
from stacks.settings.identity import IdentityCenter
from stacks.settings.once import Holding, Single
from stacks.settings.profiles import check_apart
from stacks.settings.validation import distinct, require

__all__ = ["check_together"]

MOST_TRAILS: Final = 5
"""In a Region, of which a trail of several Regions counts in each.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
"""


def check_together(environments: Iterable[Environment]) -> None:
    """Refuse environments that are well alone but not beside each other.

    Names are unique, and VPCs of one account and region do not overlap, so that each can be
    routed to. Environments that share an existing VPC share its block, and its endpoints: one of
    them at most creates those. An account with the profile ``pci`` has no environment without it.
    An account has five trails at most. What an account has once in a
    Region, exactly one of them sets there: ``shared``.

    Args:
        environments: all of an organization's, not only those that are deployed now.
    """
    known = tuple(environments)
    distinct("environment name", (environment.name for environment in known))
    _check_trails(known)
    _check_owners(known)
    _check_makers(known)
    check_apart(known)
    _check_borrowers(known)
    for one, other in combinations(known, 2):
        _check_attributes(one, other)
        if (one.account, one.region) == (other.account, other.region):
            _check_networks(one, other)
            _check_account(one, other)


def _check_trails(known: Iterable[Environment]) -> None:
    """Refuse more trails than CloudTrail takes; each of ours counts in every Region."""
    counts: Counter[str] = Counter()
    for one in known:
        counts[one.account] += one.audit.trail
        allowed = (
            f"False: {MOST_TRAILS} environments of account {one.account} have trails before it, "
            "and CloudTrail takes no more"
        )
        fits = counts[one.account] <= MOST_TRAILS
        require(fits, f"environment {one.name}: audit.trail", one.audit.trail, allowed)


def _check_owners(known: Iterable[Environment]) -> None:
    """Refuse an account where each environment leaves to another what it has once in a Region."""
    owned = {(one.account, one.region) for one in known if one.shared is not None}
    for one in known:
        require(
            (one.account, one.region) in owned,
            f"environment {one.name}: shared",
            one.shared,
            f"Shared(…) in one environment of account {one.account} in {one.region}: where the "
            "organization sets all of it, Shared(registry_scanning=False)",
        )


def _check_makers(known: Iterable[Environment]) -> None:
    """Refuse two add-ons that make what an account has once in a Region."""
    made: dict[tuple[str, str, Single], str] = {}
    for one in known:
        for addon in one.addons:
            for what, held in addon.once(one).items():
                if held.owner != "this":
                    continue
                first = made.setdefault((one.account, one.region, what), "")
                allowed = (
                    f"{held.leaving}: {first} makes the one {what} of account {one.account} in "
                    f"{one.region}"
                )
                require(not first, f"environment {one.name}: addons", addon.name, allowed)
                made[one.account, one.region, what] = f"'{addon.name}' of environment {one.name}"


def _check_borrowers(known: Iterable[Environment]) -> None:
    """Refuse an add-on that counts on a neighbour's where none answers, or has less than that."""
    for one in known:
        place = (one.account, one.region)
        beside = [
            each for each in known if each is not one and (each.account, each.region) == place
        ]
        owner = next((each.name for each in beside if each.shared is not None), None)
        for addon in one.addons:
            for what, held in addon.once(one).items():
                if held.owner != "neighbour":
                    continue
                me = f"environment {one.name}: {addon.name}"
                answers = _answers(what, beside)
                kind = type(addon).__name__
                allowed = f"with {kind}(…) in environment {owner}, which owns the account"
                require(answers, me, "alone", allowed)
                name, theirs = answers[0]
                lacking = sorted({*held.parts} - {*theirs.parts})
                has = not lacking or theirs.owner == "elsewhere"
                allowed = f"what {name} has of it as well"
                require(has, f"{me}, of {what}", ", ".join(lacking), allowed)


def _answers(what: Single, environments: Iterable[Environment]) -> list[tuple[str, Holding]]:
    """Return which add-ons make something, or say that somebody outside does."""
    return [
        (f"'{addon.name}' of environment {one.name}", held)
        for one in environments
        for addon in one.addons
        for each, held in addon.once(one).items()
        if each == what and held.owner != "neighbour"
    ]


def _check_attributes(one: Environment, other: Environment) -> None:
    """Refuse two owners of an instance's one list of attributes."""
    mine, theirs = one.identity, other.identity
    if isinstance(mine, IdentityCenter) and isinstance(theirs, IdentityCenter):
        same = mine.instance_arn == theirs.instance_arn
        require(
            not (same and mine.sets_attribute and theirs.sets_attribute),
            f"environment {other.name}: identity.sets_attribute",
            True,
            f"False where environment {one.name} sets it for the same Identity Center",
        )


def _check_networks(one: Environment, other: Environment) -> None:
    mine, theirs = one.network.existing, other.network.existing
    shared = mine is not None and theirs is not None and mine.vpc_id == theirs.vpc_id
    creating = [each.endpoints for each in (mine, theirs) if each is not None and shared].count(
        "create"
    )
    require(
        creating < 2,  # noqa: PLR2004 - one name in one VPC
        f"environment {other.name}: network.existing.endpoints",
        "create",
        f"'reuse' where environment {one.name} creates the endpoints of the same VPC",
    )
    require(
        shared or not one.network.block.overlaps(other.network.block),
        f"environment {other.name}: network.cidr",
        other.network.cidr,
        f"blocks that do not overlap {one.network.cidr} of environment {one.name}",
    )


def _check_account(one: Environment, other: Environment) -> None:
    """Refuse two owners of what is set once, and a gateway that the other environment shuts."""
    same = "for the same account and Region"
    require(
        one.shared is None or other.shared is None,
        f"environment {other.name}: shared",
        other.shared,
        f"None where environment {one.name} has it {same}",
    )
    for shut, way in ((one, other), (other, one)):
        cut = shut.shuts_gateways and shut.network.egress == "isolated"
        require(
            not (cut and way.network.egress == "nat"),
            f"environment {way.name}: network.egress",
            way.network.egress,
            f"'isolated' where environment {shut.name} shuts every internet gateway {same}",
        )

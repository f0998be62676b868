"""What an environment costs at rest, more or less than before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from deploy.tools.idle_cost import IdleCost, idle_cost
from stacks.settings import Environment
from starburst.errors import ConfigurationError
from starburst.pricing.prices import load
from starburst_assurance.proofs.comparison.report import Finding

__all__ = ["cost_between"]

_CENT = 0.005

Templates: TypeAlias = Sequence[Mapping[str, Any]]


def cost_between(
    before: Templates, after: Templates, *, environment: Environment
) -> Iterator[Finding]:
    """Yield how the bill of an idle environment changes, at today's prices for both.

    Args:
        before: templates as they stand.
        after: templates as they would be.
        environment: whose.
    """
    own = {kind: price for addon in environment.addons for kind, price in addon.prices().items()}
    try:
        prices = load(environment.region, environment.prices)
    except ConfigurationError as error:
        if _kinds(before) != _kinds(after):
            sentence = f"What it costs at rest is unknown: {error}"
            yield Finding(section="cost", environment=environment.name, sentence=sentence)
        return
    old, new = (idle_cost(one, prices, own=own) for one in (before, after))
    parts = list(_parts(old, new))
    more = new.usd - old.usd
    if abs(more) < _CENT and not parts:
        return
    size = f"{abs(more):.2f} {'more' if more > 0 else 'less'} than"
    word = "as much as" if abs(more) < _CENT else size
    yield Finding(
        section="cost",
        environment=environment.name,
        sentence=f"At rest it costs {new.usd:.2f} USD a month, {word} before: {'; '.join(parts)}.",
        detail={"before": round(old.usd, 2), "after": round(new.usd, 2)},
    )


def _parts(old: IdleCost, new: IdleCost) -> Iterator[str]:
    was = {item.what: item for item in old.items}
    now = {item.what: item for item in new.items}
    for what in dict.fromkeys((*now, *was)):
        numbers = [side[what].quantity if what in side else 0 for side in (was, now)]
        if numbers[0] != numbers[1]:
            yield f"{numbers[1]} {what} instead of {numbers[0]}"
    unpriced = dict(new.not_priced)
    for kind, number in unpriced.items():
        if number != dict(old.not_priced).get(kind):
            yield f"{number} {kind} without a known price"


def _kinds(templates: Templates) -> list[str]:
    return sorted(one["Type"] for each in templates for one in each["Resources"].values())

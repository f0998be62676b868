"""What AWS charges, by region: read from ``prices.json``, used by limits, status and estimates.

An environment's settings may say other rates than AWS's lists. Pure: imported by the controller's
Lambda. Nothing guarantees Spot's discount: a fleet is judged at the on-demand price before it
starts, and a Spot worker that ran is counted at ``spot_share`` of it, the higher end of what AWS
names (50 to 70 % off).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from starburst.contract import Rates
from starburst.errors import ConfigurationError

__all__ = [
    "CERTAIN_SHARE",
    "FREE_SCRATCH_GB",
    "MINIMUM_BILLED_SECONDS",
    "SPOT_DISCOUNT_ADVERTISED",
    "SPOT_SHARE",
    "Architecture",
    "Capacity",
    "Prices",
    "billed_seconds",
    "fleet_usd",
    "known_regions",
    "load",
    "worker_rates",
]

Architecture = Literal["X86_64", "ARM64"]
Capacity = Literal["on-demand", "spot", "mixed"]
"""How workers are bought: ``mixed`` is Spot with a share that is not."""

FREE_SCRATCH_GB: Final = 20
"""Ephemeral storage that each Fargate task has at no charge."""

MINIMUM_BILLED_SECONDS: Final = 60
"""Fargate bills by the second, at least one minute a task."""

CERTAIN_SHARE: Final = 10
"""One in so many workers of a mixed session is on demand, so that Spot never takes all at once."""

SPOT_DISCOUNT_ADVERTISED: Final = 0.70
"""What AWS advertises as Spot's best discount. Shown to people, never counted on."""


SPOT_SHARE: Final = 0.5
"""What part of the on-demand price a Spot worker's vCPU and memory count at."""

_BILLED: Final = frozenset(
    {"x86_vcpu_hour", "x86_gb_hour", "arm_vcpu_hour", "arm_gb_hour", "scratch_gb_hour"}
)
"""What workers on Fargate are billed by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices(Rates):
    """The rates that hold in one Region, and where they are from.

    Attributes:
        region: whose prices these are.
        date: the oldest day of which a list price of workers is; empty where none is a list's.
        own: names of the rates that an environment's settings say, not AWS's lists.
        spot_share: what part of the on-demand price a Spot worker's vCPU and memory count at.
    """

    region: str
    date: str = ""
    own: tuple[str, ...] = ()
    spot_share: float = SPOT_SHARE

    def need(self, name: str) -> float:
        """Return a rate by its name; raise ConfigurationError where it is not known."""
        rate: float | None = getattr(self, name)
        if rate is None:
            raise ConfigurationError(
                f"the price {name} of region {self.region!r} is not known: {_way_out(f'{name}=…')}"
            )
        return rate

    def fargate(self, architecture: str) -> tuple[float, float]:
        """Return the vCPU-hour and the GB-hour price; raise for an unknown architecture."""
        vcpu_hour, gb_hour = worker_rates(architecture)
        return self.need(vcpu_hour), self.need(gb_hour)


def worker_rates(architecture: str) -> tuple[str, str]:
    """Return the names of the rates that workers of an architecture are billed by.

    Example:
        >>> worker_rates("ARM64")
        ('arm_vcpu_hour', 'arm_gb_hour')
    """
    if architecture == "X86_64":
        return "x86_vcpu_hour", "x86_gb_hour"
    if architecture == "ARM64":
        return "arm_vcpu_hour", "arm_gb_hour"
    raise ConfigurationError(f"architecture {architecture!r} is neither X86_64 nor ARM64")


def load(region: str, own: Rates | None = None) -> Prices:
    """Return the prices of ``region``; raise ConfigurationError where none are known.

    Args:
        region: whose.
        own: what an account pays instead; they are enough where no list price is known.

    Example:
        >>> load("us-east-1").x86_vcpu_hour
        0.04048
        >>> load("us-east-1", Rates(x86_vcpu_hour=0.03)).x86_vcpu_hour
        0.03
    """
    listed = _table().get(region)
    if listed is None and own is None:
        raise ConfigurationError(
            f"there are no prices for region {region!r}, so no cost limit can be enforced in it; "
            f"known regions: {', '.join(known_regions())}. Else {_way_out('…')}"
        )
    listed, ours = listed or {}, own.known() if own is not None else {}
    dates = [date for name, (_, date) in listed.items() if name in _BILLED and name not in ours]
    rates = {name: rate for name, (rate, _) in listed.items()} | ours
    return Prices(region=region, date=min(dates, default=""), own=tuple(ours), **rates)


def known_regions() -> tuple[str, ...]:
    """Return the regions of which AWS's lists give a price of workers, sorted."""
    return tuple(sorted(_table()))


def fleet_usd(
    *,
    workers: float,
    cpu: float,
    memory_gb: float,
    hours: float,
    scratch_gb: float = FREE_SCRATCH_GB,
    architecture: str = "X86_64",
    spot: bool = False,
    prices: Prices,
) -> float:
    """Return what a fleet of equal workers costs at list price.

    Args:
        workers: how many.
        cpu: vCPU of each.
        memory_gb: memory of each.
        hours: how long each runs.
        scratch_gb: ephemeral storage of each; the first 20 GB are free.
        architecture: ``X86_64`` or ``ARM64``.
        spot: count Spot's share of the price; storage has no discount.
        prices: of the region.

    Example:
        >>> usd = fleet_usd(workers=100, cpu=4, memory_gb=8, hours=2, prices=load("us-east-1"))
        >>> f"{usd:.2f}"
        '39.50'
    """
    vcpu_hour, gb_hour = prices.fargate(architecture)
    above = max(0.0, scratch_gb - FREE_SCRATCH_GB)
    scratch = above * prices.need("scratch_gb_hour") if above else 0.0
    share = prices.spot_share if spot else 1.0
    return workers * hours * (share * (cpu * vcpu_hour + memory_gb * gb_hour) + scratch)


def billed_seconds(seconds: float) -> float:
    """Return what one task is billed for: its run time, at least a minute."""
    return max(float(MINIMUM_BILLED_SECONDS), seconds)


def _way_out(rates: str) -> str:
    return (
        f"the platform team names them from AWS's price list, Environment(prices=Rates({rates})), "
        "or has make prices read that list"
    )


@cache
def _table() -> dict[str, dict[str, tuple[float, str]]]:
    """Return each Region's rates, and of which day each is."""
    document = json.loads((files("starburst.pricing") / "prices.json").read_text(encoding="utf-8"))
    dates = {name: source["date"] for name, source in document["sources"].items()}
    return {
        region: {
            name: (rate, dates[source])
            for source, found in row.items()
            for name, rate in found.items()
        }
        for region, row in document["regions"].items()
    }

"""What AWS charges, by region: read from ``prices.json``, used by limits, status and estimates.

Pure: imported by the controller's Lambda. List prices only. Nothing guarantees Spot's discount: a
fleet is judged at the on-demand price before it starts, and a Spot worker that ran is counted at
``spot_share`` of it, the higher end of what AWS names (50 to 70 % off).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from starburst.errors import ConfigurationError

__all__ = [
    "CERTAIN_SHARE",
    "FREE_SCRATCH_GB",
    "MINIMUM_BILLED_SECONDS",
    "SPOT_DISCOUNT_ADVERTISED",
    "Architecture",
    "Capacity",
    "Prices",
    "billed_seconds",
    "fleet_usd",
    "known_regions",
    "load",
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """List prices of one region, USD.

    Attributes:
        region: whose prices these are.
        date: the day they were noted.
        x86_vcpu_hour, x86_gb_hour: Fargate, Linux on x86.
        arm_vcpu_hour, arm_gb_hour: Fargate, Linux on ARM.
        scratch_gb_hour: Fargate ephemeral storage above the free 20 GB.
        spot_share: what part of the on-demand price a Spot worker's vCPU and memory count at.
        endpoint_az_hour, endpoint_gb: interface endpoint, per availability zone and per GB.
        nat_hour, nat_gb: NAT gateway.
        key_month, key_request_10k: KMS key, and 10,000 requests to it.
        alarm_month: CloudWatch alarm, standard resolution.
        log_gb: CloudWatch Logs, ingested.
        sqs_million: requests to a standard queue.
        s3_put_thousand, s3_get_thousand, s3_gb_month: S3 Standard.
        lambda_million, lambda_arm_gb_second: Lambda requests and ARM duration.
        budget_month: a budget without actions.
    """

    region: str
    date: str
    x86_vcpu_hour: float
    x86_gb_hour: float
    arm_vcpu_hour: float
    arm_gb_hour: float
    scratch_gb_hour: float
    spot_share: float
    endpoint_az_hour: float
    endpoint_gb: float
    nat_hour: float
    nat_gb: float
    key_month: float
    key_request_10k: float
    alarm_month: float
    log_gb: float
    sqs_million: float
    s3_put_thousand: float
    s3_get_thousand: float
    s3_gb_month: float
    lambda_million: float
    lambda_arm_gb_second: float
    budget_month: float

    def fargate(self, architecture: str) -> tuple[float, float]:
        """Return the vCPU-hour and the GB-hour price; raise for an unknown architecture."""
        if architecture == "X86_64":
            return self.x86_vcpu_hour, self.x86_gb_hour
        if architecture == "ARM64":
            return self.arm_vcpu_hour, self.arm_gb_hour
        raise ConfigurationError(f"architecture {architecture!r} is neither X86_64 nor ARM64")


def load(region: str) -> Prices:
    """Return the prices of ``region``; raise ConfigurationError where none are known.

    Example:
        >>> load("us-east-1").x86_vcpu_hour
        0.04048
    """
    prices = _table().get(region)
    if prices is None:
        raise ConfigurationError(
            f"there are no prices for region {region!r}, so no cost limit can be enforced in it; "
            f"known regions: {', '.join(known_regions())}. Add it to starburst/pricing/prices.json"
        )
    return prices


def known_regions() -> tuple[str, ...]:
    """Return the regions that have prices, sorted."""
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
    scratch = max(0.0, scratch_gb - FREE_SCRATCH_GB) * prices.scratch_gb_hour
    share = prices.spot_share if spot else 1.0
    return workers * hours * (share * (cpu * vcpu_hour + memory_gb * gb_hour) + scratch)


def billed_seconds(seconds: float) -> float:
    """Return what one task is billed for: its run time, at least a minute."""
    return max(float(MINIMUM_BILLED_SECONDS), seconds)


@cache
def _table() -> dict[str, Prices]:
    document = json.loads((files("starburst.pricing") / "prices.json").read_text(encoding="utf-8"))
    return {region: Prices(region=region, **row) for region, row in document["regions"].items()}

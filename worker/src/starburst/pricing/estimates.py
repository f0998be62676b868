"""What a fleet is expected to cost, from its size, its hours and list prices.

Pure: nothing is looked up, run or read here.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starburst.contract import Limits
from starburst.errors import LimitExceeded

from .prices import (
    CERTAIN_SHARE,
    MINIMUM_BILLED_SECONDS,
    SPOT_DISCOUNT_ADVERTISED,
    Capacity,
    Prices,
    billed_seconds,
    fleet_usd,
)

__all__ = ["Estimate", "Fleet", "dollars", "estimate_fleet", "sources"]

_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """Workers of one size.

    Attributes:
        workers: how many.
        cpu: vCPU of each.
        memory_gb: of each.
        scratch_gb: ephemeral storage of each; the first 20 GB are free.
        architecture: ``X86_64`` or ``ARM64``.
        capacity: ``"on-demand"``, ``"spot"`` or ``"mixed"``.
        host_usd_per_hour: what a worker's share of an EC2 instance costs, on demand; None for
            Fargate.
    """

    workers: int
    cpu: float
    memory_gb: float
    scratch_gb: float
    architecture: str
    capacity: Capacity
    host_usd_per_hour: float | None

    @property
    def on_demand(self) -> int:
        """How many of the workers are on demand at least."""
        match self.capacity:
            case "on-demand":
                return self.workers
            case "mixed":
                return self.workers // CERTAIN_SHARE
            case "spot":
                return 0

    def usd(self, *, hours: float, prices: Prices, on_demand: int | None = None) -> float:
        """Return what the workers cost.

        Args:
            hours: that each is billed for.
            prices: of the region.
            on_demand: how many are on demand; None for as many as the capacity says.
        """
        if self.host_usd_per_hour is None:
            return sum(self._rows(hours=hours, prices=prices, on_demand=on_demand).values())
        certain = self.on_demand if on_demand is None else on_demand
        counted = certain + (self.workers - certain) * prices.spot_share
        return counted * hours * self.host_usd_per_hour

    def breakdown(self, *, hours: float, prices: Prices) -> dict[str, float]:
        """Return USD by what they are for; sums to :meth:`usd`."""
        if self.host_usd_per_hour is None:
            return self._rows(hours=hours, prices=prices, on_demand=None)
        return {"share of EC2 instances": self.usd(hours=hours, prices=prices)}

    def _rows(self, *, hours: float, prices: Prices, on_demand: int | None) -> dict[str, float]:
        certain = self.on_demand if on_demand is None else on_demand

        def usd(cpu: float = 0, memory_gb: float = 0, scratch_gb: float = 0) -> float:
            return sum(
                fleet_usd(
                    workers=count,
                    cpu=cpu,
                    memory_gb=memory_gb,
                    hours=hours,
                    scratch_gb=scratch_gb,
                    architecture=self.architecture,
                    spot=spot,
                    prices=prices,
                )
                for count, spot in ((certain, False), (self.workers - certain, True))
            )

        return {
            "vCPU": usd(cpu=self.cpu),
            "memory": usd(memory_gb=self.memory_gb),
            "scratch storage above 20 GB": usd(scratch_gb=self.scratch_gb),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a burst is expected to cost, at list price.

    Attributes:
        usd: in all.
        usd_per_hour: while every worker runs.
        hours: that each worker runs.
        vcpu_hours: over all workers.
        workers, cpu, memory_gb: the fleet.
        region: whose prices were used.
        breakdown: USD by what it is for; sums to ``usd``.
        assumptions: sentences that the numbers rest on.
    """

    usd: float
    usd_per_hour: float
    hours: float
    vcpu_hours: float
    workers: int
    cpu: float
    memory_gb: float
    region: str
    breakdown: Mapping[str, float]
    assumptions: tuple[str, ...]

    def __str__(self) -> str:
        """Return the estimate as people read it."""
        lines = [self._headline(), *(f"  {dollars(v):>10}  {k}" for k, v in self._rows())]
        return "\n".join([*lines, *(f"- {sentence}" for sentence in self.assumptions)])

    def _headline(self) -> str:
        return (
            f"{dollars(self.usd)} for {self.workers} workers of {self.cpu:g} vCPU and "
            f"{self.memory_gb:g} GB over {_duration(self.hours)} in {self.region} "
            f"({dollars(self.usd_per_hour)} per hour, {self.vcpu_hours:.4g} vCPU-hours)"
        )

    def _rows(self) -> list[tuple[str, float]]:
        return [(name, usd) for name, usd in self.breakdown.items() if usd]

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{dollars(usd)}</td></tr>"
            for name, usd in self._rows()
        )
        notes = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in self.assumptions)
        return (
            f"<div><b>{html.escape(self._headline())}</b>"
            f"<table><tbody>{rows}</tbody></table><ul>{notes}</ul></div>"
        )


def estimate_fleet(
    fleet: Fleet,
    *,
    hours: float,
    prices: Prices,
    limits: Limits | None = None,
    assumptions: Sequence[str] = (),
) -> Estimate:
    """Return what a fleet costs, and what that rests on.

    Args:
        fleet: the workers.
        hours: that each runs; Fargate bills a minute at least.
        prices: of the region.
        limits: the workspace's, if it is to be checked against them.
        assumptions: sentences that the arguments rest on; they come first.

    Raises:
        LimitExceeded: the fleet is over the limits, so it would not start.
    """
    billed = billed_seconds(hours * 3600) / 3600
    most = fleet.usd(hours=1, prices=prices, on_demand=fleet.workers)
    if limits is not None:
        _check(fleet, limits, usd_per_hour=most)
    notes = [*assumptions]
    if hours * 3600 < MINIMUM_BILLED_SECONDS:
        notes.append("Fargate bills at least one minute a worker.")
    notes += [
        sources(prices),
        _spot_sentence(fleet, prices=prices, all_on_demand_usd=most * billed),
    ]
    if fleet.host_usd_per_hour is not None:
        notes.append("Whole EC2 instances are billed: what no worker uses of them comes on top.")
    notes.append(
        "Not counted: messages, objects and logs (cents), and what the environment itself costs: "
        "keys, alarms, and private endpoints, by the hour, also where they are open only while "
        "sessions run."
    )
    return Estimate(
        usd=fleet.usd(hours=billed, prices=prices),
        usd_per_hour=fleet.usd(hours=1, prices=prices),
        hours=hours,
        vcpu_hours=fleet.workers * fleet.cpu * billed,
        workers=fleet.workers,
        cpu=fleet.cpu,
        memory_gb=fleet.memory_gb,
        region=prices.region,
        breakdown=fleet.breakdown(hours=billed, prices=prices),
        assumptions=tuple(notes),
    )


def sources(prices: Prices) -> str:
    """Return whose prices these are, and of when, as a sentence."""
    listed = f"of {prices.date} or later, without tax, discounts or free tiers."
    if not prices.own:
        return f"List prices of {prices.region}, {listed}"
    said = f"The prices {', '.join(prices.own)} are what the environment's settings say"
    return f"{said}; else list prices of {prices.region}, {listed}" if prices.date else f"{said}."


def _spot_sentence(fleet: Fleet, *, prices: Prices, all_on_demand_usd: float) -> str:
    if fleet.capacity == "on-demand":
        return (
            f"Fargate Spot may cost up to {SPOT_DISCOUNT_ADVERTISED:.0%} less; that is not "
            "guaranteed and not counted."
        )
    kept = f", but for {fleet.on_demand} on demand" if fleet.on_demand else ""
    return (
        f"Spot workers are counted at {prices.spot_share:.0%} of the on-demand price{kept}. The "
        f"real price varies; all on demand it would be {dollars(all_on_demand_usd)}, which limits "
        "go by."
    )


def _check(fleet: Fleet, limits: Limits, *, usd_per_hour: float) -> None:
    if fleet.workers > limits.workers:
        raise LimitExceeded(
            f"workers is {fleet.workers}, the workspace's limit is {limits.workers}"
        )
    vcpu, memory_gb = fleet.workers * fleet.cpu, fleet.workers * fleet.memory_gb
    if vcpu > limits.vcpu + _ROUNDING:
        raise LimitExceeded(
            f"vCPU over all workers is {vcpu:g}, the workspace's limit is {limits.vcpu:g}"
        )
    if memory_gb > limits.memory_gb + _ROUNDING:
        raise LimitExceeded(
            f"memory over all workers is {memory_gb:g} GB, the workspace's limit is "
            f"{limits.memory_gb:g} GB"
        )
    if fleet.scratch_gb > limits.scratch_gb:
        raise LimitExceeded(
            f"scratch_gb is {fleet.scratch_gb:g}, the workspace's limit is {limits.scratch_gb}"
        )
    if usd_per_hour > limits.usd_per_hour + _ROUNDING:
        raise LimitExceeded(
            f"the fleet costs {dollars(usd_per_hour)} per hour on demand, the workspace's limit is "
            f"{dollars(limits.usd_per_hour)}: use fewer or smaller workers"
        )


def dollars(usd: float) -> str:
    """Return an amount in cents, or in hundredths of them below ten cents.

    Example:
        >>> dollars(1041.5), dollars(0.00081)
        ('$1,041.50', '$0.0008')
    """
    return f"${usd:,.2f}" if usd >= 0.1 else f"${usd:.4f}"  # noqa: PLR2004 - cents tell nothing


def _duration(hours: float) -> str:
    return f"{hours:.3g} h" if hours >= 1 else f"{hours * 60:.3g} min"

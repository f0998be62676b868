"""What a stopped worker cost at list price, by the rates that the stack was deployed with.

The same sums as the controller's and the estimates' (``starburst.pricing``); a test holds them
equal. A rate that nobody knows makes a cost of None, which is told and never taken for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["FREE_SCRATCH_GB", "MINIMUM_SECONDS", "Prices", "billed"]

FREE_SCRATCH_GB: Final = 20
"""Of each task on Fargate."""

MINIMUM_SECONDS: Final = 60
"""Fargate bills by the second, at least one minute a task."""

_SYSTEM_SHARE: Final = 0.93
_SYSTEM_GB: Final = 0.25
"""The system and ECS's agent keep a quarter of a GB and some 7 % of an instance's memory."""


@dataclass(frozen=True, kw_only=True)
class Prices:
    """List prices of one Region, in US dollars.

    Attributes:
        rates: of a vCPU and of a GB an hour, by architecture.
        scratch_gb_hour: of ephemeral storage above 20 GB; None where it is not known.
        spot_share: at what part of the price of vCPU and memory a Spot worker counts.
        architecture: of workers whose event does not tell.
        instances: vCPU, memory in GB and price an hour of the instance types that may be started;
            none where workers run on Fargate.
    """

    rates: Mapping[str, tuple[float, float]]
    scratch_gb_hour: float | None
    spot_share: float
    architecture: str
    instances: Sequence[tuple[float, float, float]] = ()

    @classmethod
    def parse(cls, text: str) -> Prices:
        """Read what the stack wrote."""
        said = json.loads(text)
        return cls(
            rates={name: (vcpu, gb) for name, (vcpu, gb) in said["rates"].items()},
            scratch_gb_hour=said["scratch_gb_hour"],
            spot_share=said["spot_share"],
            architecture=said["architecture"],
            instances=tuple((vcpu, gb, usd) for vcpu, gb, usd in said["instances"]),
        )

    def usd_an_hour(
        self, *, vcpu: float, memory_gb: float, scratch_gb: float, architecture: str, spot: bool
    ) -> float | None:
        """Return what an hour of a worker costs; None where a rate that it takes is not known."""
        share = self.spot_share if spot else 1.0
        if self.instances:
            return share * self._of_an_instance(vcpu, memory_gb)
        above = max(0.0, scratch_gb - FREE_SCRATCH_GB)
        if architecture not in self.rates or (above and self.scratch_gb_hour is None):
            return None
        vcpu_hour, gb_hour = self.rates[architecture]
        scratch = above * (self.scratch_gb_hour or 0.0)
        return share * (vcpu * vcpu_hour + memory_gb * gb_hour) + scratch

    def _of_an_instance(self, vcpu: float, memory_gb: float) -> float:
        """Return the share of the most expensive instance that holds a worker."""
        held = []
        for its_vcpu, its_gb, usd in self.instances:
            part = max(vcpu / its_vcpu, memory_gb / (its_gb * _SYSTEM_SHARE - _SYSTEM_GB))
            if part <= 1:
                held.append(part * usd)
        # None of today's holds it where its type was taken away while it ran.
        return max(held) if held else max(usd for _, _, usd in self.instances)


def billed(seconds: float) -> float:
    """Return the seconds that a worker is billed for."""
    return max(float(MINIMUM_SECONDS), seconds)

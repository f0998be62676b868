"""The list prices that the functions of job metrics count by, as the stack hands them over."""

from __future__ import annotations

import json

from stacks.settings import Environment
from starburst.pricing.prices import load

__all__ = ["prices_of"]


def prices_of(environment: Environment) -> str:
    """Return the list prices that the functions count by, as JSON."""
    hosts = environment.capacity
    prices = load(environment.region, environment.prices)
    rates = {
        name: [prices.fargate(name)[0], prices.fargate(name)[1]]
        for name in ("X86_64", "ARM64")
        if hosts is None and name in environment.architectures
    }
    return json.dumps(
        {
            "rates": rates,
            "scratch_gb_hour": prices.scratch_gb_hour,
            "spot_share": prices.spot_share,
            "architecture": environment.architecture,
            "instances": [
                [one.vcpu, one.memory_gb, one.usd_per_hour]
                for one in (hosts.instance_types if hosts else ())
            ],
        },
        separators=(",", ":"),
    )

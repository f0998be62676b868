"""Limits that a session can reach: more workers than other limits ever let start are refused."""

from __future__ import annotations

from collections.abc import Callable

from stacks.settings.validation import require
from stacks.settings.workspace import Workspace
from starburst.contract import Hosts
from starburst.pricing.fargate import MEMORY_GB, SCRATCH_GB
from starburst.pricing.prices import Prices, fleet_usd

__all__ = ["Price", "check_reach", "fargate_price", "host_price", "stopped_early"]

Price = Callable[[float, float, int], float]
"""What a worker costs an hour, by its vCPU, memory and scratch disk in GB."""

_CPU = min(MEMORY_GB)
_MEMORY_GB = min(MEMORY_GB[_CPU])
_ROUNDING = 1e-9


def fargate_price(prices: Prices, architectures: tuple[str, ...]) -> Price:
    """Return what a worker costs on Fargate, in the cheapest architecture that is offered."""

    def price(cpu: float, memory_gb: float, scratch_gb: int) -> float:
        return min(
            fleet_usd(
                workers=1,
                cpu=cpu,
                memory_gb=memory_gb,
                hours=1,
                scratch_gb=scratch_gb,
                architecture=one,
                prices=prices,
            )
            for one in architectures
        )

    return price


def host_price(hosts: Hosts) -> Price:
    """Return what a worker costs on instances, by its share of one."""

    def price(cpu: float, memory_gb: float, _: int) -> float:
        return hosts.usd_per_hour(cpu, memory_gb) or 0.0

    return price


def check_reach(workspace: Workspace, price: Price) -> None:
    """Refuse more workers than the other limits let start, were they the smallest there are.

    All limits hold at once, so the least of them wins.

    Args:
        workspace: with the limits.
        price: of a worker.

    Raises:
        SettingsError: says which limit wins, and the numbers that agree.
    """
    limits = workspace.limits
    smallest = {
        "usd_per_hour": price(_CPU, _MEMORY_GB, SCRATCH_GB[0]),
        "vcpu": _CPU,
        "memory_gb": _MEMORY_GB,
    }
    for name, each in smallest.items():
        bound = getattr(limits, name)
        most = max(1, int(bound / each + _ROUNDING)) if each else limits.workers
        needed = limits.workers * each
        allowed = (
            f"{most} at most, as limits.{name}={bound:g} wins: it stops even workers of {_CPU:g} "
            f"vCPU there; write limits.workers={most}, or limits.{name}={_above(needed)} for "
            f"{limits.workers}"
        )
        field = f"workspace {workspace.name}: limits.workers"
        require(limits.workers <= most, field, limits.workers, allowed)


def stopped_early(workspace: Workspace, price: Price) -> str | None:
    """Return which limit stops default workers before there are as many as ``limits.workers``.

    Args:
        workspace: with the limits.
        price: of a worker.
    """
    limits = workspace.limits
    each = {
        "usd_per_hour": price(workspace.cpu, workspace.memory_gb, workspace.scratch_gb),
        "vcpu": workspace.cpu,
        "memory_gb": workspace.memory_gb,
    }
    most = {name: int(getattr(limits, name) / one + _ROUNDING) for name, one in each.items() if one}
    least = min(most, key=lambda name: most[name])
    if most[least] >= limits.workers:
        return None
    return (
        f"workspace {workspace.name}: limits.{least}={getattr(limits, least):g} stops a session at "
        f"{most[least]} workers of the default size, before limits.workers={limits.workers}; "
        f"limits.{least}={_above(limits.workers * each[least])} would let all start"
    )


def _above(number: float) -> str:
    """Return a number in two decimals that is no less."""
    return f"{-(-number * 100 // 1) / 100:g}"

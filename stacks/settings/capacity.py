"""Machines for workers, Fargate unless an environment names EC2 instances, and their prices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from stacks.settings.annotations import typed
from stacks.settings.checks.instances import check_type
from stacks.settings.checks.places import nearest
from stacks.settings.validation import between, distinct, matches, positive, require
from starburst.contract import Instance, Rates
from starburst.contract.rates import PLAUSIBLE
from starburst.errors import ConfigurationError
from starburst.pricing.prices import known_regions, load, worker_rates

__all__ = ["Ec2Capacity", "Instance", "Rates", "check_prices"]

_MOST_TYPES: Final = 10
_MOST_INSTANCES: Final = 500
_SYSTEM_GB: Final = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Ec2Capacity:
    """Workers run on EC2 instances of their own workspace, which exist only while there is work.

    Each workspace has its own group of instances, so that workers of two workspaces never share a
    kernel. A group is empty at rest; ECS fills it and drains it.

    Attributes:
        instance_types: what may be started, each with what it costs the account. All have the
            environment's architecture, as the name of a type tells it.
        spot: let sessions ask for Spot instances as well.
        most: instances of one workspace at once, on demand; as many again on Spot.
        warm: stopped instances that each workspace keeps ready: a start in seconds rather than
            minutes, at the price of their disks. With one instance type only.
        disk_gb: disk of each instance, encrypted with a key of its own; workers share it.

    Example:
        >>> c7g = Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.33)
        >>> Ec2Capacity(instance_types=(c7g,), most=20).warm
        0
    """

    instance_types: tuple[Instance, ...]
    spot: bool = False
    most: int = 20
    warm: int = 0
    disk_gb: int = 100

    def __post_init__(self) -> None:
        """Refuse what EC2 or ECS would refuse later."""
        typed("capacity.", self)
        between("number of capacity.instance_types", len(self.instance_types), 1, _MOST_TYPES)
        distinct("capacity.instance_types", (one.name for one in self.instance_types))
        for one in self.instance_types:
            pattern = r"[a-z][a-z0-9-]*\.[a-z0-9-]+"
            matches("capacity.instance_types", one.name, pattern, "names such as c7g.2xlarge")
            check_type("capacity.instance_types", one.name)
            between(f"capacity: vcpu of {one.name}", one.vcpu, 1, 448)
            positive(f"capacity: memory_gb of {one.name}", one.memory_gb, most=24_576)
            positive(f"capacity: usd_per_hour of {one.name}", one.usd_per_hour, most=500)
        between("capacity.most", self.most, 1, _MOST_INSTANCES)
        between("capacity.warm", self.warm, 0, self.most)
        single = not self.warm or len(self.instance_types) == 1
        allowed = "0 where there are several instance types: EC2 keeps no warm pool of a mixture"
        require(single, "capacity.warm", self.warm, allowed)
        between("capacity.disk_gb", self.disk_gb, _SYSTEM_GB, 16_384)


def check_prices(
    me: str, prices: Rates | None, *, region: str, architectures: Iterable[str], hosted: bool
) -> None:
    """Refuse a slip among the rates that settings say, and a Region whose workers have no price.

    Limits and totals in US dollars are held by the rates of workers alone: vCPU and memory of each
    architecture that a session may ask for, and the scratch disk, of which each may ask for more
    than the free 20 GB. Others serve estimates, which say what they lack.

    Args:
        me: the environment, as a sentence about it begins.
        prices: what the account pays instead of list prices.
        region: where its workers run.
        architectures: that they may have.
        hosted: whether they run on instances, whose own prices stand beside them.
    """
    if prices is not None:
        typed(f"{me} prices.", prices)
        for name, rate in prices.known().items():
            least, most = PLAUSIBLE[name]
            fits = type(rate) in (int, float) and least <= rate <= most
            allowed = f"US dollars, {least:g} to {most:g}: more or less is a slip of units"
            require(fits, f"{me} prices.{name}", rate, allowed)
    if hosted:
        return
    needed = {name for one in architectures for name in worker_rates(one)} | {"scratch_gb_hour"}
    try:
        lacking = needed - load(region, prices).known().keys()
    except ConfigurationError:
        lacking = needed
    if not lacking:
        return
    whole = [one for one in known_regions() if needed <= load(one).known().keys()]
    near = nearest(region, whole, most=3)
    named = ", ".join(f"{name}=…" for name in PLAUSIBLE if name in lacking)
    allowed = (
        f"{near} and {len(whole) - 3} more, where all prices of workers are known; else "
        f"prices=Rates({named}) from AWS's price list, or that list read by "
        f"`make prices REGIONS={region}`"
    )
    require(False, f"{me} region", region, allowed)

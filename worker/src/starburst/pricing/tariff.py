"""What an hour of one worker costs in an environment: on Fargate, or as a share of an instance.

Pure: imported by the controller's Lambda. On EC2 a worker is counted at its share of the most
expensive instance type that holds it. Whole instances are billed: what no worker uses of one, and
the minutes before it is stopped, come on top and show on the bill only.
"""

from __future__ import annotations

from starburst.contract import Rates, RuntimeDocument

from .prices import Prices, fleet_usd, load

__all__ = ["environment_prices", "worker_usd"]


def environment_prices(document: RuntimeDocument) -> Prices:
    """Return the prices that hold in an environment: its own, else the list prices of its Region.

    Workers on instances cost a share of them, which the document says: no price is needed for them.

    Raises:
        ConfigurationError: none are known.
    """
    hosted = Rates() if document.hosts is not None else None
    return load(document.region, document.prices or hosted)


def worker_usd(
    document: RuntimeDocument,
    *,
    cpu: float,
    memory_gb: float,
    scratch_gb: float,
    architecture: str,
    spot: bool = False,
    prices: Prices,
) -> float:
    """Return USD an hour of one worker.

    Args:
        document: of the environment.
        cpu: vCPU of the worker.
        memory_gb: its memory.
        scratch_gb: its ephemeral storage; on EC2 it shares its instance's disk.
        architecture: ``X86_64`` or ``ARM64``; empty for the environment's own.
        spot: count Spot's share of the price.
        prices: list prices of the region.
    """
    if document.hosts is None:
        return fleet_usd(
            workers=1,
            cpu=cpu,
            memory_gb=memory_gb,
            hours=1,
            scratch_gb=scratch_gb,
            architecture=architecture or document.architecture,
            spot=spot,
            prices=prices,
        )
    usd = document.hosts.usd_per_hour(cpu, memory_gb)
    if usd is None:
        # An instance type was taken away while a session of this size went on.
        usd = max(one.usd_per_hour for one in document.hosts.instances)
    return usd * (prices.spot_share if spot else 1.0)

"""The EC2 instances of an environment whose workers do not run on Fargate."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Hosts", "Instance"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One EC2 instance type, as far as workers on it care.

    Attributes:
        name: such as ``c7g.2xlarge``.
        vcpu, memory_gb: of the instance.
        usd_per_hour: what an hour of it costs the account on demand.
    """

    name: str
    vcpu: int
    memory_gb: float
    usd_per_hour: float

    def share(self, cpu: float, memory_gb: float) -> float:
        """Return what part of the instance a worker takes; above 1 where it has no room for it.

        The system and ECS's agent keep a quarter of a GB and some 7 % of the memory.

        Example:
            >>> Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.29).share(2, 3)
            0.25
        """
        usable = self.memory_gb * 0.93 - 0.25
        return max(cpu / self.vcpu, memory_gb / usable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hosts:
    """The EC2 instances of an environment whose workers do not run on Fargate.

    Attributes:
        instances: types that may be started.
        spot: whether a session may ask for Spot instances as well.
    """

    instances: tuple[Instance, ...]
    spot: bool = False

    def usd_per_hour(self, cpu: float, memory_gb: float) -> float | None:
        """Return USD an hour of the most expensive instance that holds a worker, by its share.

        None where no instance holds it.
        """
        shares = ((one.share(cpu, memory_gb), one.usd_per_hour) for one in self.instances)
        return max((share * usd for share, usd in shares if share <= 1), default=None)

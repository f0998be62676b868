"""Task sizes that Fargate sells: which memory goes with which vCPU, and how much scratch storage.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
"""

from __future__ import annotations

from typing import Final

__all__ = ["MEMORY_GB", "SCRATCH_GB", "cpu_units", "describe_memory", "is_size", "memory_mib"]

SCRATCH_GB: Final = (21, 200)
"""The least and the most ephemeral storage that may be asked for; a task has 20 GB unasked."""

MEMORY_GB: Final[dict[float, tuple[float, ...]]] = {
    0.25: (0.5, 1, 2),
    0.5: (1, 2, 3, 4),
    1: tuple(range(2, 9)),
    2: tuple(range(4, 17)),
    4: tuple(range(8, 31)),
    8: tuple(range(16, 61, 4)),
    16: tuple(range(32, 121, 8)),
}
"""Memory, GB, that each vCPU count may have (Linux, platform 1.4.0)."""


def is_size(cpu: float, memory_gb: float) -> bool:
    """Whether Fargate sells ``cpu`` vCPU with ``memory_gb`` GB.

    Example:
        >>> is_size(4, 8), is_size(4, 4)
        (True, False)
    """
    return memory_gb in MEMORY_GB.get(cpu, ())


def describe_memory(cpu: float) -> str:
    """Return the memory that goes with ``cpu``, in words.

    Example:
        >>> describe_memory(4)
        '8 to 30 GB'
    """
    sizes = MEMORY_GB[cpu]
    return f"{sizes[0]:g} to {sizes[-1]:g} GB"


def cpu_units(cpu: float) -> str:
    """Return ``cpu`` as ECS writes it: 1,024 units a vCPU."""
    return str(int(cpu * 1024))


def memory_mib(memory_gb: float) -> str:
    """Return ``memory_gb`` as ECS writes it, MiB."""
    return str(int(memory_gb * 1024))

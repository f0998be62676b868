"""What a session of a workspace may use at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_WORKERS", "Limits"]

MAX_WORKERS: Final = 500
"""No session of any workspace may have more workers (S20)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one session of a workspace may use; the controller enforces it (S20, S22).

    Attributes:
        workers: most workers at once, 1 to 500.
        vcpu: most vCPU over all workers.
        memory_gb: most memory over all workers, GB.
        timeout_seconds: absolute age at which a session is stopped.
        usd_per_hour: most that the workers may cost per hour at list price.
        scratch_gb: most ephemeral storage of one worker.
        pickle_results: whether ``results="pickle"`` may be asked for.
    """

    workers: int = 100
    vcpu: float = 400
    memory_gb: float = 1600
    timeout_seconds: int = 86_400
    usd_per_hour: float = 50
    pickle_results: bool = True
    scratch_gb: int = 200

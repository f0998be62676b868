"""What all sessions of a person, of a workspace or of an environment may use together."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Totals"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """What several sessions may use together; the controller holds it.

    A session counts with all that it was granted for as long as it may use that: its fleet until
    it has ended, and its money until its deadline or its ``max_usd``. Once it has ended, what it
    did cost counts. So no total is ever exceeded, whatever its sessions do.

    Attributes:
        sessions: most at once.
        workers: most at once.
        vcpu: most over all workers.
        memory_gb: most over all workers, GB.
        usd_per_hour: most that all workers may cost per hour at list price.
        usd_per_day: most for what runs on one day, in UTC.
        usd_per_month: most for what runs in one calendar month, in UTC.
    """

    sessions: int = 50
    workers: int = 500
    vcpu: float = 2000
    memory_gb: float = 8000
    usd_per_hour: float = 150
    usd_per_day: float = 1500
    usd_per_month: float = 15_000

"""What the controller waits for, and how often: one value, passed in with the environment."""

from __future__ import annotations

from dataclasses import dataclass

from starburst.contract.times import REQUEST_SECONDS, STILL_SECONDS, STILL_WAITING_SECONDS

__all__ = ["Timings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Timings:
    """The times of a controller, in seconds; those that two sides rely on are the contract's.

    Attributes:
        idle_seconds: a session without workers and without work is ended after so long.
        start_seconds: a session that has no queue by then has failed to start.
        request_seconds: how old a request, or a manifest that starts a session, may be. Each
            request does the same, or nothing, when it is sent again.
        still_seconds, still_waiting_seconds: how long a queue's counts stay the same before ranges
            are sent again, with no message waiting and with some.
        killed_least: so many killed workers are always replaced. One task that kills workers costs
            five of them: three ``attempts``, and one for each of the two cuts that find it. Four
            such tasks are a bug in four inputs; more look like too little memory.
    """

    idle_seconds: float = 3600.0
    start_seconds: float = 900.0
    request_seconds: float = REQUEST_SECONDS
    still_seconds: float = STILL_SECONDS
    still_waiting_seconds: float = STILL_WAITING_SECONDS
    killed_least: int = 20

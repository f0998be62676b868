"""A launch in a session's record: begun, taken in as far as it came, refused. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from starburst.controller.state.sessions import Launch, Record, concluded
from starburst.controller.workers.batches import batches
from starburst.controller.workers.fleet import Worker
from starburst.controller.workers.launching import Launched
from starburst.controller.workers.shortage import pause
from starburst.pricing.prices import CERTAIN_SHARE

__all__ = ["LONGEST_PAUSE", "begin_launch", "refused", "take_launch"]

LONGEST_PAUSE: Final = 600
"""Between two launches, in seconds, whatever went wrong."""

_SPOT_SHUNNED_SECONDS: Final = 600
_DENIED_SECONDS: Final = 60
"""A permission that lacks for so long is no policy that a deployment is about to change."""


def begin_launch(
    record: Record, workers: int, *, now: float, until: float, staying: Sequence[Worker] = ()
) -> Record:
    """Return the record with the intent to start so many workers.

    Args:
        record: of the session.
        workers: how many more.
        now: the time.
        until: the invocation that writes this may be at work until then.
        staying: the workers that there are.
    """
    wave = record.waves + 1
    certain = _certain(record, workers, staying, now=now)
    cut = batches(workers, on_demand=certain)
    return replace(record, waves=wave, launch=Launch(wave=wave, batches=cut, until=until))


def take_launch(
    record: Record, outcome: Launched, *, wave: int, now: float, alone: bool, until: float = 0
) -> Record:
    """Return the record after a launch was carried out, as far as it was.

    Args:
        record: the newest one.
        outcome: what became of the launch.
        wave: its number.
        now: the time.
        alone: whether no other worker is alive that could go on without these.
        until: the caller goes on with what is left until then; 0 where it does not.
    """
    new = dict.fromkeys((name for name in outcome.ids if name not in record.settled), now)
    # Once workers were lost, people are told what the last one was lost of, by the same words.
    keeps = outcome.shortage or record.lost
    record = replace(
        record,
        known={**new, **record.known},
        launched=record.launched + (0 if _taken(record, outcome, now=now) else outcome.workers),
        trouble=record.trouble if keeps else outcome.trouble or record.trouble,
        denied_since=_denied(record, outcome, now=now),
        spot_lacked_at=now if outcome.spot_lacked else record.spot_lacked_at,
    )
    if record.final or record.launch is None or record.launch.wave != wave:
        return record
    since = record.denied_since
    fatal = outcome.fatal or (since is not None and now - since >= _DENIED_SECONDS)
    if fatal and not (alone and outcome.workers == 0):
        # What a later launch lacks may lack for a moment only.
        return replace(record, launch=None, not_before=now + LONGEST_PAUSE, denied_since=None)
    if fatal:
        return concluded(
            record, state="failed", reason=f"its workers cannot start; ECS: {outcome.trouble}"
        )
    if not outcome.batches:
        return replace(record, launch=None)
    if outcome.shortage:
        record = replace(record, shortage=outcome.shortage, shortage_said=outcome.trouble)
        record = refused(record, now=now)
    return replace(record, launch=Launch(wave=wave, batches=outcome.batches, until=until))


def refused(record: Record, *, now: float) -> Record:
    """Return the record of a session that AWS has no room for; it asks again, ever later."""
    refusals = record.shortages + 1
    return replace(
        record,
        shortages=refusals,
        waiting_since=now if record.waiting_since is None else record.waiting_since,
        not_before=max(record.not_before, now + pause(refusals)),
    )


def _certain(record: Record, workers: int, staying: Sequence[Worker], *, now: float) -> int:
    """Return how many of a mixed session's next workers are bought on demand from the start."""
    if record.capacity != "mixed":
        return 0
    lacked = record.spot_lacked_at
    if lacked is not None and now - lacked < _SPOT_SHUNNED_SECONDS:
        return workers
    have = sum(not worker.spot for worker in staying)
    return min(workers, max(0, record.workers // CERTAIN_SHARE - have))


def _taken(record: Record, outcome: Launched, *, now: float) -> bool:
    """Whether this very outcome was written down, and only the answer to that was lost."""
    left = record.launch.batches if record.launch is not None else {}
    counted = all(record.known.get(name) == now for name in outcome.ids)
    return bool(outcome.ids) and counted and left == outcome.batches


def _denied(record: Record, outcome: Launched, *, now: float) -> float | None:
    if not outcome.denied:
        return record.denied_since if not outcome.workers else None
    return now if record.denied_since is None else record.denied_since

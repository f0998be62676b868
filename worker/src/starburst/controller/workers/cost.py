"""What the workers of a session have cost: ECS's own times, each worker at its own price. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from starburst.contract import RuntimeDocument
from starburst.controller.state.sessions import Record
from starburst.pricing.prices import Prices, billed_seconds
from starburst.pricing.tariff import worker_usd

from .fleet import Worker

__all__ = ["Spent", "settle", "so_far"]

_FORGET_SECONDS = 3 * 3600
"""ECS forgets a stopped task after about an hour; so may the record, a little later."""

Spent = tuple[float, float]
"""Billed seconds and USD."""


def settle(
    record: Record,
    workers: Iterable[Worker],
    *,
    now: float,
    prices: Prices,
    document: RuntimeDocument,
) -> Record:
    """Count each worker that has stopped, once, however often it is seen; remember who has not."""
    settled = {name: at for name, at in record.settled.items() if now - at < _FORGET_SECONDS}
    lost = faults = killed = unstarted = lacked = 0
    seconds, usd, trouble = record.seconds, record.usd, record.trouble
    shortage, said = record.shortage, record.shortage_said
    ran, known = record.ran, dict(record.known)
    booting = record.booting
    for worker in workers:
        ran = ran or worker.ran
        if worker.staying and not worker.running:
            booting = now
        if worker.live:
            known.setdefault(worker.id, now)
            continue
        known.pop(worker.id, None)
        if worker.id in settled:
            continue
        stopped = worker.stopped or now
        if now - stopped >= _FORGET_SECONDS:
            continue
        settled[worker.id] = stopped
        spent = _of(worker, record, now=now, prices=prices, document=document)
        seconds, usd = seconds + spent[0], usd + spent[1]
        if worker.shortage is not None:
            lacked += 1
            shortage, said = worker.shortage, worker.trouble
        elif worker.lost:
            lost += 1
            trouble = worker.trouble or worker.stop_code
            if worker.killed:
                killed += 1
            elif not worker.taken:
                faults += 1
                unstarted += not worker.ran
    return replace(
        record,
        known=known,
        listed=record.listed or now,
        booting=booting,
        settled=settled,
        seconds=seconds,
        usd=usd,
        lost=record.lost + lost,
        faults=record.faults + faults,
        killed=record.killed + killed,
        unstarted=record.unstarted + unstarted,
        trouble=trouble,
        lacked=record.lacked + lacked,
        shortage=shortage,
        shortage_said=said,
        ran=ran,
    )


def so_far(
    record: Record,
    workers: Iterable[Worker],
    *,
    now: float,
    prices: Prices,
    document: RuntimeDocument,
) -> Spent:
    """Return billed seconds and USD of a settled record together with its live workers."""
    seconds, usd = record.seconds, record.usd
    for worker in workers:
        if worker.live:
            spent = _of(worker, record, now=now, prices=prices, document=document)
            seconds, usd = seconds + spent[0], usd + spent[1]
    return seconds, usd


def _of(
    worker: Worker, record: Record, *, now: float, prices: Prices, document: RuntimeDocument
) -> Spent:
    if worker.billed_from is None:
        return 0.0, 0.0
    seconds = billed_seconds((worker.stopped or now) - worker.billed_from)
    usd = worker_usd(
        document,
        cpu=record.cpu,
        memory_gb=record.memory_gb,
        scratch_gb=worker.scratch_gb or record.scratch_gb,
        architecture=record.architecture,
        spot=worker.spot,
        prices=prices,
    )
    return seconds, usd * seconds / 3600

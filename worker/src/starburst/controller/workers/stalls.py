"""The one rule by which ranges are sent again: when nothing moves, ask the session's workers.

Two mistakes are possible. Never to send again loses tasks: a message may have been hidden by
a caller that may receive it, deleted, expired, or never sent because a client died. To send again
too early runs tasks twice: SQS's counts are approximate and need a minute to settle, and a message
that is leased is work in hand. So what counts is that nothing moves:

- The numbers of waiting and of leased messages have been the same for two minutes with none
  waiting, four times as long as a lease lives; or for ten minutes, whatever they say.
- Then one message asks a worker to look at what S3 holds, and to send what has neither a result nor
  a live worker at it. So a task that runs for hours is not run twice.
- A worker that boots says nothing for a minute or more, and what it will receive does not move. So
  while any boots, and for two minutes after, nothing counts as still within ten minutes.
- Without anything that moves afterwards, each further look takes twice as long to come. Where the
  queue is empty as well, all may be done: four looks are enough, as each may start a worker.

The rule reads nothing of a client, so it holds where none is attached.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starburst.controller.state.sessions import Record
from starburst.controller.state.timings import Timings

from .queue import Depth

__all__ = ["EMPTY_LOOKS", "watch"]

EMPTY_LOOKS: Final = 4

_DOUBLED_MOST: Final = 12
_OWN_SECONDS: Final = 1800
"""So long after a request, one message more or less may be that request, and no progress."""


def watch(record: Record, depth: Depth, *, now: float, timings: Timings) -> tuple[Record, bool]:
    """Return the record with what was seen of the queue, and whether to send again now.

    Args:
        record: of a session that takes work.
        depth: of its queue.
        now: the time, seconds since the epoch.
        timings: of the controller.
    """
    if (depth.backlog, depth.in_flight) != (record.seen_backlog, record.seen_in_flight):
        return _moved(record, depth, now=now), False
    # Whatever there is to do, no worker would do it: none ever ran.
    if not record.ran:
        return record, False
    empty = depth.backlog == depth.in_flight == 0
    if empty and record.requeues >= EMPTY_LOOKS:
        return record, False
    silent = now - record.booting < timings.still_seconds
    wait = timings.still_waiting_seconds if depth.backlog or silent else timings.still_seconds
    if now - record.still_since < wait * 2.0 ** min(record.requeues, _DOUBLED_MOST):
        return record, False
    asked = replace(record, requeues=record.requeues + 1, requeued=now, still_since=now)
    return asked, True


def _moved(record: Record, depth: Depth, *, now: float) -> Record:
    before = (record.seen_backlog or 0) + (record.seen_in_flight or 0)
    more = depth.backlog + depth.in_flight - before
    own = abs(more) <= 1 and record.requeues > 0 and now - record.requeued < _OWN_SECONDS
    return replace(
        record,
        seen_backlog=depth.backlog,
        seen_in_flight=depth.in_flight,
        still_since=now,
        requeues=record.requeues if own else 0,
    )

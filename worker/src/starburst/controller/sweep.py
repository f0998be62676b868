"""Each minute: every session is tended, and what belongs to no session is removed.

Nothing here relies on a client that is still connected, or on an event that arrived.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from starburst.contract import SESSION_ID
from starburst.controller.state.endpoint_state import Stored
from starburst.controller.state.sessions import RecordDamaged
from starburst.controller.workers.fleet import Worker
from starburst.errors import StarburstError

from .lifecycle import Lifecycle
from .workers import fleet, queue

__all__ = ["SweepFailed", "sweep"]

_LOG: Final = logging.getLogger(__name__)
_SESSION_SECONDS: Final = 15
_GOLDEN: Final = (5**0.5 - 1) / 2
_ORPHAN_REASON: Final = "starburst: this task belongs to no active session"


class SweepFailed(StarburstError):
    """Not everything could be seen to; raised last, so that the function's alarm sees it."""


def sweep(life: Lifecycle, *, until: float) -> dict[str, int]:
    """Tend every session and remove orphans; return how many of each there were.

    Raises:
        SweepFailed: after everything else was done.
    """
    life = life.for_one_sweep()
    # Tasks and queues are listed before records: what has no record then never had one. So is
    # what is wanted of the endpoints: a session that asks for them later than this changes it.
    workers: defaultdict[str, list[Worker]] = defaultdict(list)
    listed = life.environment.clock()
    for worker in fleet.observe(life.environment):
        workers[worker.session].append(worker)
    queues = dict(queue.every(life.environment))
    note = life.endpoints.read()
    sessions = _rotated(list(life.records.sessions()), now=life.environment.clock())
    failed: list[str] = []
    tended = 0
    for session in sessions:
        if life.environment.clock() >= until:
            _LOG.warning("time is up: %d sessions wait for the next sweep", len(sessions) - tended)
            break
        tended += 1
        try:
            enough = min(until, life.environment.clock() + _SESSION_SECONDS)
            life.tend(session, until=enough, workers=workers.get(session, []), listed=listed)
        # One session's trouble, whatever it is, must not keep the others from their deadlines.
        except Exception:
            _LOG.exception("session %s could not be tended", session)
            failed.append(session)
    orphans = _stop_orphans(life, workers, set(sessions), until=until)
    removed = _delete_orphans(life, queues, set(sessions))
    stuck = _see_to_endpoints(life, note, sessions, until=until)
    if failed:
        raise SweepFailed(f"sessions that could not be tended: {', '.join(failed)}. {stuck}")
    if stuck:
        raise SweepFailed(stuck)
    return {"sessions": tended, "orphan_tasks": orphans, "orphan_queues": removed}


def _see_to_endpoints(life: Lifecycle, note: Stored, sessions: list[str], *, until: float) -> str:
    """Keep the endpoints open or let them rest, and return what is wrong with them."""
    try:
        if sessions:
            life.endpoints.keep(sessions[0], until=until)
        else:
            life.endpoints.rest(note)
    # They cost money or keep sessions waiting: the function's alarm tells people.
    except (ClientError, BotoCoreError, StarburstError, ValueError) as error:
        _LOG.exception("the private endpoints could not be seen to")
        return str(error)
    return ""


def _rotated(sessions: list[str], *, now: float) -> list[str]:
    """Begin far from the last time, so that no session is left out for long where time is short.

    Steps of the golden ratio leave no large gap, however few sessions one sweep gets to.
    """
    first = int(now // 60 * _GOLDEN % 1 * len(sessions))
    return sessions[first:] + sessions[:first]


def _known(life: Lifecycle, session: str, sessions: set[str]) -> bool:
    if session in sessions:
        return True
    # The listing may be older than the session; the record itself is never.
    try:
        return (
            SESSION_ID.fullmatch(session) is not None and life.records.active(session) is not None
        )
    except RecordDamaged:  # it is one all the same
        return True


def _stop_orphans(
    life: Lifecycle, workers: dict[str, list[Worker]], sessions: set[str], *, until: float
) -> int:
    stopped = 0
    for session, theirs in workers.items():
        live = [worker for worker in theirs if worker.staying]
        if live and not _known(life, session, sessions):
            _LOG.warning("stopping %d tasks of unknown or ended session %r", len(live), session)
            stopped += fleet.stop(life.environment, live, reason=_ORPHAN_REASON, until=until)
    return stopped


def _delete_orphans(life: Lifecycle, queues: dict[str, str], sessions: set[str]) -> int:
    removed = 0
    for session, url in queues.items():
        if not _known(life, session, sessions):
            _LOG.warning("deleting the queue of unknown or ended session %s", session)
            queue.delete(life.environment, url)
            removed += 1
    return removed

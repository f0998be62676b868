"""Each minute: every session is tended, and what belongs to no session is removed.

Nothing here relies on a client that is still connected, or on an event that arrived.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from starburst.aws.calls import TROUBLE, words_of
from starburst.contract import SESSION_ID
from starburst.contract.sweep_line import sweep_line
from starburst.controller.state.endpoint_state import Stored
from starburst.controller.state.sessions import Record, RecordDamaged
from starburst.controller.totals.reconciling import end_frozen, reconcile
from starburst.controller.workers.fleet import Worker
from starburst.errors import StarburstError

from .lifecycle import Lifecycle
from .workers import fleet, queue
from .workers.observing import describe, is_throttled, live_ids

__all__ = ["SweepFailed", "sweep"]

_LOG: Final = logging.getLogger(__name__)
_SESSION_SECONDS: Final = 15
_UNSEEN_SECONDS: Final = 600
_GOLDEN: Final = (5**0.5 - 1) / 2
_ORPHAN_REASON: Final = "starburst: this task belongs to no active session"


class SweepFailed(StarburstError):
    """Not everything could be seen to; raised last, so that the function's alarm sees it."""


def sweep(life: Lifecycle, *, until: float) -> dict[str, int]:
    """Tend every session and remove orphans; return how many of each there were.

    Where ECS is too busy to answer, that part alone is left to the next sweep: ``unseen`` counts
    the sessions, and ``unlisted`` says that no orphan was looked for. Where it cannot be listed for
    another reason, sessions are tended all the same. One line at its end, and only one, says that
    there was a sweep and whether it got to everything: alarms count those lines.

    Raises:
        SweepFailed: after everything else was done.
    """
    life = life.for_one_sweep()
    # Tasks and queues are listed before records: what has no record then never had one. So is
    # what is wanted of the endpoints: a session that asks for them later than this changes it.
    found = _Found()
    listed = _listed(life, found, until=until)
    queues = _queues(life, found)
    note = life.endpoints.read()
    sessions = _rotated(list(life.records.sessions()), now=life.environment.clock())
    for session in sessions:
        if life.environment.clock() >= until:
            _LOG.warning(
                "time is up: %d sessions wait for the next sweep", len(sessions) - found.tended
            )
            found.finished = False
            break
        found.tended += 1
        _tend(life, session, found, until=until)
    orphans = 0
    if listed is not None:
        for cluster, names in listed.items():
            others = [name for name in names if name not in found.known]
            orphans += _see_to_others(life, cluster, others, set(sessions), found, until=until)
    removed = _delete_orphans(life, queues, set(sessions), found)
    _reconcile(life, sessions, found, until=until)
    stuck = _see_to_endpoints(life, note, sessions, until=until)
    life.environment.tell(
        sweep_line(
            at=life.environment.clock(),
            sessions=len(sessions),
            tended=found.tended,
            finished=found.finished,
        )
    )
    troubles = [*found.troubles, *filter(None, [stuck])]
    if found.failed:
        troubles.insert(0, f"sessions that could not be tended: {', '.join(found.failed)}")
    if troubles:
        raise SweepFailed(". ".join(troubles))
    return {
        "sessions": found.tended,
        "orphan_tasks": orphans,
        "orphan_queues": removed,
        **({"unseen": found.unseen} if found.unseen else {}),
        **({"unlisted": 1} if listed is None else {}),
    }


@dataclass(kw_only=True)
class _Found:
    """What a sweep has found so far.

    Attributes:
        tended: sessions that it got to.
        unseen: those of them whose workers ECS was too busy to show.
        failed: those that could not be tended for another reason, or not for long.
        troubles: why orphans could not be looked for or removed, other than that ECS was busy.
        known: ids of the workers that their records know, stopped ones included.
        records: of the sessions that were tended, as they were then saved.
        finished: whether there was time for every session and every task.
    """

    tended: int = 0
    unseen: int = 0
    failed: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    records: dict[str, Record] = field(default_factory=dict)
    finished: bool = True

    def blind(self, error: ClientError | BotoCoreError) -> None:
        """Note that orphans cannot be looked for; sessions are tended all the same."""
        _LOG.warning("orphans are not looked for: %s", words_of(error))
        if not is_throttled(error):
            self.troubles.append(f"orphans could not be looked for: {words_of(error)}")

    def stuck(self, what: str, error: ClientError | BotoCoreError) -> None:
        """Note an orphan that cannot be removed; the others are all the same."""
        self.troubles.append(f"{what} could not be removed: {words_of(error)}")


def _tend(
    life: Lifecycle, session: str, found: _Found, *, until: float, extra: Sequence[Worker] = ()
) -> None:
    now = life.environment.clock()
    try:
        record = life.tend(session, until=min(until, now + _SESSION_SECONDS), extra=extra)
    # One session's trouble, whatever it is, must not keep the others from their deadlines.
    except Exception as error:
        _LOG.exception("session %s could not be tended", session)
        busy = isinstance(error, ClientError) and is_throttled(error)
        if busy and not _is_neglected(life, session, now=now):
            found.unseen += 1
        elif session not in found.failed:
            found.failed.append(session)
        return
    if record is not None:
        found.records[session] = record
        found.known |= record.known.keys() | record.settled.keys()


def _is_neglected(life: Lifecycle, session: str, *, now: float) -> bool:
    """Whether nobody has seen a session's workers for so long that people must hear of it."""
    stored = life.records.active(session)
    return stored is not None and now - stored.record.looked > _UNSEEN_SECONDS


def _listed(life: Lifecycle, found: _Found, *, until: float) -> dict[str, list[str]] | None:
    """Return the ids of all tasks that run, by cluster; None where ECS does not say."""
    try:
        enough = min(until, life.environment.clock() + _SESSION_SECONDS)
        return {
            cluster: live_ids(life.environment, cluster=cluster, until=enough)
            for cluster in life.environment.settings.clusters
        }
    except TROUBLE as error:
        found.blind(error)
        return None


def _queues(life: Lifecycle, found: _Found) -> dict[str, str]:
    """Return the URLs of all sessions' queues; none where SQS does not say."""
    try:
        return dict(queue.every(life.environment))
    except TROUBLE as error:
        found.blind(error)
        return {}


def _see_to_others(
    life: Lifecycle,
    cluster: str,
    others: list[str],
    sessions: set[str],
    found: _Found,
    *,
    until: float,
) -> int:
    """Give tasks that no record knows to their sessions, and stop those that belong to none.

    A session's own are those that a launch has just started, or one that died before it could
    write them down. None of a workspace's run in a cluster that is not its own.
    """
    if life.environment.clock() >= until:
        found.finished = found.finished and not others
        return 0
    workers: defaultdict[str, list[Worker]] = defaultdict(list)
    try:
        for worker in describe(life.environment, others, cluster=cluster, until=until):
            if worker.staying:
                workers[worker.session].append(worker)
    except TROUBLE as error:
        found.blind(error)
        return 0
    stopped = 0
    for session, theirs in workers.items():
        if _known(life, session, sessions) and _belongs(life, session, cluster):
            _tend(life, session, found, until=until, extra=theirs)
            continue
        _LOG.warning("stopping %d tasks of unknown or ended session %r", len(theirs), session)
        try:
            left = fleet.stop(
                life.environment, theirs, cluster=cluster, reason=_ORPHAN_REASON, until=until
            )
        except TROUBLE as error:
            found.stuck(f"tasks of {session!r}", error)
            continue
        stopped += len(theirs) - len(left)
        found.finished = found.finished and not left
    return stopped


def _reconcile(life: Lifecycle, sessions: list[str], found: _Found, *, until: float) -> None:
    """Hold the book of totals against the records; go on with the ends that a freeze began."""
    enough = min(until, life.environment.clock() + _SESSION_SECONDS)
    try:
        book = reconcile(life.keeper, life.records, sessions, found.records, until=enough)
        end_frozen(life.keeper, life.records, book, sessions, until=enough)
    # Totals that are not held let more run than was agreed: the function's alarm tells people.
    except (ClientError, BotoCoreError, StarburstError, ValueError) as error:
        _LOG.exception("the book of totals could not be seen to")
        found.troubles.append(f"the book of totals could not be seen to: {error}")


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


def _belongs(life: Lifecycle, session: str, cluster: str) -> bool:
    """Whether a session's workers run in this cluster; one that cannot be read keeps them."""
    settings = life.environment.settings
    if not settings.apart:
        return True
    try:
        stored = life.records.active(session)
    except RecordDamaged:
        return True
    return stored is None or settings.cluster_of(stored.record.workspace) == cluster


def _delete_orphans(
    life: Lifecycle, queues: dict[str, str], sessions: set[str], found: _Found
) -> int:
    removed = 0
    for session, url in queues.items():
        if not _known(life, session, sessions):
            _LOG.warning("deleting the queue of unknown or ended session %s", session)
            try:
                queue.delete(life.environment, url)
            except TROUBLE as error:
                found.stuck(f"the queue of {session}", error)
                continue
            removed += 1
    return removed

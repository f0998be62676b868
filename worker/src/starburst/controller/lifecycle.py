"""One session, looked at and acted upon: heal it, let it wait, or bring it to its end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from starburst.aws.calls import TROUBLE, words_of
from starburst.controller.state.documents import Conflict
from starburst.controller.state.environment import Environment
from starburst.controller.state.sessions import Record, Records, Stored, concluded
from starburst.controller.totals.keeping import Bookkeeper
from starburst.controller.workers.fleet import Worker
from starburst.errors import ImageRefused

from . import status
from .endpoints import Endpoints, Passage
from .images import judge_image
from .launches import take_launch
from .limits import affordable_workers
from .plan import Look, Plan, decide
from .wakes import wake
from .workers import cost, fleet, launching, queue
from .workers.launching import Launched
from .workers.observing import observe, remembered

__all__ = ["Lifecycle"]

_LOG: Final = logging.getLogger(__name__)
_LOOKS: Final = 4
_SHOW_SECONDS: Final = 2
_REFUSED_SECONDS: Final = 60
_LEAVING_SECONDS: Final = 5
"""A status that S3 refuses for so long is one that was erased, and no policy on its way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifecycle:
    """What every door of the controller does to a session in the end.

    Attributes:
        environment: in which it acts.
        records: of its sessions.
        endpoints: that every launch needs.
        keeper: of the book of totals, in which every session is counted.
    """

    environment: Environment
    records: Records
    endpoints: Endpoints
    keeper: Bookkeeper

    def for_one_sweep(self) -> Lifecycle:
        """Return one that looks only once whether the endpoints are open."""
        return replace(self, endpoints=Endpoints(self.environment, remembers=True))

    def tend(
        self, session: str, *, until: float, extra: Sequence[Worker] = (), fresh: float = 0
    ) -> Record | None:
        """Look at a session and do what is to be done; return its record as it was then saved.

        Args:
            session: its id; nothing happens where it has no record.
            until: no lengthy step is begun later.
            extra: workers of it that its record may not know.
            fresh: a look at most so many seconds old is good enough.
        """
        for _ in range(_LOOKS):
            stored = self.records.active(session)
            if stored is None:
                return None
            record = self._unless_removed(stored.record)
            if record.waits_until and not record.final:
                waiting = self._take_turn(stored, until=until)
                if waiting is not None:
                    return waiting
                continue
            if fresh and not record.final and self.environment.clock() - record.looked < fresh:
                return record
            # The record is read before the look: a save proves that nothing was launched between.
            look = self._look(record, until=until, extra=extra)
            plan = self._plan(record, look, until=until)
            try:
                saved = self.records.save(stored, plan.record)
            except Conflict:
                continue
            self._act(saved.record, plan, look, until=until)
            return saved.record
        return None

    def _unless_removed(self, record: Record) -> Record:
        """End a session whose workspace is no longer there: nothing could be done for it."""
        if self._has_workspace(record) or record.final:
            return record
        reason = (
            f"workspace {record.workspace} was removed from this environment while the session ran"
        )
        _LOG.warning("session %s is ended: %s", record.session, reason)
        return concluded(record, state="failed", reason=reason)

    def _has_workspace(self, record: Record) -> bool:
        return self.environment.workspace(record.workspace) is not None

    def _take_turn(self, stored: Stored, *, until: float) -> Record | None:
        """Look whether a session has room by now; return its record where it goes on waiting."""
        turned = self._unless_refused(self.keeper.take_turn(stored.record, until=until))
        try:
            self.records.save(stored, turned)
        except Conflict:
            return None
        if turned.final or not turned.waits_until:
            return None
        self.show(turned)
        return turned

    def _unless_refused(self, record: Record) -> Record:
        """End a session whose image was refused while it waited for room."""
        if record.final or record.waits_until:
            return record
        family, workspace = record.task_definition, record.workspace
        try:
            judge_image(self.environment, family, workspace=workspace)
        except ImageRefused as error:
            return concluded(record, state="failed", reason=str(error))
        return record

    def _carry_out(self, record: Record, look: Look, *, until: float) -> Record | None:
        """Launch what the record intends, write down how far it came, return the new record.

        None where it was filed away meanwhile: what was started then is an orphan, and the sweep
        stops those.
        """
        intent = record.launch
        if intent is None:
            return record
        passage = self.endpoints.passage(record.session, started=record.started, until=until)
        if not passage.open:
            return self._hold(record, passage)
        seen, alone, moved = look.workers, not look.staying, False
        clock = self.environment.clock

        def take(outcome: Launched, *, claim: float) -> Record | None:
            nonlocal alone, moved, record
            change = partial(
                take_launch,
                outcome=outcome,
                wave=intent.wave,
                now=clock(),
                alone=alone,
                until=claim,
            )
            saved = self.records.update(record.session, lambda r: replace(change(r), held=""))
            alone, moved = alone and not outcome.workers, moved or outcome.workers > 0
            record = record if saved is None else saved.record
            return None if saved is None else record

        def tell(outcome: Launched) -> bool:
            saved = take(outcome, claim=until)
            if saved is None or saved.launch is None or saved.launch.wave != intent.wave:
                return False
            known = {worker.id for worker in seen}
            new = [one for one in remembered(saved, now=clock()) if one.id not in known]
            self._tell(saved, replace(look, workers=[*seen, *new]))
            return True

        outcome = launching.launch(self.environment, record, seen=seen, until=until, tell=tell)
        if take(outcome, claim=0) is None:
            return None
        if outcome.going and moved and record.launch is not None:
            wake(self.environment, record.session)
        return record

    def _hold(self, record: Record, passage: Passage) -> Record:
        """Keep the launch for later, or fail a session that waits for nothing."""

        def held(newest: Record) -> Record:
            if passage.failure:
                return concluded(newest, state="failed", reason=passage.failure)
            if newest.launch is None:
                return newest
            # The next invocation may go on with it.
            later = replace(newest.launch, until=0)
            return replace(newest, launch=later, held=passage.waits, held_since=passage.since)

        saved = self.records.update(record.session, held)
        return saved.record if saved is not None else record

    def _stop(
        self, record: Record, workers: Sequence[Worker], *, why: str, until: float
    ) -> list[Worker]:
        cluster = self.environment.settings.cluster_of(record.workspace)
        return fleet.stop(self.environment, workers, cluster=cluster, reason=why, until=until)

    def _finish(self, record: Record, look: Look, *, until: float) -> None:
        """Remove what a final session still uses; file it away once no worker is left."""
        try:
            self.delete_queue(record)
        except TROUBLE:
            # Its workers would go on with what is in it.
            self._stop(record, look.staying, why=_reason(record), until=until)
            raise
        staying = look.staying
        left = self._stop(record, staying, why=_reason(record), until=until)
        if left and len(left) < len(staying):
            wake(self.environment, record.session)
        elif staying and not left:
            look = Look(workers=observe(self.environment, record, until=until), depth=None)
            counted = self.records.update(record.session, lambda r: self._settled(r, look))
            if counted is None:  # another has counted them, told of the end and filed it away
                return
            record = counted.record
        told = status.conclude(self.environment, record, look)
        if not look.live and (told or self._is_untold(record)):
            self.records.file_away(record)
            self.keeper.release(record, until=until)
        elif staying and not left:
            # Idle ones leave at once, and what they held is others' then, long before a sweep.
            wake(self.environment, record.session, after=_LEAVING_SECONDS)

    def _is_untold(self, record: Record) -> bool:
        """Whether two looks, a minute apart, were refused the status: then it was erased."""
        now = self.environment.clock()
        since = record.status_missed
        if since is None:
            self.records.update(record.session, lambda r: replace(r, status_missed=now))
        return since is not None and now - since >= _REFUSED_SECONDS

    def delete_queue(self, record: Record) -> None:
        """Delete a session's queue, also one that a start made which died half-way."""
        url = record.queue_url or queue.find(self.environment, record.keys)
        if url:
            queue.delete(self.environment, url)

    def show(self, record: Record) -> None:
        """Write the status of a session; what fails here changes nothing that was done."""
        now = self.environment.clock()
        if record.waits_until and not record.final:
            self._tell(record, Look(workers=(), depth=None))
            return
        try:
            look = self._look(record, until=now + _SHOW_SECONDS)
        except TROUBLE as error:
            _LOG.warning("session %s is shown as it was known: %s", record.session, words_of(error))
            look = Look(workers=remembered(record, now=now), depth=None)
        self._tell(record, look)

    def _tell(self, record: Record, look: Look) -> None:
        try:
            if record.final:
                status.conclude(self.environment, record, look)
            else:
                status.publish(self.environment, self.records, record, look)
        except TROUBLE as error:
            _LOG.warning("the status of session %s is late: %s", record.session, words_of(error))

    def _look(self, record: Record, *, until: float, extra: Sequence[Worker] = ()) -> Look:
        workers = observe(self.environment, record, until=until, extra=extra)
        # The controller's right to look into queues goes with their workspace.
        seen = record.queue_url and self._has_workspace(record)
        depth = queue.depth(self.environment, record.queue_url) if seen else None
        return Look(workers=workers, depth=depth)

    def _plan(self, record: Record, look: Look, *, until: float) -> Plan:
        document = self.environment.document()
        workspace = document.workspaces.get(record.workspace)
        allowed = 0
        if workspace is not None:
            allowed = affordable_workers(
                workspace.limits,
                document,
                cpu=record.cpu,
                memory_gb=record.memory_gb,
                scratch_gb=record.scratch_gb,
                prices=self.environment.prices(),
                architecture=record.architecture,
            )
        settled = self._settled(record, look)
        now = self.environment.clock()
        _, usd = cost.so_far(
            settled,
            look.workers,
            now=now,
            prices=self.environment.prices(),
            document=document,
        )
        return decide(
            record,
            settled,
            look,
            now=now,
            until=until,
            allowed=allowed,
            days=self.environment.settings.session_days,
            usd=usd,
            timings=self.environment.timings,
        )

    def _settled(self, record: Record, look: Look) -> Record:
        return cost.settle(
            record,
            look.workers,
            now=self.environment.clock(),
            prices=self.environment.prices(),
            document=self.environment.document(),
        )

    def _ask_to_send_again(self, record: Record, look: Look) -> None:
        """Ask a worker to look; a request that was not sent is none of the few that there are."""
        live = frozenset(worker.id for worker in look.staying)
        try:
            queue.ask_to_send_again(self.environment, record.queue_url, live=live)
        except TROUBLE:
            self.records.update(
                record.session, lambda r: replace(r, requeues=max(0, r.requeues - 1))
            )
            raise

    def _act(self, record: Record, plan: Plan, look: Look, *, until: float) -> None:
        if record.final:
            self._finish(record, look, until=until)
            return
        if plan.surplus:
            self._stop(record, plan.surplus, why=f"starburst: {plan.why}", until=until)
        if plan.requeue:
            self._ask_to_send_again(record, look)
        if plan.launch:
            launched = self._carry_out(record, look, until=until)
            if launched is None:  # its end was told, and its objects may be erased by now
                return
            record = launched
            look = self._look(record, until=until)
            if record.final:
                self._finish(record, look, until=until)
                return
        status.publish(self.environment, self.records, record, look)


def _reason(record: Record) -> str:
    return f"starburst: {record.reason}"

"""One session, looked at and acted upon: heal it, let it wait, or bring it to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from starburst.controller.state.documents import Conflict
from starburst.controller.state.environment import Environment
from starburst.controller.state.sessions import Record, Records, concluded
from starburst.controller.workers.fleet import Worker

from . import status
from .endpoints import Endpoints, Passage
from .limits import affordable_workers
from .plan import Look, Plan, decide, take_launch
from .workers import cost, fleet, launching, queue

__all__ = ["Lifecycle"]

_LOOKS: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifecycle:
    """What every door of the controller does to a session in the end.

    Attributes:
        environment: in which it acts.
        records: of its sessions.
        endpoints: that every launch needs.
    """

    environment: Environment
    records: Records
    endpoints: Endpoints

    def for_one_sweep(self) -> Lifecycle:
        """Return one that looks only once whether the endpoints are open."""
        return replace(self, endpoints=Endpoints(self.environment, remembers=True))

    def tend(
        self,
        session: str,
        *,
        until: float,
        workers: Sequence[Worker] | None = None,
        listed: float = 0,
        fresh: float = 0,
    ) -> None:
        """Look at a session and do what is to be done.

        Args:
            session: its id; nothing happens where it has no record.
            until: no lengthy step is begun later.
            workers: its workers, where the caller has listed them.
            listed: when it did; a record that changed later calls for another look.
            fresh: a look at most so many seconds old is good enough.
        """
        for _ in range(_LOOKS):
            stored = self.records.active(session)
            if stored is None:
                return
            record = stored.record
            if fresh and not record.final and self.environment.clock() - record.looked < fresh:
                return
            # The record is read before the look: a save proves that nothing was launched between.
            if max(record.looked, record.started) >= listed:
                workers = None
            look = self._look(record, workers)
            plan = self._plan(record, look, until=until)
            try:
                saved = self.records.save(stored, plan.record)
            except Conflict:
                workers = None
                continue
            self._act(saved.record, plan, look, until=until)
            return

    def carry_out(self, record: Record, seen: Sequence[Worker], *, until: float) -> Record:
        """Launch what the record intends, write down what became of it, return the new record."""
        intent = record.launch
        if intent is None:
            return record
        passage = self.endpoints.passage(record.session, started=record.started, until=until)
        if not passage.open:
            return self._hold(record, passage)
        outcome = launching.launch(self.environment, record, seen=seen, until=until)
        now = self.environment.clock()
        alone = not any(worker.staying for worker in seen)
        saved = self.records.update(
            record.session,
            lambda r: replace(
                take_launch(r, outcome, wave=intent.wave, now=now, alone=alone), held=""
            ),
        )
        # Filed away meanwhile: what was started now is an orphan, and the sweep stops those.
        return saved.record if saved is not None else record

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

    def finish(self, record: Record, look: Look, *, until: float) -> None:
        """Remove what a final session still uses; file it away once no worker is left."""
        # A start that died half-way may have made a queue that its record does not know.
        url = record.queue_url or queue.find(self.environment, record.keys)
        if url:
            queue.delete(self.environment, url)
        if look.live:
            fleet.stop(
                self.environment, look.staying, reason=f"starburst: {record.reason}", until=until
            )
            look = Look(workers=fleet.observe(self.environment, record), depth=None)
            counted = self.records.update(record.session, lambda r: self._settled(r, look))
            record = counted.record if counted is not None else record
        status.conclude(self.environment, record, look)
        if not look.live:
            self.records.file_away(record)

    def show(self, record: Record) -> None:
        """Write the status of a session as it is now."""
        status.publish(self.environment, self.records, record, self._look(record, None))

    def _look(self, record: Record, workers: Sequence[Worker] | None) -> Look:
        if workers is None:
            workers = fleet.observe(self.environment, record)
        depth = queue.depth(self.environment, record.queue_url) if record.queue_url else None
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

    def _act(self, record: Record, plan: Plan, look: Look, *, until: float) -> None:
        if record.final:
            self.finish(record, look, until=until)
            return
        if plan.surplus:
            fleet.stop(self.environment, plan.surplus, reason=f"starburst: {plan.why}", until=until)
        if plan.requeue:
            live = frozenset(worker.id for worker in look.staying)
            queue.ask_to_send_again(self.environment, record.queue_url, live=live)
        if plan.launch:
            record = self.carry_out(record, look.workers, until=until)
            look = self._look(record, None)
            if record.final:
                self.finish(record, look, until=until)
                return
        status.publish(self.environment, self.records, record, look)

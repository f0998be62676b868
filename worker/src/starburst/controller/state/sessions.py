"""The controller's records: one JSON object a session, changed by compare-and-set only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final, Literal

from starburst._protocol.status import SessionState
from starburst.contract import (
    CONTROL_PREFIX,
    PRINCIPAL_NAME,
    PROTOCOL,
    SESSION_ID,
    SessionKeys,
    speaks_protocol,
)
from starburst.errors import SessionEnded, SessionError
from starburst.pricing.prices import Capacity
from starburst.untrusted.strict_json import (
    Amount,
    Moment,
    Size,
    Whole,
    fill,
    known_fields,
    read_object,
)

from .documents import Conflict, Documents
from .environment import Environment

__all__ = ["Launch", "Record", "RecordDamaged", "Records", "Stored", "concluded"]

_MAX_BYTES: Final = 16_777_216
_BATCH: Final = re.compile(r"[0-9]{1,6}(r[0-9]{1,6})?d?")


class RecordDamaged(SessionError):
    """What stands in a session's record is none; people must look."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """An intent to start workers, written down before ECS is asked.

    Attributes:
        wave: its number within the session; part of each call's idempotency token.
        batches: workers of each call that is still to be made, by the call's number.
        until: the invocation that wrote it may still be at work until then, seconds since the
            epoch; no other continues it before.
    """

    wave: Whole
    batches: Mapping[str, Whole]
    until: Moment

    @property
    def workers(self) -> int:
        """How many workers are still to be asked for."""
        return sum(self.batches.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What the controller knows of one session.

    Moments are seconds since the epoch, by the controller's clock.

    Attributes:
        workspace, user, session: whose it is.
        workers, cpu, memory_gb, scratch_gb, capacity, idle_seconds: as accepted at its start.
        task_definition: that its workers run.
        architecture: of its workers; empty for the environment's own.
        hosted: whether they run on the workspace's EC2 instances.
        started, deadline: moments of its start, and of its end at the latest.
        max_usd: what it may cost in all, US dollars, or None.
        state, reason: ``ended`` and ``failed`` are final: no more launches.
        queue_url: empty until the queue exists.
        queue_missed: since when SQS has not shown it, or None.
        status_missed: since when S3 has refused the status that is to tell of its end, or None.
        waves: how many launches were ever begun.
        launch: the one that is not finished.
        launched: workers that ECS accepted.
        known: ids of workers that are not known to have stopped, and since when they are known.
        listed: since when it has known its workers' ids; 0 in the record of an earlier release.
        denied_since: since when ECS has refused launches for want of a permission, or None.
        lost: workers that stopped with an error or were taken away.
        faults: those of them that failed by themselves; bounds their replacement.
        killed: those of them that were killed, likely by the tasks they ran; bounds it too.
        unstarted: workers that stopped before they ran, other than for want of capacity.
        ran: whether any worker ever ran.
        setbacks: looks in a row that found workers lost; paces their replacement.
        not_before: no replacement is launched earlier.
        trouble: the latest reason that ECS gave for a refused launch or a lost worker.
        waiting_since: when AWS began to lack room for more workers, or None.
        shortage, shortage_said: what it lacked last, and its own words.
        shortages: refusals for want of room in a row; paces the next request.
        lacked: workers that ECS accepted and then had no room for.
        spot_lacked_at: when Spot last lacked, or None.
        idle_since: when the queue was first seen empty with no worker left, or None.
        held, held_since: what its launch waits for other than ECS, and since when.
        waits_until: it waits for room in the totals, for no longer; 0 once it has that. Until then
            it has no workers, and its start and deadline are not what they will be.
        asked: when its client last asked for it while it waited.
        place: its place among those that wait, counted from 1.
        error: the class in ``starburst.errors`` that tells why it failed; empty for any other.
        settled: ids of stopped workers that were counted, and the moments when they stopped.
        seconds, usd: billed run time of those, and its cost in US dollars.
        looked: when the fleet was last looked at.
        booting: when a worker was last seen that was not running yet.
        seen_backlog, seen_in_flight: messages that the queue held at the last look.
        still_since: since when those numbers have been the same, or it was asked to send again.
        requeues, requeued: how often in a row that was asked, and when last.
    """

    workspace: str
    user: str
    session: str
    workers: Whole
    cpu: Size
    memory_gb: Size
    scratch_gb: Whole
    capacity: Capacity
    idle_seconds: Whole
    task_definition: str
    started: Moment
    deadline: Moment
    max_usd: Amount | None = None
    architecture: str = ""
    hosted: bool = False
    state: SessionState = "starting"
    reason: str = ""
    queue_url: str = ""
    queue_missed: Moment | None = None
    status_missed: Moment | None = None
    waves: Whole = 0
    launch: Launch | None = None
    launched: Whole = 0
    known: Mapping[str, Moment] = field(default_factory=dict)
    listed: Moment = 0
    denied_since: Moment | None = None
    lost: Whole = 0
    faults: Whole = 0
    killed: Whole = 0
    unstarted: Whole = 0
    ran: bool = False
    setbacks: Whole = 0
    not_before: Moment = 0
    trouble: str = ""
    waiting_since: Moment | None = None
    shortage: str = ""
    shortage_said: str = ""
    shortages: Whole = 0
    lacked: Whole = 0
    spot_lacked_at: Moment | None = None
    idle_since: Moment | None = None
    held: str = ""
    held_since: Moment = 0
    waits_until: Moment = 0
    asked: Moment = 0
    place: Whole = 0
    error: str = ""
    settled: Mapping[str, Moment] = field(default_factory=dict)
    seconds: Amount = 0
    usd: Amount = 0
    looked: Moment = 0
    booting: Moment = 0
    seen_backlog: Whole | None = None
    seen_in_flight: Whole | None = None
    still_since: Moment = 0
    requeues: Whole = 0
    requeued: Moment = 0

    @property
    def keys(self) -> SessionKeys:
        """Where the session's objects are."""
        return SessionKeys(workspace=self.workspace, user=self.user, session=self.session)

    @property
    def final(self) -> bool:
        """Whether the session takes no more work."""
        return self.state in ("ended", "failed")

    def to_json(self) -> bytes:
        """Return the record as JSON."""
        return json.dumps({"protocol": PROTOCOL, **asdict(self)}, sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Record:
        """Read a record; raise ValueError where it is another protocol's or malformed."""
        try:
            fields = read_object(text, most=_MAX_BYTES)
            if not speaks_protocol(fields.pop("protocol", None)):
                raise ValueError("another protocol version")
            launch = fields.get("launch")
            if type(launch) is dict:
                fields["launch"] = fill(Launch, launch)
                if not all(map(_BATCH.fullmatch, launch.get("batches", ()))):
                    raise ValueError("its launch has batches that nobody made")
            record = fill(cls, known_fields(cls, fields))
            names = (record.workspace, record.user)
            if not (
                all(map(PRINCIPAL_NAME.fullmatch, names)) and SESSION_ID.fullmatch(record.session)
            ):
                raise ValueError("it names no session")
        except ValueError as error:
            raise ValueError(f"record is malformed: {error}") from error
        return record


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A record as it was read, with the ETag that a change must match."""

    record: Record
    etag: str


class Records:
    """The records of one environment.

    Args:
        environment: whose they are.
    """

    def __init__(self, environment: Environment) -> None:
        self._s3 = environment.clients.s3
        self._bucket = environment.settings.bucket
        self._documents = Documents(environment)

    def create(self, record: Record) -> Stored | None:
        """Write a new record; None where the session has one already.

        Raises:
            SessionEnded: the session existed and has ended.
            Conflict: others were in its way every time.
        """
        key = record.keys.control_record

        def once() -> str | None:
            try:
                return self._documents.write(key, record.to_json())
            except Conflict:
                # S3 refuses a write that meets another one, and may then hold neither.
                if self.active(record.session) is None:
                    raise
                return None

        etag = self._documents.insist(once, on=f"the record of session {record.session}")
        if etag is None:
            return None
        # Written before an active record is removed, so that this look cannot miss it.
        if self.ended(record.session) is not None:
            self._documents.delete(key)
            raise SessionEnded(f"session {record.session} has ended; start a new one")
        return Stored(record=record, etag=etag)

    def active(self, session: str) -> Stored | None:
        """Return the record of a session that has not been filed away, or None."""
        return self._read(f"{CONTROL_PREFIX}active/{session}.json")

    def ended(self, session: str) -> Stored | None:
        """Return the record of a session that has been filed away, or None."""
        return self._read(f"{CONTROL_PREFIX}ended/{session}.json")

    def save(self, stored: Stored, record: Record) -> Stored:
        """Replace exactly what was read; raise Conflict where another was quicker."""
        if record == stored.record:
            return stored
        key = record.keys.control_record
        etag = self._documents.write(key, record.to_json(), replaces=stored.etag)
        return Stored(record=record, etag=etag)

    def update(self, session: str, change: Callable[[Record], Record]) -> Stored | None:
        """Apply ``change`` to the newest record until it is written; None where there is none.

        Raises:
            Conflict: others were quicker every time.
        """

        def once() -> Stored | None:
            stored = self.active(session)
            return None if stored is None else self.save(stored, change(stored.record))

        return self._documents.insist(once, on=f"the record of session {session}")

    def file_away(self, record: Record) -> None:
        """Move a final record to the ended ones. Repeating it does no harm."""
        self._documents.overwrite(record.keys.ended_record, record.to_json())
        self._documents.delete(record.keys.control_record)

    def sessions(self) -> Iterator[str]:
        """Yield the ids of the sessions that have not been filed away."""
        return (session for session, _ in self.listed("active"))

    def listed(
        self, folder: Literal["active", "ended"], *, after: str = ""
    ) -> Iterator[tuple[str, float]]:
        """Yield the ids of sessions and when the record of each was written last.

        Args:
            folder: those that have not been filed away, or those that have.
            after: an id; only those that follow it in the alphabet.
        """
        prefix = f"{CONTROL_PREFIX}{folder}/"
        more = {"StartAfter": f"{prefix}{after}.json"} if after else {}
        while True:
            page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **more)  # type: ignore[arg-type]
            for entry in page.get("Contents", ()):
                session = entry.get("Key", "").removeprefix(prefix).removesuffix(".json")
                if SESSION_ID.fullmatch(session):
                    written = entry.get("LastModified")
                    yield session, written.timestamp() if written else 0.0
            following = page.get("NextContinuationToken")
            if not following:
                return
            more = {"ContinuationToken": following}

    def _read(self, key: str) -> Stored | None:
        found = self._documents.read(key)
        if found is None:
            return None
        session = key.rpartition("/")[2].removesuffix(".json")
        try:
            record = Record.from_json(found.body)
            if record.session != session:
                raise ValueError(f"it is of session {record.session}")
        except ValueError as error:
            raise RecordDamaged(
                f"the controller's record of session {session} cannot be read: {error}. "
                "Its platform team must look at it"
            ) from error
        return Stored(record=record, etag=found.etag)


def concluded(record: Record, *, state: SessionState, reason: str) -> Record:
    """Return the record in a final state; one that is final already keeps its own."""
    if record.final:
        return record
    return replace(record, state=state, reason=reason, launch=None)

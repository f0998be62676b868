"""The controller's records: one JSON object a session, changed by compare-and-set only.

ECS events, sweeps and requests may run at once for one session. Every change is a conditional
write on the record's ETag, so exactly one of them wins and the others look again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from botocore.exceptions import ClientError

from starburst.aws import code_of
from starburst.contract import CONTROL_PREFIX, PROTOCOL, SESSION_ID, SessionKeys
from starburst.errors import SessionEnded, StarburstError
from starburst.manifest import Capacity
from starburst.status import SessionState

from .site import Site

__all__ = ["Conflict", "Launch", "Record", "Records", "Stored", "concluded"]

_ATTEMPTS: Final = 8
_LOST_RACES: Final = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_ABSENT: Final = {"NoSuchKey", "404"}


class Conflict(StarburstError):
    """Another invocation changed the record first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """An intent to start workers, written down before ECS is asked.

    Attributes:
        wave: its number within the session; part of each call's idempotency token.
        batches: workers of each call that is still to be made, by the call's number.
        until: whoever wrote it may still be at work until then; nobody else continues it.
    """

    wave: int
    batches: Mapping[str, int]
    until: float

    @property
    def workers(self) -> int:
        """How many workers are still to be asked for."""
        return sum(self.batches.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What the controller knows of one session.

    Attributes:
        workspace, user, session: whose it is.
        workers, cpu, memory_gb, scratch_gb, capacity, idle_seconds: as accepted at its start.
        task_definition: that its workers run.
        architecture: of its workers; empty for the environment's own.
        hosted: whether they run on the workspace's EC2 instances.
        started, deadline: by the controller's clock.
        max_usd: what it may cost in all, or None.
        state, reason: ``ended`` and ``failed`` are final: no more launches.
        queue_url: empty until the queue exists.
        waves: how many launches were ever begun.
        launch: the one that is not finished.
        launched: workers that ECS accepted.
        lost: workers that stopped with an error or were taken away.
        faults: those of them that Fargate did not take away; bounds their replacement.
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
        settled: stopped workers that were counted, and when they stopped.
        seconds, usd: billed run time and cost of those.
        looked: when the fleet was last looked at.
    """

    workspace: str
    user: str
    session: str
    workers: int
    cpu: float
    memory_gb: float
    scratch_gb: int
    capacity: Capacity
    idle_seconds: int
    task_definition: str
    started: float
    deadline: float
    max_usd: float | None = None
    architecture: str = ""
    hosted: bool = False
    state: SessionState = "starting"
    reason: str = ""
    queue_url: str = ""
    waves: int = 0
    launch: Launch | None = None
    launched: int = 0
    lost: int = 0
    faults: int = 0
    unstarted: int = 0
    ran: bool = False
    setbacks: int = 0
    not_before: float = 0
    trouble: str = ""
    waiting_since: float | None = None
    shortage: str = ""
    shortage_said: str = ""
    shortages: int = 0
    lacked: int = 0
    spot_lacked_at: float | None = None
    idle_since: float | None = None
    held: str = ""
    held_since: float = 0
    settled: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0
    usd: float = 0
    looked: float = 0

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
            fields: dict[str, Any] = json.loads(text)
            if fields.pop("protocol", None) != PROTOCOL:
                raise ValueError("record has another protocol version")
            launch = fields.pop("launch", None)
            return cls(**fields, launch=Launch(**launch) if launch else None)
        except (AttributeError, TypeError) as error:
            raise ValueError(f"record is malformed: {error}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A record as it was read, with the ETag that a change must match."""

    record: Record
    etag: str


class Records:
    """The records of one environment.

    Args:
        site: where they are.
    """

    def __init__(self, site: Site) -> None:
        self._s3 = site.clients.s3
        self._bucket = site.settings.bucket
        self._pause = site.pause

    def create(self, record: Record) -> Stored | None:
        """Write a new record; None where the session has one already.

        Raises:
            SessionEnded: the session existed and has ended.
        """
        try:
            stored = self._put(record.keys.control_record, record, IfNoneMatch="*")
        except Conflict:
            return None
        # Written before an active record is removed, so that this look cannot miss it.
        if self.ended(record.session) is not None:
            self._delete(record.keys.control_record)
            raise SessionEnded(f"session {record.session} has ended; start a new one")
        return stored

    def active(self, session: str) -> Stored | None:
        """Return the record of a session that has not been filed away, or None."""
        return self._get(f"{CONTROL_PREFIX}active/{session}.json")

    def ended(self, session: str) -> Stored | None:
        """Return the record of a session that has been filed away, or None."""
        return self._get(f"{CONTROL_PREFIX}ended/{session}.json")

    def save(self, stored: Stored, record: Record) -> Stored:
        """Replace exactly what was read; raise Conflict where another was quicker."""
        if record == stored.record:
            return stored
        return self._put(record.keys.control_record, record, IfMatch=stored.etag)

    def update(self, session: str, change: Callable[[Record], Record]) -> Stored | None:
        """Apply ``change`` to the newest record until it is written; None where there is none.

        Raises:
            Conflict: others were quicker every time.
        """
        for attempt in range(_ATTEMPTS):
            stored = self.active(session)
            if stored is None:
                return None
            try:
                return self.save(stored, change(stored.record))
            except Conflict:
                self._pause(0.02 * 2**attempt)
        raise Conflict(f"the record of session {session} changed {_ATTEMPTS} times meanwhile")

    def file_away(self, record: Record) -> None:
        """Move a final record to the ended ones. Repeating it does no harm."""
        self._put(record.keys.ended_record, record)
        self._delete(record.keys.control_record)

    def sessions(self) -> Iterator[str]:
        """Yield the ids of the sessions that have not been filed away."""
        prefix = f"{CONTROL_PREFIX}active/"
        token: dict[str, str] = {}
        while True:
            page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **token)  # type: ignore[arg-type]
            for entry in page.get("Contents", ()):
                session = entry.get("Key", "").removeprefix(prefix).removesuffix(".json")
                if SESSION_ID.fullmatch(session):
                    yield session
            following = page.get("NextContinuationToken")
            if not following:
                return
            token = {"ContinuationToken": following}

    def _get(self, key: str) -> Stored | None:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if code_of(error) in _ABSENT or not self._listed(key):
                return None
            raise
        return Stored(record=Record.from_json(answer["Body"].read()), etag=answer["ETag"])

    def _listed(self, key: str) -> bool:
        # A role that may list only this prefix gets 403, not 404, for a key that is not there.
        page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        return page["KeyCount"] > 0

    def _put(self, key: str, record: Record, **condition: str) -> Stored:
        try:
            answer = self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=record.to_json(),
                ContentType="application/json",
                **condition,  # type: ignore[arg-type]
            )
        except ClientError as error:
            if code_of(error) in _LOST_RACES | (_ABSENT if "IfMatch" in condition else set()):
                raise Conflict(f"{key} was changed by another invocation") from error
            raise
        return Stored(record=record, etag=answer["ETag"])

    def _delete(self, key: str) -> None:
        self._s3.delete_object(Bucket=self._bucket, Key=key)


def concluded(record: Record, *, state: SessionState, reason: str) -> Record:
    """Return the record in a final state; one that is final already keeps its own."""
    if record.final:
        return record
    return replace(record, state=state, reason=reason, launch=None)

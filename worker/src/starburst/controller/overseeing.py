"""What officers see of all sessions of all users, and that they stop one; no data (A2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from botocore.exceptions import ClientError

from starburst._protocol.status import StatusDocument
from starburst.aws.calls import DENIED, MISSING, code_of
from starburst.contract import SESSION_ID
from starburst.controller.state.sessions import Record, RecordDamaged, concluded
from starburst.controller.totals.officers import told_words
from starburst.errors import ConfigurationError, SessionNotFound

from .lifecycle import Lifecycle
from .wakes import wake

__all__ = ["OVERSEEING", "Overseer"]

OVERSEEING: Final = ("sessions", "stop")
"""What is asked for here; the other requests of officers are about totals."""

_MOST: Final = 200
"""Records of one answer: it is far below what Lambda returns, and is there in time."""

Answer = dict[str, Any]
Folder = Literal["active", "ended"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Overseer:
    """The requests of officers about single sessions.

    Attributes:
        life: what acts on sessions.
    """

    life: Lifecycle

    def perform(self, payload: Mapping[str, Any], *, until: float) -> Answer:
        """Do what an officer asks and return the answer; raise a typed error to refuse."""
        if payload.get("action") == "stop":
            return self._stop(payload)
        folder, after, since = (
            payload.get("folder", "active"),
            payload.get("after", ""),
            payload.get("since", 0),
        )
        if folder not in ("active", "ended"):
            raise ConfigurationError(f"folder is {folder!r:.80}; it must be active or ended")
        if type(since) not in (int, float):
            raise ConfigurationError(f"since is {since!r:.80}; it must be seconds since 1970")
        after = _session(after) if after else ""
        return self._sessions(folder, after=after, since=since, until=until)

    def _sessions(self, folder: Folder, *, after: str, since: float, until: float) -> Answer:
        """Tell of so many sessions, and after which one to go on."""
        clock = self.life.environment.clock
        told: list[Answer] = []
        unread: list[Answer] = []
        following = last = ""
        for session, written in self.life.records.listed(folder, after=after):
            full = len(told) + len(unread) == _MOST
            if last and (full or clock() >= until):
                following = last
                break
            last = session
            if folder == "ended" and written < since:
                continue
            try:
                found = self._read(folder, session, written=written)
            except RecordDamaged as error:
                unread.append({"session": session, "why": str(error)})
                continue
            if found is not None:
                told.append(found)
        return {"ok": True, "at": clock(), "sessions": told, "unread": unread, "next": following}

    def _read(self, folder: Folder, session: str, *, written: float) -> Answer | None:
        records = self.life.records
        stored = records.active(session) if folder == "active" else records.ended(session)
        if stored is None:  # it was filed away meanwhile, and is among those that ended
            return None
        if folder == "ended":
            return _told(stored.record, ended=written)
        return _told(stored.record, status=self._status(stored.record))

    def _status(self, record: Record) -> StatusDocument | None:
        """Return what was told last, which counts workers that still run; None where it is gone."""
        environment = self.life.environment
        try:
            answer = environment.clients.s3.get_object(
                Bucket=environment.settings.bucket, Key=record.keys.status
            )
            return StatusDocument.from_json(answer["Body"].read())
        except ClientError as error:
            if code_of(error) in MISSING | DENIED:
                return None
            raise
        except ValueError:
            return None

    def _stop(self, payload: Mapping[str, Any]) -> Answer:
        """End a session of anybody's; who is woken stops its workers. Repeating it does no harm."""
        session = _session(payload.get("session"))
        why, by = told_words(payload)
        reason = f"stopped by {by}: {why}"
        saved = self.life.records.update(
            session, lambda record: concluded(record, state="ended", reason=reason)
        )
        if saved is None:
            ended = self.life.records.ended(session)
            if ended is None:
                raise SessionNotFound(f"this environment has no session {session}")
            return {"ok": True, "session": _told(ended.record)}
        self.life.delete_queue(saved.record)
        self.life.show(saved.record)
        wake(self.life.environment, session)
        return {"ok": True, "session": _told(saved.record, status=self._status(saved.record))}


def _told(
    record: Record, *, status: StatusDocument | None = None, ended: float | None = None
) -> Answer:
    """Return whose a session is, how large, how it stands and what it cost: nothing that is in it.

    Args:
        record: of the session.
        status: what was told of it last.
        ended: when it was filed away.
    """
    seconds, usd, running = record.seconds, record.usd, 0
    state, reason = record.state, record.reason
    if status is not None:
        # The record counts workers that have stopped, the status also those that run.
        seconds, usd = max(seconds, status.worker_seconds), max(usd, status.usd)
        running = status.workers_running
        if not record.final:
            state, reason = status.state, status.reason
    return {
        "session": record.session,
        "workspace": record.workspace,
        "user": record.user,
        "state": state,
        "reason": reason,
        "workers": record.workers,
        "running": running,
        "launched": record.launched,
        "lost": record.lost,
        "cpu": record.cpu,
        "memory_gb": record.memory_gb,
        "capacity": record.capacity,
        "started": record.started,
        "deadline": record.deadline,
        "waiting": bool(record.waits_until) and not record.final,
        "ended": ended,
        "worker_seconds": round(seconds, 3),
        "usd": round(usd, 6),
    }


def _session(name: object) -> str:
    if type(name) is not str or not SESSION_ID.fullmatch(name):
        raise ConfigurationError(f"{name!r:.80} is no session's id: it has 20 of a-z and 0-9")
    return name

"""All sessions of all users as officers see them, and the stop of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from starburst.untrusted.strict_json import Amount, Moment, Whole, fill, known_fields

from .office import Office, odd

__all__ = ["AdminSession", "Sessions", "ask_sessions", "stop_session"]

Folder = Literal["active", "ended"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AdminSession:
    """One session of anybody's.

    Moments are seconds since the epoch. Costs are at list price, of workers alone.

    Attributes:
        session: its id.
        workspace, user: whose it is.
        state: ``starting``, ``running``, ``ended`` or ``failed``.
        reason: why it stands so, in words.
        workers: how many it asked for.
        running: how many of them run, as its status told last.
        launched, lost: how many ECS ever accepted, and how many stopped with an error.
        cpu, memory_gb, capacity: of each worker.
        started, deadline: of the session.
        waiting: whether it still waits for room in the totals; its time has then not begun.
        ended: when it was over and counted; None for one that is not.
        worker_seconds: billed run time of all its workers so far.
        usd: what they cost so far.
    """

    session: str
    workspace: str
    user: str
    state: str
    reason: str = ""
    workers: Whole = 0
    running: Whole = 0
    launched: Whole = 0
    lost: Whole = 0
    cpu: Amount = 0
    memory_gb: Amount = 0
    capacity: str = ""
    started: Moment = 0
    deadline: Moment = 0
    waiting: bool = False
    ended: Moment | None = None
    worker_seconds: Amount = 0
    usd: Amount = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sessions:
    """What the controller told of sessions.

    Attributes:
        sessions: by the moment of their start, the latest first.
        unread: ids of sessions whose records cannot be read, and why.
        at: when it was told.
    """

    sessions: tuple[AdminSession, ...]
    unread: Mapping[str, str]
    at: float


def ask_sessions(office: Office, *, ended_since: float | None = None) -> Sessions:
    """Return the sessions that have not ended, and those that ended since a moment.

    Args:
        office: who asks.
        ended_since: seconds since the epoch; None for none that have ended.
    """
    found: dict[str, AdminSession] = {}
    unread: dict[str, str] = {}
    at = 0.0
    folders: tuple[Folder, ...] = ("active",) if ended_since is None else ("active", "ended")
    for folder in folders:
        for answer in _parts(office, folder, since=ended_since or 0):
            try:
                at = at or fill(_Told, {"at": answer["at"]}).at
                # One that ends meanwhile is told twice, and in the end as it ended.
                found |= {one.session: one for one in map(_session, answer["sessions"])}
                unread |= {str(one["session"]): str(one["why"]) for one in answer["unread"]}
            except (KeyError, TypeError, ValueError) as error:
                raise odd("sessions", error) from error
    ordered = sorted(found.values(), key=lambda one: (-one.started, one.session))
    return Sessions(sessions=tuple(ordered), unread=unread, at=at)


def stop_session(office: Office, session: str, *, why: str, by: str | None = None) -> AdminSession:
    """End a session of anybody's; return how it stands then."""
    answer = office.ask("stop", session=session, why=why, by=by or office.caller)
    try:
        return _session(answer["session"])
    except (KeyError, TypeError, ValueError) as error:
        raise odd("stop", error) from error


def _parts(office: Office, folder: Folder, *, since: float) -> Iterator[Mapping[str, Any]]:
    after = ""
    while True:
        answer = office.ask("sessions", folder=folder, after=after, since=since)
        yield answer
        following = answer.get("next", "")
        if not following:
            return
        # Each part ends later in the alphabet, or this would never end.
        if type(following) is not str or following <= after:
            raise odd("sessions", ValueError(f"it goes on after {following!r:.80}"))
        after = following


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    at: Moment


def _session(fields: object) -> AdminSession:
    if not isinstance(fields, dict):
        raise ValueError("a session of it is no object")
    return fill(AdminSession, known_fields(AdminSession, fields))

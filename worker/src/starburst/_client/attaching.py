"""Finding sessions again: listing them, and rebuilding one from S3 on another machine."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.connection import Connection
from starburst._client.tasks.task_list import TaskList
from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.chunks import Ledger, LedgerEntry, open_ledger, pack_key
from starburst._protocol.sealed.session_key import SessionKey
from starburst._protocol.status import StatusDocument
from starburst.aws.calls import code_of
from starburst.contract import SessionKeys
from starburst.contract.areas import SESSIONS
from starburst.errors import SessionEnded, SessionError, SessionNotFound

from .packages.renewing import renew
from .session import Session
from .session_core import SessionCore

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["SessionSummary", "attach_core", "attach_session", "list_sessions", "session_keys"]

_LEDGER_BYTES: Final = 65_536
_FETCHES: Final = 8
_PACK: Final = re.compile(r"p\d{6}")


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class SessionSummary:
    """One of an analyst's sessions.

    Attributes:
        id: for :func:`starburst.attach`.
        workspace: where it is.
        created: seconds since the epoch.
        manifest: what it asked for.
        status: the latest that the controller wrote; None where there is none yet.
    """

    id: str
    workspace: str
    created: float
    manifest: Manifest
    status: StatusDocument | None

    @property
    def state(self) -> str:
        """``starting``, ``running``, ``ended`` or ``failed``."""
        return "starting" if self.status is None else self.status.state

    def __repr__(self) -> str:
        """Say what tells it from the others; the manifest has the rest."""
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.created))
        said = "" if self.status is None else f", {self.status.reason}"
        return f"<starburst session {self.id}: {self.state}{said}, started {started}>"


def session_keys(connection: Connection, session: str) -> SessionKeys:
    """Return where a session's objects are.

    Raises:
        SessionNotFound: there are none, or the id has another shape than ours have.
    """
    keys = connection.keys(session)
    if SessionKeys.parse(keys.manifest) is None:
        raise _not_found(connection, session)
    pages = connection.s3.get_paginator("list_objects_v2")
    with aws_errors(f"look for session {session}"):
        found = pages.paginate(
            Bucket=connection.document.bucket, Prefix=keys.prefix, PaginationConfig={"MaxItems": 1}
        )
        if not any(page.get("Contents") for page in found):
            raise _not_found(connection, session)
    return keys


def _not_found(connection: Connection, session: str) -> SessionNotFound:
    if SessionKeys.parse(connection.keys(session).manifest) is None:
        why = f"{session!r} is no session id: those are 20 small letters and digits"
    else:
        why = (
            f"{connection.user} has no session {session!r} in workspace "
            f"{connection.workspace!r} of this environment"
        )
    why = f"{why}. starburst.sessions(), or `starburst sessions`, lists yours"
    if connection.local and not os.environ.get("STARBURST_LOCAL_STATE"):
        why += (
            ". This program has a local environment of its own, which ends with it and holds no "
            "session of another one: `starburst local -- bash` is a shell whose programs share one"
        )
    return SessionNotFound(why)


def list_sessions(connection: Connection) -> list[SessionSummary]:
    """Return the analyst's sessions in this workspace, newest first."""
    prefix = SESSIONS.prefix(connection.workspace, connection.user)
    pages = connection.s3.get_paginator("list_objects_v2")
    found: list[SessionKeys] = []
    with aws_errors("list your sessions"):
        for page in pages.paginate(Bucket=connection.document.bucket, Prefix=prefix, Delimiter="/"):
            for entry in page.get("CommonPrefixes", []):
                keys = SessionKeys.parse(entry.get("Prefix", "") + "manifest.json")
                if keys is not None:
                    found.append(keys)
    with ThreadPoolExecutor(_FETCHES) as pool:
        summaries = list(pool.map(lambda keys: _summary(connection, keys), found))
    known = [summary for summary in summaries if summary is not None]
    return sorted(known, key=lambda summary: -summary.created)


def _summary(connection: Connection, keys: SessionKeys) -> SessionSummary | None:
    text = connection.read(keys.manifest, purpose=f"read {keys.manifest}")
    if text is None:
        return None
    try:
        manifest = Manifest.from_json(text)
        written = connection.read(keys.status, purpose=f"read {keys.status}")
        status = None if written is None else StatusDocument.from_json(written)
    except ValueError:
        return None  # another release's session: not ours to read
    return SessionSummary(
        id=keys.session,
        workspace=keys.workspace,
        created=manifest.created,
        manifest=manifest,
        status=status,
    )


def attach_session(
    connection: Connection,
    session: str,
    *,
    progress: bool | None = None,
    count_only: bool = False,
) -> Session:
    """Do as :func:`attach_core` does; return the session as its user sees it."""
    return Session(attach_core(connection, session, progress=progress, count_only=count_only))


def attach_core(
    connection: Connection,
    session: str,
    *,
    progress: bool | None = None,
    count_only: bool = False,
) -> SessionCore:
    """Rebuild a session from what S3 holds of it.

    Args:
        connection: where.
        session: its id.
        progress: draw a bar; None for only where a person watches.
        count_only: tell done from failed, and read no result: each is None.

    Raises:
        SessionNotFound: this analyst has no such session in this workspace.
        SessionEnded: it is being erased right now.
        IntegrityError: what S3 holds is not what the session's client wrote.
    """
    keys = connection.keys(session)
    text = None
    if SessionKeys.parse(keys.manifest) is not None:
        text = connection.read(keys.manifest, purpose=f"read {keys.manifest}")
    if text is None:
        raise _not_found(connection, session)
    try:
        manifest = Manifest.from_json(text)
    except ValueError as error:
        raise SessionError(f"session {session} cannot be attached: {error}") from error
    with aws_errors("unwrap the session's keys"):
        key = SessionKey.unwrap(connection.kms, connection.document.key_arn, manifest, signing=True)
    with ThreadPoolExecutor(_FETCHES) as pool:
        ledgers = list(_ledgers(connection, keys, key=key, pool=pool))
    tasks = TaskList()
    entries = sorted((e for part in ledgers for e in part.entries), key=lambda e: e.first)
    tasks.extend(max((entry.first + entry.tasks for entry in entries), default=0))
    tasks.dispatched(entries)
    tasks.mark_cancelled(_gaps(entries))
    core = SessionCore(
        connection,
        manifest,
        key=key,
        queue_url=None,
        progress=progress,
        tasks=tasks,
        packs=max((int(part.pack[1:]) for part in ledgers), default=0),
        count_only=count_only,
    )
    core.resume()
    if not ledgers:
        core.recall()
    if not count_only:
        renew(connection, manifest)
        core.wait_for_room()
    return core


def _gaps(entries: Sequence[LedgerEntry]) -> Iterator[int]:
    """Yield the tasks that were never stored: cancelled before they were sent, or not accepted."""
    position = 0
    for entry in entries:
        yield from range(position, entry.first)
        position = max(position, entry.first + entry.tasks)


def _ledgers(
    connection: Connection, keys: SessionKeys, *, key: SessionKey, pool: Executor
) -> Iterator[Ledger]:
    names: list[str] = []
    pages = connection.s3.get_paginator("list_objects_v2")
    with aws_errors("list the session's tasks"):
        for page in pages.paginate(Bucket=connection.document.bucket, Prefix=keys.inputs):
            stored = (e.get("Key", "").removeprefix(keys.inputs) for e in page.get("Contents", []))
            names.extend(name for name in stored if _PACK.fullmatch(name))
    yield from pool.map(lambda name: _ledger(connection, keys, key=key, pack=name), names)


def _ledger(connection: Connection, keys: SessionKeys, *, key: SessionKey, pack: str) -> Ledger:
    length = _LEDGER_BYTES
    while True:
        with aws_errors(f"read the tasks of pack {pack}"):
            try:
                start = connection.s3.get_object(
                    Bucket=connection.document.bucket,
                    Key=pack_key(keys, pack),
                    Range=f"bytes=0-{length - 1}",
                )["Body"].read()
            except ClientError as error:
                if code_of(error) != "NoSuchKey":
                    raise
                raise SessionEnded(
                    f"session {keys.session} is just being erased: a program of yours has ended it"
                ) from None
        found = open_ledger(start, pack=pack, session=keys.session, key=key.data, public=key.public)
        if isinstance(found, Ledger):
            return found
        if found <= length:
            raise SessionError(f"pack {pack} of session {keys.session} is cut short")
        length = found

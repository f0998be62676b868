"""A small session as several tests begin with it: its tasks are queued, and nobody works yet."""

from __future__ import annotations

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from tests.runtime.fleet import Fleet
from tests.session_internals import flush, queue_url

ONE = SessionOptions(workers=1, idle_timeout=20)


def square(x: int) -> int:
    return x * x


def opened(connection: Connection, fleet: Fleet, tasks: int = 4) -> Session:
    """Open a session whose tasks are queued and that has no worker yet."""
    fleet.launch = False
    session = open_session(connection, ONE, progress=False)
    session.map(square, range(tasks))
    flush(session)
    return session


def work(fleet: Fleet, session: Session) -> None:
    fleet.add_worker(session.manifest.keys, queue_url(session))

"""Sessions whose workers come when a test says so, and the marks that their tasks leave."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst._protocol.sealed.cancel_list import (
    cancel_key,
)
from tests.runtime.fleet import BUCKET, Fleet
from tests.session_internals import flush, queue_url

ONE = SessionOptions(workers=1, idle_timeout=20)


TWO = SessionOptions(workers=2, idle_timeout=20)


def note(x: tuple[int, str]) -> int:
    """Leave a mark, and say which."""
    number, directory = x
    (Path(directory) / str(number)).touch()
    return number


def ran(directory: Path) -> set[int]:
    return {int(path.name) for path in directory.iterdir() if path.name.isdecimal()}


def idle_session(connection: Connection, fleet: Fleet, options: SessionOptions = ONE) -> Session:
    """A session whose workers come when a test says so."""
    fleet.launch = False
    return open_session(connection, options, progress=False)


def work(fleet: Fleet, session: Session) -> None:
    for _ in range(session.manifest.workers):
        fleet.add_worker(session.manifest.keys, queue_url(session))


def drained(fleet: Fleet, session: Session) -> bool:
    """Whether the queue is empty, after waiting for that."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        counts = fleet.sqs.get_queue_attributes(
            QueueUrl=queue_url(session), AttributeNames=["All"]
        )["Attributes"]
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        if not any(int(counts[name]) for name in names):
            return True
    return False


def queued(session: Session, directory: Path, count: int) -> Sequence[Future[Any]]:
    futures = session.map(note, [(i, str(directory)) for i in range(count)])
    flush(session)
    return futures


def listed(fleet: Fleet, session: Session) -> list[str]:
    """The session's cancel list, if there is one."""
    key = cancel_key(session.manifest.keys)
    page = fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=key)
    return [entry["Key"] for entry in page.get("Contents", [])]

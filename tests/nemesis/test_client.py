"""What befalls the client alone: expired credentials, a wrong clock, lost messages, no network."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.attaching import attach_session
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst.errors import AccessDenied, ConfigurationError, SessionError
from tests.runtime.conftest import connection, fleet, forked, sdk
from tests.runtime.fleet import BUCKET, Fleet
from tests.session_internals import core, flush, queue_url

__all__ = ["connection", "fleet", "forked", "sdk"]  # the fixtures of a burst in one process

pytestmark = pytest.mark.usefixtures("forked")

OPTIONS = SessionOptions(workers=1, idle_timeout=20)


def square(x: int) -> int:
    return x * x


class Flaky:
    """S3 as it answers while ``error`` is set."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self.error: Exception | None = None
        self.asked = threading.Semaphore(0)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**words: Any) -> Any:
            if self.error is not None:
                self.asked.release()
                raise self.error
            return getattr(self._s3, name)(**words)

        return call


def answer(code: str, status: int = 400) -> ClientError:
    said: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "GetObject")


def stored(
    connection: Connection, fleet: Fleet, tasks: int = 4, timings: Timings | None = None
) -> tuple[Session, Flaky]:
    """Open a session whose tasks are queued and that has no worker yet."""
    fleet.launch = False
    flaky: Any = Flaky(fleet.s3)
    faulty = dataclasses.replace(connection, s3=flaky, timings=timings or Timings())
    session = open_session(faulty, OPTIONS, progress=False)
    session.map(square, range(tasks))
    flush(session)
    return session, flaky


def work(fleet: Fleet, session: Session) -> None:
    fleet.add_worker(session.manifest.keys, queue_url(session))


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("ExpiredToken", AccessDenied, "expired"),
        ("RequestTimeTooSkewed", ConfigurationError, "clock"),
    ],
)
def test_who_can_no_longer_collect_is_told_and_attaches_later(
    connection: Connection, fleet: Fleet, code: str, kind: type[Exception], said: str
) -> None:
    session, flaky = stored(connection, fleet, timings=Timings(trouble_seconds=0.0))
    flaky.error = answer(code)
    with pytest.raises(kind, match=said):
        session.futures[0].result(timeout=30)
    work(fleet, session)
    again = attach_session(connection, session.id, progress=False)
    assert again.collect(timeout=60) == [0, 1, 4, 9]
    session.detach()
    again.cleanup()


@pytest.mark.parametrize(
    "error",
    [answer("SlowDown", 503), EndpointConnectionError(endpoint_url="https://s3.invalid")],
    ids=["503", "no network"],
)
def test_trouble_that_passes_ends_no_task(
    connection: Connection, fleet: Fleet, error: Exception
) -> None:
    session, flaky = stored(connection, fleet)
    flaky.error = error
    work(fleet, session)
    for _ in range(3):
        assert flaky.asked.acquire(timeout=30)
    flaky.error = None
    assert session.collect(timeout=60) == [0, 1, 4, 9]
    session.cleanup()


def test_a_map_whose_function_is_refused_for_a_moment_is_sent_all_the_same(
    connection: Connection, fleet: Fleet
) -> None:
    session, flaky = stored(connection, fleet, tasks=0)
    flaky.error = answer("AccessDenied", 403)
    with ThreadPoolExecutor(1) as user:
        sent = user.submit(session.map, square, range(3))
        # Not before it was refused twice is the policy there.
        assert all(flaky.asked.acquire(timeout=60) for _ in range(2))
        flaky.error = None
        futures = sent.result(timeout=60)
    work(fleet, session)
    assert [future.result(timeout=60) for future in futures] == [0, 1, 4]


def test_trouble_that_stays_ends_in_a_typed_error(connection: Connection, fleet: Fleet) -> None:
    session, flaky = stored(connection, fleet, timings=Timings(trouble_seconds=0.0))
    flaky.error = answer("InternalError", 500)
    with pytest.raises(SessionError, match="InternalError"):
        session.futures[0].result(timeout=30)
    flaky.error = None
    session.cleanup()


def test_tasks_whose_messages_are_lost_are_queued_anew_by_the_client_that_attaches(
    connection: Connection, fleet: Fleet
) -> None:
    connection = dataclasses.replace(connection, timings=Timings(silence_seconds=0.1))
    session, _ = stored(connection, fleet, tasks=40)
    session.detach()
    fleet.sqs.purge_queue(QueueUrl=queue_url(session))
    work(fleet, session)
    again = attach_session(connection, session.id, progress=False)
    assert again.collect(timeout=60) == [x * x for x in range(40)]
    again.cleanup()


def test_a_client_that_attaches_goes_on_after_the_last_pack_and_not_into_it(
    connection: Connection, fleet: Fleet
) -> None:
    session, _ = stored(connection, fleet)
    core(session).dispatcher._packs = 5  # the packs between were never stored
    session.submit(square, 4)
    flush(session)
    work(fleet, session)
    again = attach_session(connection, session.id, progress=False)
    again.submit(square, 5)
    assert again.collect(timeout=60) == [0, 1, 4, 9, 16, 25]
    session.detach()
    again.cleanup()


def test_a_pack_whose_response_was_lost_is_ones_own_and_another_is_not(
    connection: Connection, fleet: Fleet
) -> None:
    session, flaky = stored(connection, fleet, tasks=1)
    put = fleet.s3.put_object

    def twice(**words: Any) -> Any:
        put(**words)
        return put(**words)

    flaky.put_object = twice  # type: ignore[attr-defined]
    session.submit(square, 1)
    flush(session)
    work(fleet, session)
    assert session.collect(timeout=60) == [0, 1]
    key = f"{session.manifest.keys.inputs}p000003"
    fleet.s3.put_object(Bucket=BUCKET, Key=key, Body=b"another client's")
    with pytest.raises(SessionError, match="another client"):
        session.submit(square, 2).result(timeout=30)
    del flaky.put_object  # type: ignore[attr-defined]
    session.cleanup()

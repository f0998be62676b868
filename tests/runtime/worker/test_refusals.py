"""S3 says 403 of what is not there, and of what it refuses: a policy on its way ends no task."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.attaching import attach_session
from starburst._client.ending.erase import erase
from starburst._client.opening import open_session
from starburst.contract import TAMPERING
from starburst.errors import AccessDenied, IntegrityError, SessionEnded, SessionNotFound
from starburst.worker.settings.timings import Timings as WorkerTimings
from starburst.worker.starting import allowed
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import ONE, opened, square
from tests.runtime.wire import Shy, json_error, s3_error
from tests.runtime.worker.faults import squares
from tests.session_internals import flush, queue_url
from tests.statuses import a_status

pytestmark = pytest.mark.usefixtures("forked")


class Outages:
    """Refuses the calls that it is asked about, so many, then so many, with leave in between."""

    def __init__(self, about: Callable[[str, str], bool], *pattern: int) -> None:
        self._about = about
        self._left = list(pattern)
        self._lock = threading.Lock()
        self.over = threading.Event()

    def __call__(self, call: str, key: str) -> bool:
        if not self._about(call, key):
            return False
        with self._lock:
            if not self._left:
                return False
            if self._left[0]:
                self._left[0] -= 1
                if not any(self._left):
                    self.over.set()
                return True
            self._left.pop(0)  # one is let through
            return False


def events(capsys: pytest.CaptureFixture[str]) -> list[str]:
    lines = capsys.readouterr().out.split("\n")
    return [json.loads(line)["event"] for line in lines if line.startswith("{")]


# The client, which may list its own folder.


def test_a_burst_where_s3_never_says_404(
    connection: Connection, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    often = Timings(status_seconds=0.02)
    shy: Any = Shy(fleet.s3)
    mine = dataclasses.replace(connection, s3=shy, timings=often)
    session = opened(mine, fleet, tasks=20)
    session.futures[3].cancel()
    session.cancel(session.futures[3])
    dataclasses.replace(fleet, s3=shy).add_worker(session.manifest.keys, queue_url(session))
    done = [future.result(60) for n, future in enumerate(session.futures) if n != 3]
    assert done == [x for n, x in enumerate(squares(20)) if n != 3]
    session.cleanup()
    assert not {"trouble", TAMPERING, "missing"} & set(events(capsys))


def test_futures_outlive_a_policy_that_is_on_its_way_twice(
    connection: Connection, fleet: Fleet
) -> None:
    outages = Outages(lambda call, _: call in ("get_object", "list_objects_v2"), 3, 4)
    often = Timings(status_seconds=0.01)
    shy: Any = Shy(fleet.s3)
    session = opened(dataclasses.replace(connection, s3=shy, timings=often), fleet)
    shy.refuses = outages
    assert outages.over.wait(60)
    assert not any(future.done() for future in session.futures)
    fleet.add_worker(session.manifest.keys, queue_url(session))
    assert session.collect(timeout=60) == squares(4)
    session.cleanup()


@pytest.mark.parametrize("may_list", [True, False])
def test_a_refusal_that_lasts_is_a_refusal_and_never_an_erased_session(
    connection: Connection, fleet: Fleet, may_list: bool
) -> None:
    shy: Any = Shy(fleet.s3)
    brief = Timings(status_seconds=1.5, trouble_seconds=0.5)
    session = opened(dataclasses.replace(connection, s3=shy, timings=brief), fleet)
    there = a_status(session=session.id).to_json()
    fleet.s3.put_object(Bucket=BUCKET, Key=session.manifest.keys.status, Body=there)
    shy.refuses = lambda call, key: call == "get_object" or not may_list
    with pytest.raises(AccessDenied, match="AWS refused"):
        session.futures[0].result(30)
    session.detach()


@pytest.mark.parametrize("may_list", [True, False])
def test_what_cannot_be_read_but_exists_is_refused_and_not_missing(
    connection: Connection, fleet: Fleet, may_list: bool
) -> None:
    session = opened(connection, fleet)
    session.detach()
    shy: Any = Shy(fleet.s3, refuses=lambda call, key: call == "get_object" or not may_list)
    with pytest.raises(AccessDenied):
        attach_session(dataclasses.replace(connection, s3=shy), session.id, progress=False)
    shy.refuses = lambda call, key: False
    with pytest.raises(SessionNotFound):
        attach_session(dataclasses.replace(connection, s3=shy), "a" * 20, progress=False)


def test_an_erased_session_is_still_found_out(connection: Connection, fleet: Fleet) -> None:
    shy: Any = Shy(fleet.s3)
    often = Timings(status_seconds=0.05)
    session = opened(dataclasses.replace(connection, s3=shy, timings=often), fleet)
    erase(connection, session.manifest.keys)
    with pytest.raises(SessionEnded, match="erased"):
        session.futures[0].result(30)
    session.cleanup()


def test_tasks_are_stored_once_a_refusal_has_passed(connection: Connection, fleet: Fleet) -> None:
    outages = Outages(lambda call, key: call == "put_object" and "/inputs/p" in key, 1, 1)
    shy: Any = Shy(fleet.s3, refuses=outages)
    fleet.launch = False
    session = open_session(dataclasses.replace(connection, s3=shy), ONE, progress=False)
    first = session.submit(square, 5)
    flush(session)
    second = session.submit(square, 6)
    flush(session)
    assert outages.over.is_set()
    fleet.add_worker(session.manifest.keys, queue_url(session))
    assert [first.result(60), second.result(60)] == [25, 36]
    session.cleanup()


# A worker, which may list nothing.


@pytest.mark.timings(first_pause_seconds=0.001, postponed_seconds=1)
@pytest.mark.parametrize("what", ["functions/", ""])
def test_a_worker_waits_for_what_was_promised_and_fails_no_task(
    connection: Connection, fleet: Fleet, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """Two outages: of one kind of object, or of all with the manifest."""
    session = opened(connection, fleet, tasks=6)
    shy: Any = Shy(fleet.s3)
    theirs = dataclasses.replace(fleet, s3=shy)
    made = theirs.supervisor(session.manifest.keys, queue_url(session))
    shy.refuses = Outages(lambda call, key: call == "get_object" and what in key, 4, 3)
    fleet.workers.append(threading.Thread(target=made.run, daemon=True))
    fleet.workers[-1].start()
    assert session.collect(timeout=90) == squares(6)
    session.cleanup()
    assert not {TAMPERING, "missing"} & set(events(capsys))


@pytest.mark.timings(postponed_seconds=1)
def test_a_pack_that_is_refused_for_a_while_is_neither_dropped_nor_reported(
    connection: Connection, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its message is put off, and the worker takes another one meanwhile."""
    fleet.launch = False
    session = open_session(connection, ONE, progress=False)
    large = [os.urandom(400_000), os.urandom(400_001)]  # no message holds a copy of these
    session.map(len, large)
    flush(session)
    keys, url = session.manifest.keys, queue_url(session)
    shy: Any = Shy(fleet.s3)
    made = dataclasses.replace(fleet, s3=shy).supervisor(keys, url)
    shy.refuses = outages = Outages(
        lambda call, key: call == "get_object" and "/inputs/p" in key, 4
    )
    fleet.workers.append(threading.Thread(target=made.run, daemon=True))
    fleet.workers[-1].start()
    assert session.collect(timeout=60) == [400_000, 400_001]
    session.cleanup()
    assert outages.over.is_set()
    seen = events(capsys)
    assert "not seen" in seen
    assert not {TAMPERING, "missing", "trouble"} & set(seen)


@pytest.mark.timings(first_pause_seconds=0.001, promised_seconds=0.0)
def test_a_message_that_was_received_long_ago_outlives_a_policy_on_its_way(
    connection: Connection, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    """The worker could read the manifest a moment ago, and can no longer."""
    fleet.launch = False
    session = open_session(connection, ONE, progress=False)
    for _ in range(2):
        session.map(len, [os.urandom(400_000)])  # no message holds a copy of this
        flush(session)
    keys, url = session.manifest.keys, queue_url(session)
    begun: set[str] = set()

    def begins(call: str, key: str) -> bool:
        if call == "get_object" and "/inputs/p" in key:
            begun.add(key)
        return call == "get_object" and len(begun) > 1

    shy: Any = Shy(fleet.s3, refuses=Outages(begins, 5))
    dataclasses.replace(fleet, s3=shy).add_worker(keys, url)
    assert session.collect(timeout=30) == [400_000] * 2
    session.cleanup()
    assert not {TAMPERING, "missing"} & set(events(capsys))


@pytest.mark.timings(first_pause_seconds=0.001, most_failures=3)
def test_a_contained_worker_ends_and_takes_nothing_with_it(
    connection: Connection, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    session = opened(connection, fleet)
    shy: Any = Shy(fleet.s3)
    contained = dataclasses.replace(fleet, s3=shy)
    made = contained.supervisor(session.manifest.keys, queue_url(session))
    shy.refuses = lambda call, key: True
    with pytest.raises(Exception, match="3 times in a row"):
        made.run()
    assert not {TAMPERING, "missing"} & set(events(capsys))
    fleet.add_worker(session.manifest.keys, queue_url(session))
    assert session.collect(timeout=60) == squares(4)
    session.cleanup()


def test_a_worker_starts_when_its_policy_has_arrived() -> None:
    answers = [s3_error(403, "AccessDenied"), json_error("kms", "AccessDeniedException"), None]

    def read() -> str:
        error = answers.pop(0)
        if error is not None:
            raise error
        return "manifest"

    assert allowed(read, timings=WorkerTimings(unseen_seconds=0.0)) == "manifest"
    answers[:] = [s3_error(403, "AccessDenied")] * 5
    with pytest.raises(Exception, match="AccessDenied"):
        allowed(read, timings=WorkerTimings(unseen_seconds=0.0, promised_seconds=0.0))
    answers[:] = [s3_error(404, "NoSuchKey")]
    with pytest.raises(Exception, match="NoSuchKey"):
        allowed(read, timings=WorkerTimings(unseen_seconds=0.0))


def test_integrity_errors_stay_what_they_are() -> None:
    def read() -> str:
        raise IntegrityError("the manifest was changed")

    with pytest.raises(IntegrityError):
        allowed(read, timings=WorkerTimings())

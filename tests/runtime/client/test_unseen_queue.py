"""A queue that SQS does not show is not seen yet, until two looks a minute apart say otherwise."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.attaching import attach_session
from starburst._client.opening import open_session
from starburst.contract.times import QUEUE_UNSEEN_SECONDS
from starburst.errors import AccessDenied, SessionEnded
from starburst.worker.settings.timings import Timings as WorkerTimings
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import ONE, opened, square, work
from tests.runtime.wire import Scripted, no_queue, s3_error
from tests.runtime.worker.faults import squares
from tests.session_internals import flush, queue_url
from tests.statuses import a_status

pytestmark = pytest.mark.usefixtures("forked")

PATIENT = Timings(unseen_seconds=0.01)


def test_both_sides_wait_as_long_as_the_contract_says() -> None:
    assert Timings().deletion_seconds == QUEUE_UNSEEN_SECONDS == 60
    assert WorkerTimings().deletion_seconds == QUEUE_UNSEEN_SECONDS


def test_a_queue_that_is_not_seen_yet_takes_tasks_once_it_is(
    connection: Connection, fleet: Fleet
) -> None:
    """Twice: SQS shows a queue to one connection and not to the next."""
    sqs: Any = Scripted(fleet.sqs, "send_message_batch", errors=[no_queue()] * 3)
    fleet.launch = False
    mine = dataclasses.replace(connection, sqs=sqs, timings=PATIENT)
    session = open_session(mine, ONE, progress=False)
    session.map(square, range(4))
    flush(session)
    assert sqs.asked == 4
    sqs.errors.extend([no_queue()] * 2)
    session.submit(square, 4)
    flush(session)
    assert sqs.asked == 7
    work(fleet, session)
    assert session.collect(timeout=60) == squares(5)
    session.cleanup()


def test_who_attaches_to_a_young_session_finds_its_queue_when_sqs_shows_it(
    connection: Connection, fleet: Fleet
) -> None:
    session = opened(connection, fleet)
    session.detach()
    sqs: Any = Scripted(fleet.sqs, "get_queue_url", errors=[no_queue()] * 3)
    mine = dataclasses.replace(connection, sqs=sqs, timings=PATIENT)
    again = attach_session(mine, session.id, progress=False)
    again.submit(square, 4)
    flush(again)
    assert sqs.asked == 4
    work(fleet, again)
    assert again.collect(timeout=60) == squares(5)
    again.cleanup()


@pytest.mark.parametrize(
    ("error", "kind"),
    [(no_queue(), SessionEnded), (s3_error(403, "AccessDenied"), AccessDenied)],
    ids=["no queue", "refused"],
)
def test_one_look_says_what_it_found(
    connection: Connection, fleet: Fleet, error: Exception, kind: type[Exception]
) -> None:
    session = opened(connection, fleet)
    session.detach()
    sqs: Any = Scripted(fleet.sqs, "get_queue_url", errors=[error])
    again = attach_session(dataclasses.replace(connection, sqs=sqs), session.id, progress=False)
    with pytest.raises(kind):
        queue_url(again)
    assert session.id in queue_url(again)
    again.cleanup()


def test_a_deletion_is_believed_after_two_looks(connection: Connection, fleet: Fleet) -> None:
    session = opened(
        dataclasses.replace(connection, timings=Timings(deletion_seconds=0.2, unseen_seconds=0.05)),
        fleet,
    )
    fleet.sqs.delete_queue(QueueUrl=queue_url(session))
    with pytest.raises(SessionEnded, match="takes no more tasks"):
        session.submit(square, 9).result(timeout=30)
    session.detach()


@pytest.mark.parametrize("state", ["ended", "failed"])
def test_the_controllers_word_that_a_session_is_over_is_believed_at_once(
    connection: Connection, fleet: Fleet, state: Any
) -> None:
    sqs: Any = Scripted(fleet.sqs, "send_message_batch")
    never = Timings(status_seconds=3600, deletion_seconds=3600)
    session = opened(dataclasses.replace(connection, sqs=sqs, timings=never), fleet)
    fleet.sqs.delete_queue(QueueUrl=queue_url(session))
    status = a_status(session=session.id, state=state)
    fleet.s3.put_object(Bucket=BUCKET, Key=session.manifest.keys.status, Body=status.to_json())
    with pytest.raises(SessionEnded):
        session.submit(square, 9).result(timeout=30)
    assert sqs.asked == 2
    session.detach()


def test_a_client_that_leaves_waits_for_no_queue_and_its_tasks_stay_stored(
    connection: Connection, fleet: Fleet
) -> None:
    fleet.launch = False
    sqs: Any = Scripted(fleet.sqs, "send_message_batch", errors=[no_queue()] * 10_000)
    never = Timings(unseen_seconds=3600, deletion_seconds=3600)
    session = open_session(
        dataclasses.replace(connection, sqs=sqs, timings=never), ONE, progress=False
    )
    future = session.submit(square, 3)
    session.detach()
    with pytest.raises(SessionEnded, match="detached"):
        future.result()
    often = dataclasses.replace(connection, timings=Timings(silence_seconds=0.1))
    again = attach_session(often, session.id, progress=False)
    work(fleet, again)
    assert again.collect(timeout=60) == [9]
    again.cleanup()


# Workers.


@pytest.mark.timings(deletion_seconds=3600.0, unseen_seconds=0.01, heartbeat_seconds=0.0)
def test_a_worker_outlives_a_queue_that_is_not_shown_for_a_while(
    connection: Connection, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    """At its start, in the middle of a range, and again when it asks for the next one."""
    session = opened(connection, fleet, tasks=6)
    calls = ("receive_message", "change_message_visibility", "delete_message", "send_message_batch")
    pattern = [no_queue(), no_queue(), None, no_queue(), None, no_queue(), None, None, no_queue()]
    sqs: Any = Scripted(fleet.sqs, *calls, errors=pattern * 2)
    made = dataclasses.replace(
        fleet, sqs=sqs, timings=dataclasses.replace(fleet.timings, first_pause_seconds=0.001)
    ).supervisor(session.manifest.keys, queue_url(session))
    with ThreadPoolExecutor(1) as pool:
        life = pool.submit(made.run)
        assert session.collect(timeout=60) == squares(6)
        assert not sqs.errors
        assert not life.done()
        session.detach()
        made._stop.deadline = 0.0  # SIGTERM, which only a main thread can hear
        life.result(60)
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.split("\n") if line]
    assert "session ended" not in events
    assert "tampering" not in " ".join(events)


@pytest.mark.timings(deletion_seconds=0.2, unseen_seconds=0.02)
def test_a_worker_leaves_a_queue_that_stays_away(
    connection: Connection, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    session = opened(connection, fleet)
    made = fleet.supervisor(session.manifest.keys, queue_url(session))
    fleet.sqs.delete_queue(QueueUrl=queue_url(session))
    made.run()
    assert "session ended" in capsys.readouterr().out
    session.detach()

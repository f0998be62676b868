"""Cancels that AWS refuses, or that come second: none is lost, and none is done unrecorded."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.attaching import attach_session
from starburst._protocol.requeue import RequeueMessage
from starburst._protocol.sealed.cancel_list import cancel_key
from starburst.errors import (
    KeyUnavailable,
    SessionError,
    StarburstError,
)
from tests.runtime.client.failing.alone import ALONE, TROUBLE, left
from tests.runtime.client.failing.recording import Call, Recorder
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import opened
from tests.runtime.wire import Scripted, s3_error
from tests.runtime.worker.cancelling import listed
from tests.session_internals import core, queue_url

CONFLICT, OUTRUN = s3_error(409, "ConditionalRequestConflict"), s3_error(412, "PreconditionFailed")
GONE, DISABLED = s3_error(404, "NoSuchKey"), s3_error(400, "KMS.DisabledException")


@pytest.mark.parametrize("lost", [CONFLICT, OUTRUN, GONE], ids=["409", "412", "404"])
def test_a_cancel_that_comes_second_is_written_with_what_came_first(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, lost: Exception
) -> None:
    monkeypatch.setattr("starburst._client.tasks.cancels._FIRST_PAUSE", 0.0)
    s3: Any = Scripted(fleet.s3, "put_object", key="cancelled")
    mine = dataclasses.replace(connection, s3=s3, timings=ALONE)
    session = opened(mine, fleet, tasks=5)
    other = attach_session(mine, session.id, progress=False)
    assert session.cancel(session.futures[:1]) == 1
    assert other.cancel(other.futures[1:2]) == 1
    s3.errors.extend([lost] * 3)
    assert session.cancel(session.futures[2:3]) == 1
    assert not s3.errors
    other.detach()
    again = attach_session(connection, session.id, progress=False)
    assert [future.cancelled() for future in again.futures] == [True] * 3 + [False] * 2
    again.detach()
    s3.errors.extend([lost] * 8)
    with pytest.raises(SessionError, match="changed 8 times"):
        session.cancel(session.futures[3:4])
    assert not s3.errors
    assert session.futures[3].cancelled()
    assert session.cancel([]) == 0  # what was not recorded then is recorded now
    again = attach_session(connection, session.id, progress=False)
    assert [future.cancelled() for future in again.futures] == [True] * 4 + [False]
    fleet.s3.delete_object(Bucket=BUCKET, Key=cancel_key(session.manifest.keys))
    s3.errors.append(GONE)  # as S3 answers who would replace it
    again.detach()
    assert session.cancel(session.futures[4:]) == 1
    again = attach_session(connection, session.id, progress=False)
    assert all(future.cancelled() for future in again.futures)
    assert len(again.futures) == 5
    again.cleanup(force=True)
    session.detach()


def test_cancels_that_a_disabled_key_refused_are_recorded_with_the_next_one(
    connection: Connection, fleet: Fleet
) -> None:
    recorder, heard = Recorder(), threading.Event()
    mine = dataclasses.replace(recorder.over(connection), timings=Timings(cancel_gather_seconds=0))
    session = opened(mine, fleet)

    def judge(call: Call) -> Exception | None:
        if call.what != "put cancelled":
            return None
        heard.set()
        return DISABLED if refuses else None

    refuses, recorder.judge = True, judge
    assert session.futures[0].cancel()
    assert heard.wait(30)
    with pytest.raises(KeyUnavailable):
        core(session).cancels.flush()
    refuses = False
    assert session.futures[1].cancel()
    for _ in range(1500):
        if listed(fleet, session):
            break
        threading.Event().wait(0.02)
    assert listed(fleet, session), "the next cancel was not recorded before the session's end"
    session.detach()
    again = attach_session(connection, session.id, progress=False)
    assert [future.cancelled() for future in again.futures] == [True, True, False, False]
    again.cleanup(force=True)


def test_a_queue_that_refuses_keeps_no_cancel_from_being_recorded(
    connection: Connection, fleet: Fleet
) -> None:
    recorder = Recorder()
    mine = dataclasses.replace(recorder.over(connection), timings=ALONE)
    session = opened(mine, fleet)
    recorder.judge = lambda call: TROUBLE if call.name == "receive_message" else None
    assert session.cancel() == 4
    assert listed(fleet, session)
    assert SimpleNamespace(**vars(recorder.calls[-1])).failed
    with contextlib.suppress(StarburstError):
        session.cleanup(force=True)
    assert left(fleet) == []


def test_taking_cancelled_work_out_of_the_queue_leaves_what_is_no_lease_of_ours(
    connection: Connection, fleet: Fleet
) -> None:
    """As the controller's request to send again what is lost, and what a stranger has sent."""
    session = opened(dataclasses.replace(connection, timings=ALONE), fleet, tasks=1)
    url = queue_url(session)
    strangers = [RequeueMessage(live=frozenset({"0f"})).to_body(), "no message of ours"]
    for body in strangers:
        fleet.sqs.send_message(QueueUrl=url, MessageBody=body)
    assert session.cancel() == 1
    counts = fleet.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    kinds = ("", "NotVisible")
    assert sum(int(counts[f"ApproximateNumberOfMessages{kind}"]) for kind in kinds) == 2
    session.cleanup()


def test_who_lets_go_is_told_that_a_cancel_was_not_recorded(
    connection: Connection, fleet: Fleet
) -> None:
    recorder = Recorder()
    mine = dataclasses.replace(recorder.over(connection), timings=ALONE)
    session = opened(mine, fleet)
    recorder.judge = lambda call: TROUBLE if call.what == "put cancelled" else None
    assert session.futures[0].cancel()
    with pytest.raises(SessionError, match="record cancelled tasks"):
        session.detach()
    assert [future.done() for future in session.futures] == [True] * 4
    recorder.judge = lambda _: None
    session.detach()
    again = attach_session(connection, session.id, progress=False)
    assert [future.cancelled() for future in again.futures] == [True, False, False, False]
    again.cleanup(force=True)


def test_what_is_cancelled_while_python_ends_is_recorded_by_who_closes(
    connection: Connection, fleet: Fleet
) -> None:
    """As by an iterator that the program leaves open: Python starts no threads by then."""

    def start(_: object) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    session = opened(connection, fleet)
    with pytest.MonkeyPatch.context() as ending:
        ending.setattr(threading.Thread, "start", start)
        assert session.futures[1].cancel()
    session.detach()
    again = attach_session(connection, session.id, progress=False)
    assert [future.cancelled() for future in again.futures] == [False, True, False, False]
    again.cleanup(force=True)

"""Corners of the client: callbacks that steer, neighbours that erase, an end that goes wrong."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

import starburst
from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.attaching import attach_session, list_sessions
from starburst._client.ending.erase import erase
from starburst._client.opening import open_session
from starburst._client.session import Session
from starburst._functions.calls import CALL
from starburst.cli import main as command_line
from starburst.contract import SessionKeys
from starburst.errors import ConfigurationError, SessionEnded, SessionError
from tests.runtime.client.failing.alone import left_beside_records
from tests.runtime.fleet import BUCKET, Fleet, Lingering
from tests.runtime.sessions import ONE, opened, square, work
from tests.runtime.worker.faults import Faulty, refusal
from tests.session_internals import core, flush

pytestmark = pytest.mark.usefixtures("forked")

OFFLINE = EndpointConnectionError(endpoint_url="https://s3.test")


@pytest.mark.parametrize(
    "steer",
    [
        lambda session: session.cancel(),
        lambda session: session.collect(wait=False, return_exceptions=True),
        lambda session: session.status(),
        lambda session: session.detach(),
        lambda session: session.cleanup(),
    ],
    ids=["cancel", "collect", "status", "detach", "cleanup"],
)
def test_a_callback_may_steer_the_session(
    connection: Connection, fleet: Fleet, steer: Callable[[Session], object]
) -> None:
    session = opened(connection, fleet)
    steered: Future[object] = Future()

    def call(_: Future[Any]) -> None:
        try:
            steered.set_result(steer(session))
        except BaseException as error:
            steered.set_exception(error)
            raise

    session.futures[0].add_done_callback(call)
    work(fleet, session)
    steered.result(30)
    session.cleanup()


def test_two_threads_that_collect_share_the_results(connection: Connection, fleet: Fleet) -> None:
    session = opened(connection, fleet, tasks=200)
    work(fleet, session)
    core(session).tasks.wait(60, lambda: session.tally.done == 200)
    together = threading.Barrier(4)

    def collect() -> list[Any]:
        together.wait()
        return session.collect()

    with ThreadPoolExecutor(4) as pool:
        shares = [pool.submit(collect) for _ in range(4)]
    found = [value for share in shares for value in share.result()]
    assert sorted(found) == [x * x for x in range(200)]
    session.cleanup()


@pytest.mark.parametrize("trouble", ["SQS is away", "SQS refuses"])
def test_tasks_that_were_stored_outlive_trouble_with_their_messages(
    connection: Connection, fleet: Fleet, trouble: str
) -> None:
    fleet.launch = False
    sqs: Any = Faulty(fleet.sqs, "send_message_batch")
    mine = dataclasses.replace(connection, sqs=sqs, timings=Timings(silence_seconds=0.1))
    session = open_session(mine, ONE, progress=False)
    with pytest.MonkeyPatch.context() as meanwhile:
        if trouble == "SQS is away":
            sqs.error = refusal("ServiceUnavailable", 503)
        else:
            meanwhile.setattr("starburst._client.tasks.dispatch.send_messages", lambda *_: 1)
        session.map(square, range(3))
        flush(session)
    sqs.error = None
    work(fleet, session)
    assert session.collect(timeout=60) == [0, 1, 4]
    session.cleanup()


def test_what_could_not_be_sent_is_not_waited_for(connection: Connection, fleet: Fleet) -> None:
    fleet.launch = False
    sqs = Faulty(fleet.sqs, "send_message_batch")
    mine = dataclasses.replace(connection, sqs=sqs)  # type: ignore[arg-type]
    session = open_session(mine, ONE, progress=False)
    sqs.error = refusal("ExpiredToken")
    session.map(square, range(3))
    flush(session)
    assert session.tally.failed == 3
    assert core(session).tasks.outstanding == 0  # else it would look for them for days
    session.cleanup()


def test_futures_end_when_another_client_erases_their_session(
    connection: Connection, fleet: Fleet
) -> None:
    often = dataclasses.replace(connection, timings=Timings(status_seconds=0.1))
    session = opened(often, fleet)
    erase(connection, session.manifest.keys)
    assert len(session.futures) == 4
    for future in session.futures:
        with pytest.raises(SessionEnded, match="erased"):
            future.result(30)
    session.cleanup()
    assert not fleet.s3.list_object_versions(Bucket=BUCKET).get("Versions")


def test_a_second_client_that_submits_is_told_and_mixes_nothing_up(
    connection: Connection, fleet: Fleet
) -> None:
    first = opened(connection, fleet)
    second = attach_session(connection, first.id, progress=False)
    mine = first.map(square, [10, 11, 12])
    flush(first)
    for x in (20, 21):  # also the tasks after those that met the first client's
        with pytest.raises(SessionError, match=r"another client .*attach"):
            second.submit(square, x).result(30)
    second.detach()
    work(fleet, first)
    assert [future.result(60) for future in mine] == [100, 121, 144]
    again = attach_session(connection, first.id, progress=False)
    assert again.collect(timeout=60) == [0, 1, 4, 9, 100, 121, 144]
    again.detach()
    first.cleanup()


def test_a_task_that_comes_while_its_session_is_closed_is_refused(
    connection: Connection, fleet: Fleet
) -> None:
    session = opened(connection, fleet, tasks=0)
    session.submit(square, 1)
    core(session).dispatcher.close()  # as detach does, a moment before the ledger is closed
    with pytest.raises(SessionEnded):
        session.submit(square, 2)
    session.detach()
    session.collect(return_exceptions=True)  # would wait for ever for what is never sent


def test_collect_keeps_its_timeout_while_tasks_cannot_be_sent(
    connection: Connection, fleet: Fleet
) -> None:
    fleet.launch = False
    session = open_session(connection, ONE, progress=False)
    held, free = threading.Event(), threading.Event()
    sent: list[bool] = []

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(fleet.s3, name)

        def put_object(self, **terms: Any) -> Any:
            held.set()
            sent.append(free.wait(120))
            return fleet.s3.put_object(**terms)

    name = core(session).functions.name(CALL)
    core(session).dispatcher._connection = dataclasses.replace(connection, s3=Slow())  # type: ignore[arg-type]
    assert name
    session.submit(square, 3)
    assert held.wait(120)
    with pytest.raises(TimeoutError):
        session.collect(timeout=0.1)
    assert sent == [], "it waits for what is being sent"
    free.set()
    session.cleanup()


class Unreachable(Fleet):
    """A controller that cannot be reached to stop a session."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        if b'"stop"' in Payload:
            raise OFFLINE
        return super().invoke(FunctionName=FunctionName, Payload=Payload)


@pytest.fixture
def unreachable(connection: Connection, fleet: Fleet) -> Iterator[Connection]:
    away = Unreachable(s3=fleet.s3, sqs=fleet.sqs, kms=fleet.kms, key_arn=fleet.key_arn)
    mine = dataclasses.replace(connection, functions=away)  # type: ignore[arg-type]
    yield mine
    away.close()


def fails_on_one(x: int) -> int:
    if x == 1:
        raise ZeroDivisionError("of one")
    return x


def test_results_survive_a_clean_up_that_fails(unreachable: Connection) -> None:
    with pytest.warns(RuntimeWarning, match=r"could not be cleaned up.*starburst stop") as warned:
        found = starburst.map(square, [1, 2], environment=unreachable, workers=1, progress=False)
    assert found == [1, 4]
    assert warned[0].filename == __file__


def test_what_the_function_raised_survives_a_clean_up_that_fails(unreachable: Connection) -> None:
    with (
        pytest.warns(RuntimeWarning, match="could not be cleaned up"),
        pytest.raises(ZeroDivisionError, match="of one") as caught,
    ):
        starburst.map(fails_on_one, [1, 2], environment=unreachable, workers=1, progress=False)
    notes = "".join(caught.value.__notes__)
    assert "raised for input 0, counted from 0" in notes
    assert "starburst.attach(" in notes


def test_an_executors_results_and_its_blocks_error_survive_a_clean_up_that_fails(
    unreachable: Connection,
) -> None:
    pool = starburst.Executor(unreachable, workers=1, progress=False)
    future = pool.submit(square, 3)
    with (
        pytest.warns(RuntimeWarning, match="could not be cleaned up"),
        pytest.raises(KeyError, match="mine"),
        pool,
    ):
        raise KeyError("mine")
    assert future.result() == 9


def test_a_blocks_error_survives_a_clean_up_that_fails(unreachable: Connection) -> None:
    with (
        pytest.warns(RuntimeWarning, match="could not be cleaned up"),
        pytest.raises(KeyError, match="mine"),
        open_session(unreachable, ONE, progress=False),
    ):
        raise KeyError("mine")


def test_cleaning_up_twice_leaves_nothing(connection: Connection, fleet: Fleet) -> None:
    with opened(connection, fleet) as session:
        session.cleanup(force=True)
    assert not fleet.s3.list_object_versions(Bucket=BUCKET).get("Versions")


def test_a_later_shutdown_still_cancels_and_waits(connection: Connection, fleet: Fleet) -> None:
    fleet.launch = False
    pool = starburst.Executor(connection, workers=1, progress=False)
    futures = [pool.submit(square, x) for x in range(3)]
    pool.shutdown(wait=False)
    assert not any(future.done() for future in futures)
    pool.shutdown(wait=True, cancel_futures=True)
    assert all(future.cancelled() for future in futures)
    assert not left_beside_records(fleet)


def test_few_tasks_get_few_workers(connection: Connection, fleet: Fleet) -> None:
    found = starburst.map(square, [5], environment=connection, workers=40, progress=False)
    assert found == [25]
    assert len(fleet.workers) == 1


def test_nothing_warns_where_nothing_went_wrong(connection: Connection) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = starburst.map(square, [2], environment=connection, workers=1, progress=False)
    assert found == [4]


class Ended(ThreadPoolExecutor):
    """A pool as Python's end leaves it while other threads still wait for results."""

    def submit(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")


def test_results_are_collected_while_python_ends(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starburst._client.tasks.collect.ThreadPoolExecutor", Ended)
    session = opened(connection, fleet)
    work(fleet, session)
    assert session.collect(timeout=60) == [0, 1, 4, 9]
    session.cleanup()


@pytest.mark.parametrize("how", ["cleanup", "stop --erase"])
def test_what_a_worker_writes_on_its_way_out_is_erased_too(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    lingering: Any = Lingering(s3=fleet.s3, sqs=fleet.sqs, kms=fleet.kms, key_arn=fleet.key_arn)
    timings = Timings(workers_leave_pause_seconds=0)
    mine = dataclasses.replace(connection, functions=lingering, timings=timings)
    session = opened(mine, lingering)
    if how == "cleanup":
        assert session.cleanup(force=True).tasks.done == 0  # what was given up is not done
    else:
        session.detach()
        monkeypatch.setattr("starburst._client.access.connection.connect", lambda *_, **__: mine)
        assert command_line(["stop", "--erase", session.id]) == 0
    assert not fleet.s3.list_object_versions(Bucket=BUCKET).get("Versions")


def test_a_future_can_be_cancelled_by_itself(connection: Connection, fleet: Fleet) -> None:
    session = opened(connection, fleet)
    assert session.cancel(session.futures[1]) == 1
    assert [future.cancelled() for future in session.futures] == [False, True, False, False]
    session.cleanup()


@pytest.mark.parametrize("seconds", [-5, "5", float("nan"), float("inf"), 10**400, 1e300, None])
def test_a_session_is_extended_by_a_number_of_seconds(
    connection: Connection, fleet: Fleet, seconds: Any
) -> None:
    session = opened(connection, fleet, tasks=0)
    with pytest.raises(ConfigurationError, match="number of seconds"):
        session.extend(seconds)
    session.cleanup()


def test_a_session_that_has_ended_is_not_said_to_last(connection: Connection, fleet: Fleet) -> None:
    class Ended(Lingering):
        def extend(self, keys: SessionKeys) -> dict[str, str]:
            raise SessionEnded("it has ended")

    ended: Any = Ended(s3=fleet.s3, sqs=fleet.sqs, kms=fleet.kms, key_arn=fleet.key_arn)
    session = opened(dataclasses.replace(connection, functions=ended), ended, tasks=0)
    ended.tell(session.manifest.keys, workers=0, deadline=time.time() + 9999)
    with pytest.raises(SessionEnded):
        session.extend(60)
    session.cleanup()


def test_a_fork_is_told_to_attach(connection: Connection, fleet: Fleet) -> None:
    session = opened(connection, fleet, tasks=1)
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 says that it is unwise
        forked = os.fork()
    if forked == 0:
        try:
            session.submit(square, 2)
        except SessionError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(forked, 0)
    os.close(write)
    with os.fdopen(read, "rb") as said:
        assert b"starburst.attach(id)" in said.read()
    assert len(session.futures) == 1
    session.cleanup()


def test_sessions_are_told_apart_at_a_glance(connection: Connection, fleet: Fleet) -> None:
    with opened(connection, fleet, tasks=0) as session:
        (summary,) = list_sessions(connection)
        assert repr(summary).startswith(f"<starburst session {session.id}: starting, started 20")
        assert len(repr(summary)) < 100

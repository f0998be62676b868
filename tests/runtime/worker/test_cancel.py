"""Cancelling: what was cancelled does not run, is cancelled everywhere; the rest is not lost."""

from __future__ import annotations

import dataclasses
import threading
import time
from concurrent.futures import CancelledError, Future, as_completed, wait
from pathlib import Path
from typing import Any

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.attaching import attach_session
from starburst._protocol.sealed.cancel_list import (
    NOTHING_CANCELLED,
)
from starburst._protocol.sealed.result_nodes import node_key, open_node
from tests.runtime.client.failing.alone import left_beside_records
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.worker.cancelling import (
    ONE,
    TWO,
    drained,
    idle_session,
    listed,
    note,
    queued,
    ran,
    work,
)
from tests.session_internals import chunks, core, data_key, flush, in_one_pack, queue_url

# Workers look at the list each time that they may.
pytestmark = [pytest.mark.usefixtures("forked"), pytest.mark.timings(cancel_list_seconds=0.0)]


def test_a_task_in_the_queue_that_is_cancelled_does_not_run(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    session = idle_session(connection, fleet)
    futures = queued(session, tmp_path, 12)
    cancelled = {2, 3, 7, 11}
    assert session.cancel(futures[i] for i in cancelled) == len(cancelled)
    work(fleet, session)
    done = wait(futures, timeout=60)
    assert not done.not_done
    assert drained(fleet, session)
    assert ran(tmp_path) == set(range(12)) - cancelled
    assert [f.cancelled() for f in futures] == [i in cancelled for i in range(12)]
    assert session.tally.cancelled == len(cancelled)
    assert session.tally.done == 12
    session.cleanup()


def test_cancel_on_a_future_reaches_the_queue_by_itself(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    session = idle_session(connection, fleet)
    futures = queued(session, tmp_path, 3)
    assert futures[1].cancel()
    assert futures[1].cancel()  # as often as one likes
    core(session).cancels.flush()
    work(fleet, session)
    assert futures[0].result(60) == 0
    assert futures[2].result(60) == 2
    with pytest.raises(CancelledError):
        futures[1].result()
    assert ran(tmp_path) == {0, 2}
    session.cleanup()


def test_a_task_that_was_not_sent_yet_is_dropped_here(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    session = idle_session(connection, fleet)
    with in_one_pack(session):  # the sending thread cannot take tasks meanwhile
        futures = session.map(note, [(i, str(tmp_path)) for i in range(4)])
        assert futures[0].cancel()
        assert futures[2].cancel()
    flush(session)
    assert sum(entry.tasks for entry in chunks(session).values()) == 2
    session.detach()
    again = attach_session(connection, session.id, progress=False)
    work(fleet, session)
    outcomes = again.collect(timeout=60, return_exceptions=True)
    assert isinstance(outcomes[0], CancelledError)
    assert isinstance(outcomes[2], CancelledError)
    assert [outcomes[1], outcomes[3]] == [1, 3]
    again.cleanup()


def test_a_worker_in_the_middle_of_a_cancelled_task_stops_it(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    def hang(x: tuple[int, str]) -> int:
        note(x)
        if x[0] == 1:
            time.sleep(600)
        return x[0]

    session = idle_session(connection, fleet)
    with in_one_pack(session):
        futures = session.map(hang, [(i, str(tmp_path)) for i in range(4)])
    work(fleet, session)
    deadline = time.monotonic() + 120
    while 1 not in ran(tmp_path) and time.monotonic() < deadline:
        pass
    assert futures[1].cancel()
    assert [futures[i].result(60) for i in (0, 2, 3)] == [0, 2, 3]
    assert drained(fleet, session)  # nobody sleeps on
    session.cleanup()


def test_a_finished_task_cannot_be_cancelled(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    session = idle_session(connection, fleet)
    futures = queued(session, tmp_path, 2)
    work(fleet, session)
    assert futures[0].result(60) == 0
    assert not futures[0].cancel()
    assert futures[1].result(60) == 1
    assert session.cancel() == 0
    assert session.collect() == [0, 1]
    assert not listed(fleet, session)
    session.cleanup()


def test_a_committed_result_wins_over_a_cancel_that_comes_after_it(
    connection: Connection, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = idle_session(connection, fleet)
    # This client does not look: the results are in S3, and it has not heard of them.
    monkeypatch.setattr(core(session).collector, "start", lambda: None)
    futures = queued(session, tmp_path, 3)
    work(fleet, session)
    assert drained(fleet, session)
    assert session.cancel() == 0
    assert [f.result(0) for f in futures] == [0, 1, 2]
    again = attach_session(connection, session.id, progress=False)
    assert again.collect(timeout=60) == [0, 1, 2]
    again.detach()
    session.cleanup()


def test_a_cancel_wins_over_a_result_that_is_committed_after_it(
    connection: Connection, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = idle_session(connection, fleet)
    futures = queued(session, tmp_path, 3)
    assert session.cancel(futures[:1]) == 1
    # A worker that has not read the list yet runs all and commits all.
    monkeypatch.setattr(
        "starburst.worker.objects.cancelled.Cancelled.tasks", lambda _: NOTHING_CANCELLED
    )
    work(fleet, session)
    assert futures[1].result(60) == 1
    assert drained(fleet, session)
    assert ran(tmp_path) == {0, 1, 2}
    outcomes = session.collect(timeout=60, return_exceptions=True)
    again = attach_session(connection, session.id, progress=False)
    for seen in (outcomes, again.collect(timeout=60, return_exceptions=True)):
        assert isinstance(seen[0], CancelledError)
        assert seen[1:] == [1, 2]
    assert again.futures[0].cancelled()
    again.detach()
    session.cleanup()


@pytest.mark.parametrize("round_", range(3))
def test_cancels_race_with_results_and_every_task_ends_once(
    connection: Connection, fleet: Fleet, tmp_path: Path, round_: int
) -> None:
    session = idle_session(connection, fleet, TWO)
    futures = queued(session, tmp_path, 300)
    ends: list[int] = []
    for number, future in enumerate(futures):
        future.add_done_callback(lambda _, number=number: ends.append(number))
    work(fleet, session)
    won: dict[int, bool] = {}

    def cancel(start: int) -> None:
        for number in range(start, 300, 7):
            won[number] = futures[number].cancel()

    threads = [threading.Thread(target=cancel, args=(n,)) for n in (round_, round_ + 1)]
    for thread in threads:
        thread.start()
    assert len(list(as_completed(futures, timeout=60))) == 300
    for thread in threads:
        thread.join()
    assert sorted(ends) == list(range(300))
    assert {n for n, f in enumerate(futures) if f.cancelled()} == {n for n, w in won.items() if w}
    assert all(f.result() == n for n, f in enumerate(futures) if not f.cancelled())
    tally = session.tally
    assert (tally.done, tally.failed, tally.cancelled) == (300, 0, sum(won.values()))
    assert core(session).tasks.outstanding == 0
    session.detach()
    again = attach_session(connection, session.id, progress=False)
    wait(again.futures, timeout=60)
    assert [f.cancelled() for f in again.futures] == [f.cancelled() for f in futures]
    again.cleanup()


def test_collect_raises_cancelled_and_gives_the_rest_on_request(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    session = idle_session(connection, fleet)
    futures = queued(session, tmp_path, 3)
    session.cancel([futures[1]])
    work(fleet, session)
    with pytest.raises(CancelledError, match="return_exceptions=True"):
        session.collect(timeout=60)
    first, second, third = session.collect(timeout=60, return_exceptions=True)
    assert (first, third) == (0, 2)
    assert isinstance(second, CancelledError)
    assert session.collect(timeout=60) == []
    session.cleanup()


def test_shutdown_with_cancel_futures_ends_what_waits_and_keeps_what_is_done(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    with starburst.Executor(connection, workers=1, idle_timeout=20, progress=False) as pool:
        first = pool.submit(note, (0, str(tmp_path)))
        assert first.result(60) == 0
        stuck = [pool.submit(time.sleep, 60) for _ in range(2)]
        waiting = [pool.submit(note, (i, str(tmp_path))) for i in range(1, 40)]
        pool.shutdown(wait=False, cancel_futures=True)
        assert all(future.cancelled() for future in [*stuck, *waiting])
        assert first.result() == 0
        with pytest.raises(RuntimeError):
            pool.submit(abs, 1)
    for thread in threading.enumerate():
        if thread.name == "starburst-shutdown":
            thread.join(60)
    assert ran(tmp_path) == {0}
    assert left_beside_records(fleet) == []


def test_cancelled_tasks_stay_so_when_the_worker_died_of_them(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    """A lease that comes back is bisected; the halves heed the list too."""
    session = idle_session(connection, fleet, dataclasses.replace(ONE, attempts=2))
    futures = queued(session, tmp_path, 8)
    session.cancel(futures[4:])
    url = queue_url(session)
    while fleet.sqs.receive_message(QueueUrl=url, VisibilityTimeout=0).get("Messages") is None:
        pass
    work(fleet, session)
    assert [f.result(60) for f in futures[:4]] == [0, 1, 2, 3]
    assert drained(fleet, session)
    assert ran(tmp_path) == {0, 1, 2, 3}
    session.cleanup()


def test_a_node_says_which_of_its_tasks_were_cancelled(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    """So a client that is attached at the same time need not read the list to know."""
    session = idle_session(connection, fleet, ONE)
    with in_one_pack(session):
        futures = session.map(note, [(i, str(tmp_path)) for i in range(4)])
    flush(session)
    (name, entry), *_ = chunks(session).items()
    session.cancel(futures[: entry.tasks])
    work(fleet, session)
    assert drained(fleet, session)
    key = node_key(session.manifest.keys, name, lo=0, hi=entry.tasks)
    node = open_node(
        fleet.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read(),
        session=session.id,
        chunk=name,
        lo=0,
        hi=entry.tasks,
        key=data_key(session),
    )
    assert {failure.kind for failure in node.failures.values()} == {"cancelled"}
    assert len(node.failures) == entry.tasks
    session.cleanup()


def test_a_callback_of_a_cancelled_task_may_cancel_and_submit(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    session = idle_session(connection, fleet)
    futures = queued(session, tmp_path, 3)
    more: list[Future[Any]] = []

    def submit_more(_: Future[Any]) -> None:
        more.append(session.submit(abs, -5))

    def cancel_next(_: Future[Any]) -> None:
        futures[1].cancel()

    futures[0].add_done_callback(cancel_next)
    futures[1].add_done_callback(submit_more)
    assert futures[0].cancel()
    core(session).cancels.flush()  # the list is written a moment later, and these workers start now
    work(fleet, session)
    assert futures[2].result(60) == 2
    assert more[0].result(60) == 5
    assert ran(tmp_path) == {2}
    session.cleanup()


def test_what_is_cancelled_as_a_whole_leaves_the_queue_before_any_worker_comes(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    session = idle_session(connection, fleet, TWO)
    queued(session, tmp_path, 40)
    assert session.cancel() == 40
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = fleet.sqs.get_queue_attributes(QueueUrl=queue_url(session), AttributeNames=names)
    assert set(counts["Attributes"].values()) == {"0"}
    future = session.submit(note, (99, str(tmp_path)))
    work(fleet, session)
    assert future.result(60) == 99
    assert ran(tmp_path) == {99}
    session.cleanup()


def test_taking_cancelled_work_out_leaves_what_another_client_wants(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    connection = dataclasses.replace(connection, timings=Timings(cancelled_message_seconds=1))
    session = idle_session(connection, fleet)
    queued(session, tmp_path, 3)
    other = attach_session(connection, session.id, progress=False)
    future = other.submit(note, (50, str(tmp_path)))
    flush(other)
    assert session.cancel() == 3
    work(fleet, session)
    assert future.result(60) == 50
    assert ran(tmp_path) == {50}
    other.detach()
    session.cleanup()

"""What a worker waits for, at the proportions that it has in AWS: minutes pass in virtual time."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from starburst.contract.times import (
    GRACE_SECONDS,
    HEARTBEAT_SECONDS,
    LEASE_SECONDS,
    STOP_SECONDS,
)
from starburst.errors import SessionError
from starburst.worker.settings.timings import TICK_SECONDS, Timings
from tests.runtime.effects import listening
from tests.runtime.wire import no_queue

from .virtual_aws import Message, outage
from .virtual_session import Killed, VirtualSession

TIMES = Timings()


def test_tasks_that_outlast_their_lease_beside_a_slow_commit_are_begun_once() -> None:
    session = VirtualSession([5 * LEASE_SECONDS], [4 * LEASE_SECONDS])
    slow = session.time.wait_until
    session.s3.meet("put_node", lambda: slow(session.time.now + 3 * LEASE_SECONDS))
    session.run()
    assert [number for number, _ in session.starts] == [0, 1]
    assert session.outcomes() == session.squares()
    assert max(message.at for message in session.effects.of("delete")) < 10 * LEASE_SECONDS
    session.check()


@pytest.mark.parametrize("deliveries", [1, 2])
def test_a_message_is_another_workers_one_lease_after_its_workers_last_heartbeat(
    deliveries: int,
) -> None:
    session = VirtualSession([1000.0])
    first = session.worker()
    session.kill_at(100.0, first)
    with pytest.raises(Killed):
        session.run(first)
    assert session.time.now == pytest.approx(100.0)
    for _ in range(deliveries):
        assert session.sqs.receive_message(
            QueueUrl="url",
            MaxNumberOfMessages=1,
            WaitTimeSeconds=60,
            VisibilityTimeout=30,
            MessageSystemAttributeNames=[],
        )["Messages"]
    took = session.time.now - 100.0 - LEASE_SECONDS * (deliveries - 1)
    assert took <= LEASE_SECONDS + TICK_SECONDS
    assert took > LEASE_SECONDS - HEARTBEAT_SECONDS - 2 * TICK_SECONDS


def test_a_request_to_send_again_and_the_commit_beside_it_are_kept_while_s3_is_slow() -> None:
    """And who has sent something again stays for it, however long that took."""
    session = VirtualSession([1.0], [1.0])
    time = session.time

    def wait(leases: float) -> Callable[[], None]:
        return lambda: time.wait_until(time.now + leases * LEASE_SECONDS)

    session.s3.meet("put_node", wait(5))
    session.sqs.messages.pop()
    session.ask_to_send_again()
    session.s3.meet("get_node", wait(3), wait(3))
    session.run()
    assert session.outcomes() == session.squares()
    assert [line["ranges"] for line in session.logged("sent again")] == [2]
    session.check()


@pytest.mark.parametrize("told", [(10.0,), (10.0, 60.0)], ids=["once", "twice"])
@pytest.mark.parametrize(
    ("lasts", "starts"), [(10.0 + GRACE_SECONDS - 1.0, 1), (10.0 + GRACE_SECONDS + 1.0, 2)]
)
def test_who_is_told_to_stop_has_the_grace_time_to_end_its_task_and_no_more(
    lasts: float, starts: int, told: tuple[float, ...]
) -> None:
    session = VirtualSession([lasts])
    worker = session.worker()
    for moment in told:
        session.stop_at(moment, worker)
    session.run(worker)
    assert session.time.now <= 10.0 + GRACE_SECONDS + 2 * TICK_SECONDS < 10.0 + STOP_SECONDS
    assert session.started(0) == 1
    if starts > 1:
        assert session.time.now >= 10.0 + GRACE_SECONDS
        (left,) = session.sqs.messages
        assert left.deliveries == 0, "it counts as one that was never tried"
        session.run()
    assert session.started(0) == starts
    assert session.outcomes() == session.squares()
    session.check()


def test_who_is_told_to_stop_hands_on_at_once_what_it_has_not_begun() -> None:
    session = VirtualSession([6.0] * 8, workers=1)
    worker = session.worker()
    session.stop_at(15.0, worker)
    session.run(worker)
    assert session.time.now <= 18.0 + TICK_SECONDS
    done = [number for number, _ in session.starts]
    assert len(done) == 3
    assert [n for n, outcome in enumerate(session.outcomes()) if outcome is not None] == done
    session.run()
    assert sorted(number for number, _ in session.starts) == list(range(8))
    assert session.outcomes() == session.squares()
    session.check()


@pytest.mark.parametrize("moment", [5.0, 22.5])
def test_who_is_told_to_stop_while_it_waits_for_work_ends_at_once(moment: float) -> None:
    session = VirtualSession([1.0])
    worker = session.worker()
    session.stop_at(moment, worker)
    session.run(worker)
    assert session.time.now == pytest.approx(moment, abs=0.01)
    session.check()


def test_who_is_told_to_stop_while_it_waits_for_aws_ends_at_once() -> None:
    session = VirtualSession()
    session.sqs.meet("receive_message", *[outage() for _ in range(6)])
    worker = session.worker()
    session.stop_at(20.0, worker)
    session.run(worker)
    assert session.time.now == pytest.approx(20.0, abs=0.01)


def test_who_is_told_to_stop_just_before_it_waits_on_does_not_wait() -> None:
    session = VirtualSession([1.0])
    session.meet("put_node", lambda: session.time.wait_until(60.0))
    session.meet("receive_message", None, *[outage() for _ in range(5)])
    worker = session.worker()
    told: list[float] = []

    def stop() -> None:
        told.append(session.time.now)
        worker.stop(15, None)

    session.meet("change_message_visibility", stop)
    session.run(worker)
    assert [line["now"] for line in session.logged("stopped")] == [pytest.approx(told[0])]
    assert session.outcomes() == session.squares()
    session.check()


def test_a_worker_leaves_when_it_has_had_no_work_for_the_idle_time_since_its_last() -> None:
    session = VirtualSession([50.0], idle_seconds=60)
    late = session.sqs.messages.pop()
    session.time.call_at(55.0, lambda: session.sqs.messages.append(late))
    session.run()
    assert session.outcomes() == session.squares()
    assert 55.0 + 50.0 + 60.0 <= session.time.now <= 55.0 + 50.0 + 60.0 + 1.0


def test_failures_in_a_row_are_waited_out_ever_longer_and_a_success_ends_the_row() -> None:
    session = VirtualSession(idle_seconds=3600)
    seven = [outage() for _ in range(TIMES.most_failures - 1)]
    session.sqs.meet("receive_message", *seven, None, *seven, None, *seven, outage())
    with pytest.raises(SessionError, match="8 times in a row"):
        session.run()
    lines = session.logged("trouble")
    assert [line["in_a_row"] for line in lines] == [*range(1, 8), *range(1, 8), *range(1, 9)]
    moments = [line["now"] for line in lines[:7]]
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    longest = TIMES.longest_pause_seconds
    assert gaps == pytest.approx([1.0, 2.0, 4.0, 8.0, 16.0, longest], abs=0.01)


def test_a_queue_that_sqs_does_not_show_for_a_minute_ends_the_worker_and_no_sooner() -> None:
    session = VirtualSession([30.0], idle_seconds=600)
    session.sqs.meet("receive_message", None, *[no_queue() for _ in range(100)])
    session.run()
    (ended,) = session.logged("session ended")
    assert 30.0 + TIMES.deletion_seconds <= ended["now"] <= 33.0 + TIMES.deletion_seconds
    assert session.outcomes() == session.squares()
    session.check()


def test_what_another_worker_has_committed_is_dropped_at_the_next_look() -> None:
    session = VirtualSession([5000.0])
    first, other = session.worker(), session.worker()
    body = session.sqs.messages[0].body

    def commit_elsewhere() -> None:
        session.tasks[0] = 1.0
        session.sqs.send(body)
        assert other.turn(1)
        other.close()
        session.tasks[0] = 5000.0

    session.time.call_at(700.0, commit_elsewhere)
    session.run(first)
    (line,) = session.logged("overtaken")
    assert 700.0 < line["now"] <= 700.0 + TIMES.overtaken_seconds + TICK_SECONDS
    assert session.time.now <= line["now"] + 60.0 + TICK_SECONDS
    assert session.outcomes() == session.squares()
    session.check()


@pytest.mark.parametrize("alive", [True, False])
def test_who_may_be_at_a_task_that_has_had_its_attempts_has_a_minute_to_say_so(alive: bool) -> None:
    session = VirtualSession([2000.0])
    (message,) = session.sqs.messages
    message.deliveries = 3
    others, asking = [session.worker() for _ in range(3)], session.worker()
    task = ("p000001-00000", 0, 1)
    for number, other in enumerate(others):
        other.store.attempts.begin(task, worker=f"other{number}")
    if alive:
        said = 3 * TIMES.asked_seconds
        answer = others[0].store.attempts.answer
        session.time.call_at(said, lambda: answer(task, worker="other0"))
    with listening():
        assert asking.turn(1)
        asking.close()
    waited = session.time.now
    assert TIMES.answer_seconds <= waited <= TIMES.answer_seconds + 1.0
    assert session.outcomes() == ([None] if alive else ["lost"])
    assert not session.sqs.messages
    session.check()


def test_who_is_told_to_stop_while_it_waits_for_an_answer_leaves_the_task_to_others() -> None:
    session = VirtualSession([1.0])
    (message,) = session.sqs.messages
    message.deliveries = 3
    for number in range(3):
        others = session.worker().store.attempts
        others.begin(("p000001-00000", 0, 1), worker=f"other{number}")
    asking = session.worker()
    session.stop_at(10.0, asking)
    session.run(asking)
    assert 10.0 <= session.time.now <= 11.0
    assert session.outcomes() == [None]
    assert len(session.sqs.messages) == 1


def test_who_is_at_a_task_for_long_says_so_to_who_asks() -> None:
    session = VirtualSession([300.0])
    task = ("p000001-00000", 0, 1)
    attempts = session.worker().store.attempts
    found: list[tuple[bool, set[str]]] = []

    def ask() -> None:
        asked = attempts.ask(task, worker="asking")
        assert asked is not None
        due = session.time.now + TIMES.asked_seconds + 2 * TICK_SECONDS

        def look() -> None:
            found.append((attempts.is_answered(task, after=asked), attempts.workers(task)))

        session.time.call_at(due, look)

    for moment in (30.0, 100.0, 200.0):
        session.time.call_at(moment, ask)
    worker = session.run()
    name = worker.ranges._worker
    assert found == [(False, set()), (True, {name}), (True, {name})]
    session.check()


def test_a_cancel_is_known_within_seconds_and_costs_one_look_in_so_long() -> None:
    session = VirtualSession([100.0], [3.0])
    session.time.call_at(31.0, lambda: session.cancel(0))
    session.run()
    ended = next(at for number, at in session.starts if number == 1)
    assert 31.0 <= ended <= 31.0 + TIMES.cancel_list_seconds + TICK_SECONDS
    assert session.outcomes() == ["cancelled", 1]
    looks = session.s3.calls["get_cancelled"]
    assert looks <= ended / TIMES.cancel_list_seconds + 2
    session.check()


def test_requests_to_send_again_are_obeyed_once_a_minute() -> None:
    session = VirtualSession([1.0], idle_seconds=600)
    lost = session.sqs.messages.pop()
    for moment in (1.0, 20.0, 50.0, 70.0):
        session.time.call_at(moment, session.ask_to_send_again)
    session.run()
    lines = session.logged("sent again")
    assert [(round(line["now"]), line["ranges"]) for line in lines] == [(1, 1), (70, 0)]
    assert session.outcomes() == session.squares()
    assert lost.deliveries == 0
    assert not session.sqs.messages
    session.check()


def test_a_count_of_what_waits_is_asked_again_when_it_has_aged_and_not_before() -> None:
    session = VirtualSession([1.0], [1.0], [1.0])
    leases, found = session.worker().leases, []
    for seconds in (0.0, 4.0, 0.9, 0.2, 4.9, 0.2):
        session.time.sleep(seconds)
        found.append(leases.backlog(fresh=5.0))
        session.sqs.messages.pop()
        session.sqs.messages.extend([Message("", sent=0.0, visible=0.0)] * 2)
    assert found == [3, 3, 3, 6, 6, 8]
    assert session.sqs.calls["get_queue_attributes"] == 3


@pytest.mark.parametrize(("late", "obeyed"), [(0.0, 1), (1.0, 0)])
def test_a_request_that_waited_for_long_knows_too_little_of_who_works(
    late: float, obeyed: int
) -> None:
    session = VirtualSession([1.0])
    session.sqs.messages.clear()
    session.time.sleep(5.0)
    session.ask_to_send_again()
    session.time.sleep(TIMES.stale_seconds + late)
    session.run()
    assert len(session.logged("sent again")) == obeyed
    assert not session.sqs.messages
    session.check()


@pytest.mark.parametrize("failures", [0, 1])
def test_what_is_queued_anew_near_sqs_limit_is_so_once_and_its_task_runs_on(failures: int) -> None:
    session = VirtualSession(
        [400.0], timings=Timings(longest_lease_seconds=250.0, overtaken_seconds=20.0)
    )
    session.meet("send_message_batch", *[outage()] * failures)
    session.run()
    sent = [effect.at for effect in session.effects.of("send") if not effect.error]
    assert sent == [pytest.approx(260 + 10 * failures, abs=11)], "the next heartbeat tries again"
    committed = session.logged("committed")
    assert [line["now"] for line in committed] == [pytest.approx(400.0, abs=0.1)]
    assert session.started(0) <= 2, "the copy is dropped at the first look"
    assert not session.sqs.messages
    assert session.outcomes() == session.squares()


def test_a_long_task_costs_one_look_at_what_others_did_in_ten_minutes() -> None:
    session = VirtualSession([1900.0])
    session.run()
    assert session.outcomes() == session.squares()
    assert session.s3.calls["head_node"] == 3

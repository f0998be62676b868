"""How commits, tasks and workers end beside each other: nothing is lost by it, and all is said."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from starburst._protocol.sealed.chunks import ChunkMessage, read_message
from starburst._protocol.sealed.failure import Failure
from starburst._protocol.sealed.result_nodes import ResultNode
from starburst.errors import SessionError
from starburst.worker.leases.background_commit import BackgroundCommit
from starburst.worker.leases.lease import Lease
from starburst.worker.settings.timings import Timings
from tests.runtime.effects import listening
from tests.some import some

from .test_handing_on import PATIENT, messages, sent, waiting
from .virtual_aws import Message, outage
from .virtual_session import Dies, VirtualSession


def slow(session: VirtualSession, until: float, *, fails: bool = False) -> Callable[[], None]:
    """Return a call that takes until then, and may fail after all."""

    def act() -> None:
        session.time.wait_until(until)
        if fails:
            raise outage()

    return act


# The commit that is under way when a worker ends.


@pytest.mark.parametrize("refused", [False, True])
def test_a_last_commit_that_fails_leaves_its_range_to_others_at_once(refused: bool) -> None:
    session = VirtualSession([1.0])
    session.meet("put_node", slow(session, 15.0, fails=True))
    session.meet("send_message_batch", *[outage()] * refused)
    worker = session.worker()
    session.stop_at(5.0, worker)
    session.run(worker)
    assert session.time.now == pytest.approx(15.0, abs=0.6)
    assert len(session.logged("stopped")) == len(session.logged("trouble")) == 1
    [message] = session.sqs.messages
    assert (message.visible <= session.time.now) is not refused, "else when its lease runs out"
    session.run()
    assert session.outcomes() == session.squares()
    session.check()


@pytest.mark.parametrize("fails", [False, True])
def test_a_queue_that_is_deleted_beside_a_slow_commit_ends_the_worker_in_peace(fails: bool) -> None:
    """Its result is written all the same: who attaches later finds it."""
    session = VirtualSession([1.0], idle_seconds=600)
    session.meet("put_node", slow(session, 200.0, fails=fails))

    def delete() -> None:
        session.sqs.deleted = True

    session.time.call_at(5.0, delete)
    session.run()
    assert len(session.logged("session ended")) == 1
    assert session.outcomes() == ([None] if fails else [0])
    assert session.children == 0


def test_the_thread_that_commits_ends_with_its_worker() -> None:
    session = VirtualSession([1.0])
    threads: list[threading.Thread] = []
    session.meet("put_node", lambda: threads.append(threading.current_thread()))
    worker = session.run()
    [thread] = threads
    assert thread.name.startswith("starburst-commit")
    thread.join(20)
    assert not thread.is_alive()
    assert worker.settling.background.is_free


def test_commits_that_all_fail_end_the_worker_and_cost_nothing() -> None:
    session = VirtualSession([1.0], [1.0])
    session.meet("put_node", *[outage() for _ in range(100)])
    with pytest.raises(SessionError, match="8 times in a row"):
        session.run()
    session.s3.acts.clear()
    session.run()
    assert session.outcomes() == session.squares()
    assert not session.sqs.messages
    session.check()


def test_a_large_result_is_committed_before_more_work_is_leased(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("starburst.worker.settling._LARGE_BYTES", 0)
    session = VirtualSession([1.0], [1.0])
    session.meet("put_node", slow(session, 50.0))
    session.run()
    assert [at for _, at in session.starts] == [0.0, pytest.approx(50.0, abs=1.0)]
    session.check()


# A worker that is told to stop.


def test_who_is_told_to_stop_leaves_its_task_though_it_cannot_write_that_down() -> None:
    session = VirtualSession([200.0], timings=Timings(recorded_seconds=5.0, asked_seconds=2.0))
    session.meet("put_attempt", None, *[outage()] * 9)
    worker = session.worker()
    session.stop_at(20.0, worker)
    session.run(worker)
    assert session.left_to_meet("put_attempt") < 9
    assert not session.logged("trouble")
    assert waiting(session) == [(0, 1, 0)]


@pytest.mark.parametrize("call", ["put_node", "send_message_batch"])
def test_who_is_told_to_stop_after_trouble_with_handing_on_loses_nothing(call: str) -> None:
    session = VirtualSession([200.0, 1.0, 1.0])
    session.meet(call, outage())
    worker = session.worker()
    session.stop_at(20.0, worker)
    session.run(worker)
    assert session.left_to_meet(call) == 0
    session.run()
    assert session.outcomes() == session.squares()
    assert [session.started(number) for number in (1, 2)] == [1, 1]
    session.check()


# Long tasks, and those behind them.


def test_those_behind_a_long_task_are_handed_on_when_the_commit_before_it_has_ended() -> None:
    session = VirtualSession([0.5], [60.0, 1.0, 1.0], workers=3)
    session.meet("put_node", slow(session, 30.0))
    session.run()
    assert [at for number, at in session.starts if number == 1] == [pytest.approx(0.5, abs=0.1)]
    handed_on = [effect.at for effect in session.effects.of("send")]
    assert handed_on[0] >= 30.0
    assert handed_on[0] < 60.0
    assert session.outcomes() == session.squares()
    session.check()


def test_those_behind_a_long_task_wait_for_it_while_there_is_other_work_for_all() -> None:
    """And no longer than until there is none, however late the task began."""
    session = VirtualSession([60.0, 1.0, 1.0], *[[1.0]] * 5, workers=3)
    session.time.now = 1000.0
    for message in session.sqs.messages:
        message.visible = message.sent = 1000.0
    others = session.sqs.messages[1:]
    session.time.call_at(1002.0, lambda: session.sqs.messages.__delitem__(slice(1, None)))
    session.time.call_at(1050.0, lambda: session.sqs.messages.extend(others))
    session.run()
    first = session.effects.of("send")[0]
    assert 1002.0 < first.at <= 1002.0 + 2.0
    assert session.outcomes() == session.squares()
    session.check()


def test_a_long_task_that_kills_its_process_has_its_attempts_and_those_behind_it_run_once() -> None:
    session = VirtualSession([0.1, Dies(after=30.0), 0.1, 0.1], attempts=3)
    session.run()
    assert [session.started(number) for number in (1, 2, 3)] == [3, 1, 1]
    assert session.outcomes() == [0, "lost", 4, 9]
    session.check()


def test_a_long_task_that_is_cancelled_ends_at_once_and_those_behind_it_are_done() -> None:
    session = VirtualSession([0.1, 900.0, 0.1, 0.1])
    session.time.call_at(30.0, lambda: session.cancel(1))
    session.run()
    assert session.outcomes() == [0, "cancelled", 4, 9]
    assert session.logged("committed")[-1]["now"] < 200.0
    session.check()


@pytest.mark.parametrize("deliveries", [1, 2], ids=["did it", "cut it"])
def test_who_hands_on_and_finds_that_another_was_first_drops_its_task(deliveries: int) -> None:
    session = VirtualSession([0.1, 300.0, 0.1], workers=2)
    first, rival = session.worker(), session.worker()
    message = read_message(session.sqs.messages[0].body)
    assert isinstance(message, ChunkMessage)

    def be_first() -> None:
        session.tasks[1] = 0.1
        rival.work(Lease(message=message, receipt="lapsed", deliveries=deliveries))
        rival.close()
        session.tasks[1] = 300.0

    session.time.call_at(0.2, be_first)
    session.time.call_at(20.0, lambda: session.tasks.__setitem__(1, 0.1))
    with listening():
        first.turn(1)
        first.close()
    session.run()
    assert session.outcomes() == session.squares()
    assert not session.sqs.messages


def test_who_does_not_know_a_function_probes_it_and_hands_the_rest_on_in_parts_of_that_length() -> (
    None
):
    session = VirtualSession([0.06] * 8, workers=3)
    worker = session.worker()
    worker.turn(0)
    worker.close()
    [(_, node)] = session.nodes()
    assert node.covered == 4, "as many as begin within 0.2 s"
    assert node.children == ((4, 6), (6, 8)), "an eighth of a second each: the queue is empty"


def test_what_is_handed_on_beside_a_long_task_goes_by_how_long_its_like_took_before() -> None:
    session = VirtualSession([0.01] * 5, [60.0, *[0.01] * 20], workers=3)
    worker = session.worker()
    for _ in range(2):
        worker.turn(0)
    worker.close()
    _, (_, node) = list(session.nodes())[:2]
    assert node.children == ((0, 1), (1, 11), (11, 21))


def test_a_rest_that_is_short_is_done_by_who_has_it_while_others_have_enough_to_do() -> None:
    """By what its tasks took so far; where they take longer after all, the rest goes to others."""
    for durations, handed_on in (
        ([0.1] * 29, []),
        ([0.1] * 31, list(range(10, 31))),
        ([0.1] * 12 + [0.5] * 17, list(range(16, 29))),
        ([0.1] * 3 + [0.02] * 97, []),
    ):
        session = VirtualSession([0.1], durations, workers=100)
        session.sqs.messages += [Message("", sent=0.0, visible=0.0)] * 250
        worker = session.worker()
        for _ in range(2):  # the first tells how long a task takes
            worker.turn(0)
        worker.close()
        _, (_, node) = session.nodes()
        left = [n for lo, hi in node.children for n in range(lo, hi)]
        assert left == handed_on


def test_who_hands_on_and_finds_that_one_who_died_had_cut_the_range_sends_each_part_once() -> None:
    session = VirtualSession([0.1, 60.0, 0.1], workers=2)
    chunk, first = "p000001-00000", session.worker()
    parts = ((0, 1), (1, 2), (2, 3))
    cut = ResultNode(lo=0, hi=3, covered=0, children=parts, batches=(), failures={}, worker="dead")
    store = session.worker().store
    session.time.call_at(0.2, lambda: store.commit(chunk, cut, attempt=2))
    with listening():
        first.turn(1)
        first.close()
    assert tuple(sent(session, "w1")) == parts
    session.run()
    assert session.outcomes() == session.squares()
    assert not session.sqs.messages
    nodes = [key for key in session.s3.objects if f"{chunk}/" in key and "." not in key]
    assert len(nodes) == len(list(session.nodes())) == 4, "each of them is led to"


# What is said of tasks without a result.


def test_a_task_that_is_given_up_says_why() -> None:
    session = VirtualSession(
        [0.1, 0.1, 900.0, 0.1, Dies(after=0.1), 0.1, 0.1], attempts=2, task_timeout_seconds=2.5
    )
    session.cancel(3, 5)
    session.run()
    plain = {"traceback": "", "builtin": False}
    died = "the task took its process down 2 times: it died"
    over = "the task ran longer than its timeout of 2.5 s and was stopped"
    cancelled = Failure(
        type_name="CancelledError",
        text="the task was cancelled before it was done",
        kind="cancelled",
        **plain,  # type: ignore[arg-type]
    )
    assert session.failures() == {
        2: Failure(type_name="TimeoutError", text=over, kind="timeout", **plain),  # type: ignore[arg-type]
        3: cancelled,
        4: Failure(type_name="WorkerLost", text=died, kind="lost", **plain),  # type: ignore[arg-type]
        5: cancelled,
    }
    assert [session.started(number) for number in (3, 5)] == [0, 0]
    assert [session.outcomes()[number] for number in (0, 1, 6)] == [0, 1, 36]
    session.check()


def test_every_node_names_the_worker_that_wrote_it() -> None:
    session = VirtualSession([0.1] * 4, [60.0, 0.1], timings=PATIENT)
    session.sqs.messages[0].deliveries = 1
    session.run()
    assert {node.worker for _, node in some(session.nodes())} == {"w1"}


# A request to send again, which is no range.


def test_a_request_that_takes_long_is_kept_and_not_queued_anew() -> None:
    session = VirtualSession([1.0], timings=Timings(longest_lease_seconds=20.0))
    session.sqs.messages.clear()
    session.ask_to_send_again()
    session.meet("get_node", lambda: session.time.wait_until(100.0))
    session.run()
    assert [line["ranges"] for line in session.logged("sent again")] == [1]
    assert len(messages(session)) == 1
    assert session.outcomes() == session.squares()
    session.check()


# The thread beside the work.


def test_one_commit_is_under_way_at_a_time_and_none_after_the_end() -> None:
    background, lease = BackgroundCommit(), object()
    start: Any = background.start
    start(lease, lambda: None)
    with pytest.raises(RuntimeError, match="under way"):
        start(lease, lambda: None)
    assert background.finish(lambda: None) is None
    background.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        start(lease, lambda: None)

"""What a worker leaves to others is sent once and in time: told to stop, beside a long task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from starburst._protocol.sealed.chunks import ChunkMessage, read_message
from starburst._protocol.sealed.result_nodes import ResultNode, node_key
from starburst._protocol.sizing import Budgets
from starburst.worker.leases.lease import Lease
from starburst.worker.settings.timings import Timings
from tests.runtime.effects import listening
from tests.some import some

from .virtual_session import Dies, Killed, VirtualSession

PATIENT = Timings(budgets=Budgets(longest_seconds=90.0, shortest_seconds=90.0, probe_seconds=90.0))
"""A worker that hands nothing on before it must."""


def messages(session: VirtualSession, who: str = "") -> list[ChunkMessage]:
    """The messages that were sent, by one worker or by all."""
    bodies = [
        body
        for effect in session.effects.of("send")
        if not effect.error and who in ("", effect.who)
        for body in effect.facts["bodies"]
    ]
    return [m for m in map(read_message, bodies) if isinstance(m, ChunkMessage)]


def sent(session: VirtualSession, who: str = "") -> list[tuple[int, int]]:
    """The ranges of the first chunk that were sent, by one worker or by all."""
    return [(message.lo, message.hi) for message in messages(session, who)]


def waiting(session: VirtualSession) -> list[tuple[int, int, int]]:
    """The ranges of the messages in the queue, and how often each was delivered."""
    found = [(read_message(message.body), message.deliveries) for message in session.sqs.messages]
    return [(m.lo, m.hi, n) for m, n in found if isinstance(m, ChunkMessage)]


def test_a_stopping_worker_commits_what_it_has_and_hands_on_the_rest() -> None:
    session = VirtualSession([1.0] * 10, timings=PATIENT, workers=1)
    worker = session.worker()
    session.stop_at(3.5, worker)
    session.run(worker)
    assert session.time.now == pytest.approx(4.0, abs=0.1)
    assert session.outcomes() == [0, 1, 4, 9, *[None] * 6]
    rest = waiting(session)
    assert [number for lo, hi, _ in rest for number in range(lo, hi)] == list(range(4, 10))
    assert {deliveries for *_, deliveries in rest} == {0}
    session.run()
    assert session.outcomes() == session.squares()
    assert sorted(number for number, _ in session.starts) == list(range(10))
    session.check()


def test_a_stopping_worker_queues_anew_a_task_that_will_not_end_alone() -> None:
    session = VirtualSession([200.0, 1.0, 1.0])
    worker = session.worker()
    session.stop_at(10.0, worker)
    session.run(worker)
    assert (0, 1, 0) in waiting(session)
    assert all(deliveries == 0 for *_, deliveries in waiting(session))
    at_it = session.worker().store.attempts.workers(("p000001-00000", 0, 1))
    assert at_it == set(), "it has written that it let go"
    session.run()
    assert session.outcomes() == session.squares()
    assert [session.started(number) for number in range(3)] == [2, 1, 1]
    session.check()


@pytest.mark.parametrize("long", [0, 1])
def test_others_do_what_follows_a_long_task_while_it_still_runs(long: int) -> None:
    session = VirtualSession([*[0.1] * long, 100.0, *[0.1] * (5 - long)], workers=2)
    other = session.worker()

    def look() -> None:
        while other.turn(0):
            pass
        other.close()
        assert session.outcomes()[long + 1 :] == session.squares()[long + 1 :]
        assert session.outcomes()[long] is None

    session.time.call_at(50.0, look)
    session.run()
    assert session.outcomes() == session.squares()
    assert sorted(number for number, _ in session.starts) == list(range(6))
    ranges = sent(session)
    assert len(set(ranges)) == len(ranges), "each part is sent once"
    session.check()


def test_a_task_over_its_time_ends_so_and_those_behind_it_do_not_wait_for_that() -> None:
    session = VirtualSession([0.1, 900.0, 0.1, 0.1], workers=2, task_timeout_seconds=60.0)
    other = session.worker()

    def look() -> None:
        while other.turn(0):
            pass
        other.close()
        assert session.outcomes()[2:] == [4, 9]

    session.time.call_at(30.0, look)
    session.run()
    assert session.outcomes() == [0, "timeout", 4, 9]
    assert session.started(1) == 1
    ended = session.logged("committed")[-1]
    assert ended["failed"] == 1
    assert 60.0 <= ended["now"] <= 62.0
    session.check()


def test_who_takes_a_dead_workers_message_sends_again_what_has_no_result_and_no_more() -> None:
    session = VirtualSession([1000.0, 1.0, 1.0])
    first, other = session.worker(), session.worker()
    session.kill_at(100.0, first)
    with pytest.raises(Killed):
        session.run(first)
    session.tasks[0] = 2.0
    session.run(other)
    assert sent(session, "w2") == [(0, 1)]
    assert [message.inline for message in messages(session, "w2")] == [None], "it verified no copy"
    assert session.outcomes() == session.squares()
    session.check()


@pytest.mark.parametrize(("live", "ranges"), [("w1", 0), ("w9", 1)])
def test_what_a_live_worker_has_in_hand_is_not_sent_again(live: str, ranges: int) -> None:
    session = VirtualSession([200.0], timings=PATIENT)
    first, other = session.worker(), session.worker()

    def ask() -> None:
        session.ask_to_send_again(live)
        other.turn(1)
        other.close()

    session.time.call_at(100.0, ask)
    session.run(first)
    assert [line["ranges"] for line in session.logged("sent again")] == [ranges]
    assert session.outcomes() == session.squares()
    session.check()


def test_a_range_that_took_its_worker_down_is_cut_into_single_tasks() -> None:
    session = VirtualSession([0.1] * 30, timings=PATIENT)
    session.sqs.messages[0].deliveries = 1
    worker = session.worker()
    assert worker.turn(1)
    worker.settling.settle()
    assert sent(session) == [(n, n + 1) for n in range(30)]
    assert not session.starts
    session.run()
    assert session.outcomes() == session.squares()


@pytest.mark.parametrize("script", [Dies(after=0.5), 900.0])
def test_what_fails_after_the_budget_is_spent_fails_here_for_no_other_worker_knows_of_it(
    script: Dies | float,
) -> None:
    """A worker that knows how long tasks take has results to commit when the budget is spent."""
    session = VirtualSession(
        [0.3] * 20,
        [0.3, 0.3, 0.1, script, *[0.3] * 16],
        workers=1,
        attempts=3,
        task_timeout_seconds=2.0,
    )
    session.run()
    dies = isinstance(script, Dies)
    assert session.started(23) == (3 if dies else 1)
    squares = session.squares()
    assert session.outcomes() == [*squares[:23], "lost" if dies else "timeout", *squares[24:]]
    session.check()


def test_what_was_cancelled_stays_so_where_an_older_list_is_put_back() -> None:
    session = VirtualSession([60.0], [3.0], [3.0])
    session.time.call_at(10.0, lambda: session.cancel(1))
    session.time.call_at(30.0, lambda: session.cancel(7))
    session.run()
    assert session.outcomes() == [0, "cancelled", 4]
    assert session.started(1) == 0
    session.check()


def test_a_copy_of_a_chunk_that_nobody_verified_is_not_handed_on() -> None:
    session = VirtualSession([1.0, 1.0])
    [queued] = session.sqs.messages
    message = read_message(queued.body)
    assert isinstance(message, ChunkMessage)
    worker = session.worker()
    cut = ResultNode(
        lo=0,
        hi=2,
        covered=0,
        children=((0, 1), (1, 2)),
        batches=(),
        failures={},
        worker="w0",
    )
    worker.store.commit(message.chunk, cut, attempt=1)
    forged = Lease(message=replace(message, inline=b"forged"), receipt="r", deliveries=2)
    assert worker.settling.commits.resume(forged)
    handed_on = [read_message(one.body) for one in session.sqs.messages[1:]]
    assert all(isinstance(m, ChunkMessage) and m.inline is None for m in some(handed_on))
    assert [m.lo for m in handed_on if isinstance(m, ChunkMessage)] == [0, 1]


def test_what_another_had_committed_and_is_gone_at_the_next_look_is_left_at_once() -> None:
    """Somebody erases results while a worker finds itself overtaken."""
    session = VirtualSession([400.0], timings=Timings(overtaken_seconds=20.0))
    worker, objects = session.worker(), session.s3.objects
    key = node_key(session.keys, "p000001-00000", lo=0, hi=1)
    session.meet("head_node", lambda: objects.update({key: b"another's"}))
    session.meet("get_node", lambda: objects.pop(key))
    with listening():
        worker.turn(1)
    [message] = session.sqs.messages
    assert session.time.now < 60
    assert message.visible <= session.time.now, "no lease is waited for"
    assert worker.store.attempts.workers(("p000001-00000", 0, 1)) == set()
    worker.close()
    session.run()
    assert session.outcomes() == session.squares()


def test_a_message_that_sqs_does_not_date_is_taken_as_a_new_one() -> None:
    session = VirtualSession([1.0])
    receive = session.sqs.receive_message

    def undated(**words: Any) -> dict[str, Any]:
        answer = receive(**words)
        for message in answer.get("Messages", ()):
            message.pop("Attributes")
        return answer

    session.sqs.receive_message = undated  # type: ignore[method-assign]
    session.run()
    assert session.outcomes() == session.squares()


def test_a_range_that_was_sent_again_and_has_its_result_is_not_run_again() -> None:
    session = VirtualSession([1.0])
    [queued] = session.sqs.messages
    session.run()
    message = read_message(queued.body)
    assert isinstance(message, ChunkMessage)
    session.sqs.send(replace(message, again=True).to_body())
    session.run()
    assert session.started(0) == 1
    assert not session.sqs.messages
    session.check()

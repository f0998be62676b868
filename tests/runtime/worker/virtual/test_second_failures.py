"""AWS fails a worker once, and once more: nothing is lost, run for ever, or left behind."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._protocol.sealed.cancel_list import CancelledTasks
from starburst._protocol.sealed.chunks import ChunkMessage, read_message
from starburst.errors import SessionError
from starburst.worker.settings.timings import Timings
from tests.runtime.wire import json_error, no_queue, s3_error

from .virtual_aws import Act, Message, outage
from .virtual_session import Dies, Killed, VirtualSession

CALLS = (
    *("receive_message", "delete_message", "send_message_batch", "change_message_visibility"),
    *("get_queue_attributes", "get_pack", "get_functions", "get_cancelled"),
    *("put_node", "get_node", "head_node", "put_attempt", "get_attempt"),
)
"""Every kind of call that a worker makes."""

PATTERNS = {
    "once": (True,),
    "thrice in a row": (True, True, True),
    "again after a success": (False, True, False, True, True),
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the pauses between tries of one call without waiting."""
    monkeypatch.setattr("starburst.aws.calls._PAUSE", 0.0)
    monkeypatch.setattr("starburst._protocol.sealed.sending.time", SimpleNamespace(sleep=id))


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())
@pytest.mark.parametrize("call", CALLS)
def test_whatever_call_fails_each_task_has_its_one_result_and_no_message_is_left(
    call: str, pattern: tuple[bool, ...]
) -> None:
    session = VirtualSession(
        *([0.4] * 6, [40.0, 1.0, 1.0], [3.0], [0.1, 70.0, 0.1]),
        timings=Timings(overtaken_seconds=5.0, recorded_seconds=5.0, asked_seconds=2.0),
    )
    session.meet(call, *[outage() if fails else None for fails in pattern])
    session.ask_to_send_again("w1")
    session.run()
    assert session.left_to_meet(call) < len(pattern)
    assert session.outcomes() == session.squares()
    assert not session.sqs.messages
    session.check()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("get_pack", s3_error(400, "ExpiredToken")),
        ("put_node", s3_error(400, "ExpiredToken")),
        ("put_node", s3_error(503, "SlowDown")),
        ("send_message_batch", json_error("sqs", "ExpiredTokenException")),
        ("delete_message", json_error("sqs", "ThrottlingException")),
        ("receive_message", json_error("sqs", "KmsDisabled")),
    ],
)
def test_what_passes_is_outlasted_a_second_time_and_costs_no_task_an_attempt(
    call: str, error: ClientError
) -> None:
    session = VirtualSession([0.4] * 6, [3.0], attempts=1)
    seven: list[Act] = [error] * (Timings().most_failures - 1)
    session.meet(call, *seven, None, None, None, *seven)
    session.run()
    assert session.outcomes() == session.squares()
    assert not session.sqs.messages
    session.check()


def test_a_message_outlives_its_worker_where_its_rest_cannot_be_handed_on() -> None:
    session = VirtualSession([2.0] * 4)
    session.meet("send_message_batch", *[outage() for _ in range(100)])
    with pytest.raises(SessionError):
        session.run()
    assert len(session.sqs.messages) == 1
    assert "delete_message" not in session.sqs.calls
    session.sqs.acts.clear()
    session.run()
    assert session.outcomes() == session.squares()
    assert not session.sqs.messages
    session.check()


@pytest.mark.parametrize("times", [1, 2, 5, 12])
def test_what_sqs_refuses_of_a_batch_is_sent_again_before_the_message_goes(times: int) -> None:
    session = VirtualSession([0.5] * 30, workers=8)
    session.sqs.refused = times
    session.run()
    assert session.sqs.refused == 0
    assert session.outcomes() == session.squares()
    assert not session.sqs.messages
    session.check()


def test_trouble_in_the_midst_of_a_range_buries_its_child_before_the_next_lease() -> None:
    session = VirtualSession([1.0, 8.0, 1.0], [1.0, 1.0, 1.0], [2.0], workers=1)
    worker = session.worker()
    look, troubled = worker.store.cancelled.tasks, [3.0, 4.5, 6.0]

    def look_again() -> CancelledTasks:
        if troubled and session.time.now > troubled[0]:
            troubled.pop(0)
            raise outage()
        return look()

    worker.store.cancelled.tasks = look_again  # type: ignore[method-assign]
    session.run(worker)
    assert not troubled
    assert session.outcomes() == session.squares()
    assert session.children == 0, "each child is ended"
    session.check()


@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_task_that_kills_its_process_after_the_budget_is_spent_gets_its_attempts_and_no_more(
    before: int,
) -> None:
    session = VirtualSession([*[0.3] * before, Dies(after=0.5), 0.3, 0.3], attempts=3)
    session.run()
    assert session.started(before) == 3
    squares = session.squares()
    assert session.outcomes() == [*squares[:before], "lost", *squares[before + 1 :]]
    session.check()


def test_a_task_that_ran_out_of_time_after_the_budget_is_spent_is_not_begun_again() -> None:
    session = VirtualSession([0.3, 900.0, 0.3, 900.0], task_timeout_seconds=2.0)
    session.run()
    assert [session.started(number) for number in range(4)] == [1, 1, 1, 1]
    assert session.outcomes() == [0, "timeout", 4, "timeout"]
    session.check()


def test_a_task_that_kills_its_workers_costs_each_of_them_and_then_itself_alone() -> None:
    session = VirtualSession([0.1, 500.0, 0.1], attempts=3)
    for moment in itertools.count(100.0, 200.0):
        dying = session.worker()
        session.kill_at(moment, dying)
        try:
            session.run(dying)
        except Killed:
            assert moment < 2000.0
        else:
            break
    # Its attempts, and once more for each time that its range was handed on around it, or cut.
    assert session.started(1) == 3 + 2
    assert session.outcomes() == [0, "lost", 4]
    session.check()


def test_trouble_in_the_commits_beside_the_work_is_counted_in_a_row_only() -> None:
    session = VirtualSession(*[[0.5]] * 12)
    seven: list[Act] = [outage() for _ in range(Timings().most_failures - 1)]
    session.meet("put_node", *seven, None, *seven, None, *seven)
    session.run()
    assert session.outcomes() == session.squares()
    assert not session.sqs.messages
    assert max(line["in_a_row"] for line in session.logged("trouble")) == 7
    session.check()


def test_a_commit_is_kept_while_its_worker_waits_for_aws() -> None:
    session = VirtualSession([1.0])
    session.meet("put_node", lambda: session.time.wait_until(100.0))
    session.meet("receive_message", None, *[outage() for _ in range(7)])
    session.run()
    assert session.outcomes() == session.squares()
    session.check()


def test_a_request_to_send_again_that_met_trouble_is_dropped_and_the_next_one_obeyed() -> None:
    session = VirtualSession([0.5], [0.5], idle_seconds=600)
    session.sqs.messages.clear()
    session.meet("send_message_batch", outage(), outage())
    for moment in (1.0, 70.0, 140.0):
        session.time.call_at(moment, session.ask_to_send_again)
    session.run()
    assert [line["ranges"] for line in session.logged("sent again")] == [2]
    assert session.outcomes() == session.squares()
    assert not session.sqs.messages
    session.check()


def test_who_is_told_to_stop_while_it_looks_for_lost_ranges_gives_the_request_back() -> None:
    session = VirtualSession([0.5])
    session.sqs.messages.clear()
    session.ask_to_send_again()
    session.meet("get_pack", lambda: session.time.sleep(8.0))
    worker = session.worker()
    session.stop_at(4.0, worker)
    session.run(worker)
    assert session.time.now < 9.0
    (request,) = session.sqs.messages
    assert request.visible <= session.time.now
    session.run()
    assert session.outcomes() == session.squares()
    session.check()


@pytest.mark.parametrize("moment", [0.1, 0.9, 6.0, 30.0, 45.0, 61.0])
def test_a_queue_that_is_deleted_ends_its_worker_whatever_it_is_at(moment: float) -> None:
    session = VirtualSession([0.4] * 4, [40.0, 1.0], [5.0], idle_seconds=600)

    def delete() -> None:
        session.sqs.deleted = True

    session.time.call_at(moment, delete)
    session.run()
    assert len(session.logged("session ended")) == 1
    assert session.time.now <= moment + 60.0 + 2 * 20.0
    assert session.children == 0
    session.check()


def test_a_result_that_s3_refuses_for_good_costs_its_attempts_and_ends_with_the_reason() -> None:
    session = VirtualSession([0.5], [0.5], attempts=3)
    session.meet("put_node", *[s3_error(400, "InvalidRequest") for _ in range(3)])
    first = session.sqs.messages.pop()
    session.run()
    assert session.outcomes() == ["lost", None]
    assert session.started(0) == 3
    assert len(session.logged("turned down")) == 3
    assert not session.sqs.messages
    session.sqs.messages.append(first)
    session.run()
    assert session.outcomes() == ["lost", 1]
    session.check()


def without_its_copy(queued: Message) -> ChunkMessage:
    """Have a message name its chunk alone, so that its worker reads the pack."""
    message = read_message(queued.body)
    assert isinstance(message, ChunkMessage)
    queued.body = dataclasses.replace(message, inline=None).to_body()
    return message


def test_a_range_that_was_never_verified_is_dropped_where_s3_refuses_its_failure() -> None:
    session = VirtualSession([0.5], attempts=2)
    [queued], objects = session.sqs.messages, session.s3.objects
    message = without_its_copy(queued)
    [key] = [key for key in objects if key.endswith(message.pack)]
    body = bytearray(objects[key])
    body[message.offset + message.length - 1] ^= 1
    good, objects[key] = objects[key], bytes(body)
    session.meet("put_node", *[s3_error(400, "InvalidRequest")] * 2)
    session.run()
    assert len(session.logged("turned down")) == 2
    assert session.outcomes() == [None]
    assert not session.sqs.messages
    objects[key] = good
    session.ask_to_send_again()
    session.run()
    assert session.outcomes() == session.squares()


def test_a_range_that_is_refused_for_good_hides_no_trouble_of_the_commit_beside_it() -> None:
    session = VirtualSession([0.5], [0.5, 0.5])
    session.sqs.messages[1].deliveries = 1

    def fail_late() -> None:
        session.time.wait_until(20.0)
        raise outage()

    session.meet("put_node", fail_late, s3_error(400, "InvalidRequest"))
    session.run()
    assert len(session.logged("turned down")) == 1
    assert len(session.logged("trouble")) == 1
    assert session.outcomes() == session.squares()
    session.check()


def test_a_rest_that_sqs_refuses_for_good_leaves_what_was_committed_and_can_be_sent_again() -> None:
    session = VirtualSession([2.0] * 3, attempts=2, workers=1)
    session.meet("send_message_batch", *[json_error("sqs", "InvalidMessageContents")] * 2)
    session.run()
    assert session.outcomes() == [0, None, None]
    assert not session.sqs.messages
    session.ask_to_send_again()
    session.run()
    assert session.outcomes() == session.squares()


def test_nothing_runs_before_the_first_look_at_what_was_cancelled() -> None:
    session = VirtualSession([3.0], [1.0])
    session.cancel(0)
    session.meet("get_cancelled", outage(), outage())
    session.run()
    assert session.outcomes() == ["cancelled", 1]
    assert session.started(0) == 0
    session.check()


def test_a_queue_that_is_unseen_for_a_moment_twice_is_not_deleted() -> None:
    session = VirtualSession([100.0], [1.0])
    session.meet("receive_message", no_queue(), None, no_queue())
    session.run()
    assert session.outcomes() == session.squares()
    session.check()


def test_a_message_that_waited_for_long_is_as_young_as_its_first_receipt() -> None:
    """So one look at its pack that S3 refuses, as long as a policy is on its way, drops nothing."""
    session = VirtualSession([1.0])
    [sent] = session.sqs.messages
    message = read_message(sent.body)
    assert isinstance(message, ChunkMessage)
    sent.body = replace(message, inline=None).to_body()
    session.time.now += 10 * session.timings.promised_seconds
    session.meet("get_pack", s3_error(403, "AccessDenied"), s3_error(403, "AccessDenied"))
    session.run()
    assert session.left_to_meet("get_pack") == 0
    assert len(session.logged("not seen")) == 1
    assert session.outcomes() == session.squares()


def test_heartbeats_that_fail_are_not_sent_more_often() -> None:
    session = VirtualSession([60.0])
    session.meet("change_message_visibility", *[outage()] * 500)
    session.run()
    assert 5 <= session.sqs.calls["change_message_visibility"] <= 7


def test_a_task_with_one_attempt_is_not_begun_again_where_its_worker_died() -> None:
    session = VirtualSession([100.0], attempts=1)
    first = session.worker()
    session.kill_at(10.0, first)
    with pytest.raises(Killed):
        session.run(first)
    session.run()
    assert session.outcomes() == ["lost"]
    assert session.started(0) == 1


def test_a_range_beyond_its_chunk_is_dropped_at_once_and_told() -> None:
    session = VirtualSession([0.5])
    message = read_message(session.sqs.messages[0].body)
    assert isinstance(message, ChunkMessage)
    session.sqs.send(dataclasses.replace(message, hi=9).to_body())
    worker = session.worker()
    session.stop_at(100.0, worker)
    session.run(worker)
    assert session.outcomes() == session.squares()
    assert not session.sqs.messages
    assert len(session.logged("starburst-tampering")) == 1


def test_a_pack_that_stays_refused_is_waited_for_so_often_where_sqs_tells_no_age() -> None:
    session = VirtualSession(
        [0.5], timings=Timings(promised_seconds=50.0, postponed_seconds=10), idle_seconds=600
    )
    without_its_copy(session.sqs.messages[0])
    receive = session.sqs.receive_message

    def undated(**words: Any) -> dict[str, Any]:
        answer = receive(**words)
        for message in answer.get("Messages", ()):
            del message["Attributes"]["ApproximateFirstReceiveTimestamp"]
        return answer

    session.sqs.receive_message = undated  # type: ignore[method-assign]
    session.meet("get_pack", *[s3_error(403, "AccessDenied")] * 60)
    session.run()
    assert len(session.logged("not seen")) == 10
    assert not session.sqs.messages
    assert session.outcomes() == [None]

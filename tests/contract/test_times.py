"""The sentences that tie the times: what a worker and its queue do with them on a virtual clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import EndpointConnectionError

from stacks.settings.workspace import LONGEST_SESSION_SECONDS
from starburst._protocol.sealed.chunks import ChunkMessage
from starburst.aws.clock import Clock
from starburst.contract.times import (
    GONE_SECONDS,
    GRACE_SECONDS,
    HEARTBEAT_SECONDS,
    LEASE_SECONDS,
    LONGEST_LEASE_SECONDS,
    MESSAGE_SECONDS,
    OVERDUE_SECONDS,
    POLL_SECONDS,
    QUEUE_UNSEEN_SECONDS,
    RECOVERY_SECONDS,
    RETRY_PAUSES,
    STILL_SECONDS,
    STILL_WAITING_SECONDS,
    STOP_SECONDS,
    VISIBILITY_SECONDS,
)
from starburst.pricing.run_time import WORKER_START_SECONDS
from starburst.worker import starting
from starburst.worker.leases.lease import Lease, Leases, QueueGone
from starburst.worker.settings.timings import TICK_SECONDS, Timings
from tests.runtime.wire import no_queue

BODY = ChunkMessage(
    chunk="p000001-00000", lo=0, hi=1, pack="p000001", offset=0, length=9, inline=None
).to_body()


@dataclass(frozen=True)
class Moment(Clock):
    """The time that a queue's test says it is."""

    queue: Queue

    def monotonic(self) -> float:
        return self.queue.now


@dataclass
class Queue:
    """SQS with one message, on a clock that the test moves; heartbeats fail while ``fails``.

    It does not show the queue while it is not ``shown``.
    """

    now: float = 0.0
    visible: float = 0.0
    fails: int = 0
    deliveries: int = 0
    shown: bool = True

    def receive_message(self, *, VisibilityTimeout: int, **_: object) -> dict[str, Any]:
        if not self.shown:
            raise no_queue()
        if self.now < self.visible:
            return {}
        self.visible = self.now + VisibilityTimeout
        self.deliveries += 1
        count = {"ApproximateReceiveCount": str(self.deliveries)}
        return {"Messages": [{"ReceiptHandle": "r", "Body": BODY, "Attributes": count}]}

    def change_message_visibility(self, *, VisibilityTimeout: int, **_: object) -> None:
        if self.fails:
            self.fails -= 1
            raise EndpointConnectionError(endpoint_url="https://sqs")
        self.visible = self.now + VisibilityTimeout

    def worker(self) -> Leases:
        sqs: Any = self
        return Leases(sqs, "url", timings=Timings(), clock=Moment(self))


def lives(queue: Queue, seconds: float) -> None:
    """Have a worker lease the task and keep it for so long, while another one waits for work."""
    worker, other = queue.worker(), queue.worker()
    lease = worker.receive(wait=0)
    assert isinstance(lease, Lease)
    while queue.now < seconds:
        queue.now = min(queue.now + TICK_SECONDS, seconds)
        worker.keep(lease)
        assert other.receive(wait=0) is None, "its worker is alive"


@pytest.mark.parametrize("death", [0.0, 0.4, 9.9, 10.0, 10.1, 29.9, 30.1, 300.2, 3600.0])
def test_a_lost_task_runs_again_within_one_lease_and_one_heartbeat(death: float) -> None:
    queue = Queue()
    lives(queue, death)
    other = queue.worker()
    while other.receive(wait=0) is None:
        queue.now += 0.1
    assert queue.now - death <= RECOVERY_SECONDS
    assert RECOVERY_SECONDS == LEASE_SECONDS + HEARTBEAT_SECONDS


def test_one_heartbeat_that_fails_costs_no_lease() -> None:
    queue = Queue(fails=1)
    lives(queue, 120.0)
    assert queue.deliveries == 1


def test_three_heartbeats_that_fail_in_a_row_cost_a_lease() -> None:
    queue = Queue(fails=3)
    with pytest.raises(AssertionError, match="its worker is alive"):
        lives(queue, 120.0)


def test_two_heartbeats_that_fail_in_a_row_cost_no_lease() -> None:
    """So late may the third one come: a worker's clock ticks between two of its requests."""
    assert 3 * HEARTBEAT_SECONDS <= LEASE_SECONDS
    queue = Queue(fails=2)
    worker = queue.worker()
    lease = worker.receive(wait=0)
    assert isinstance(lease, Lease)
    for _ in range(3):
        queue.now += HEARTBEAT_SECONDS - 0.01
        assert queue.now < queue.visible
        queue.now += 0.01
        worker.keep(lease)
    assert queue.deliveries == 1


def test_sqs_takes_what_it_is_asked_for() -> None:
    """Each limit is its own.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    """
    twelve_hours = 43_200
    assert 1 <= POLL_SECONDS <= 20
    assert LEASE_SECONDS <= VISIBILITY_SECONDS <= twelve_hours
    # The last heartbeat of a lease, and what is on its way to be queued anew.
    assert twelve_hours >= LONGEST_LEASE_SECONDS + 2 * LEASE_SECONDS
    assert MESSAGE_SECONDS == 1_209_600


def test_no_session_lasts_longer_than_its_messages_are_kept() -> None:
    assert LONGEST_SESSION_SECONDS <= MESSAGE_SECONDS


def test_pauses_before_retries_grow_and_end() -> None:
    assert all(0 < one <= 60 for one in RETRY_PAUSES)
    assert list(RETRY_PAUSES) == sorted(set(RETRY_PAUSES))


def test_a_worker_that_is_told_to_stop_has_time_to_commit_before_it_is_killed() -> None:
    assert GRACE_SECONDS + LEASE_SECONDS <= STOP_SECONDS


def test_a_worker_ends_itself_after_the_controller_would_have_ended_it() -> None:
    sweep = 60
    assert sweep < OVERDUE_SECONDS
    look: Any = starting._BRIEF
    tries = 1 + look.retries["max_attempts"]
    longest = tries * (look.connect_timeout + look.read_timeout) + 1  # and the pause between
    assert OVERDUE_SECONDS + longest + STOP_SECONDS <= GONE_SECONDS
    # Who is told to stop by both has its grace by the first word, and is killed by the first.
    assert Timings().stop_seconds == STOP_SECONDS > Timings().grace_seconds


def test_a_queue_is_called_still_when_every_lease_has_had_the_time_to_run_out() -> None:
    assert STILL_SECONDS >= 2 * RECOVERY_SECONDS
    # Workers that are starting receive nothing for minutes, and are not to be asked meanwhile.
    assert STILL_WAITING_SECONDS >= STILL_SECONDS + 4 * WORKER_START_SECONDS


def test_a_queue_is_called_deleted_when_sqs_has_had_the_time_to_show_it() -> None:
    assert QUEUE_UNSEEN_SECONDS >= 60


@pytest.mark.parametrize(
    ("left", "asked"), [(0.0, 0), (0.3, 1), (1.0, 1), (1.2, 2), (900.0, POLL_SECONDS)]
)
def test_a_part_of_a_second_that_is_left_is_no_poll_without_a_wait(left: float, asked: int) -> None:
    """SQS takes whole seconds, and answers a wait of none at once: a loop of those is paid for."""
    sqs = mock.Mock(**{"receive_message.return_value": {}})
    assert Leases(sqs, "url").receive(wait=left) is None
    assert sqs.receive_message.call_args.kwargs["WaitTimeSeconds"] == asked


def test_two_looks_a_minute_apart_make_a_deletion_and_one_that_sees_the_queue_unmakes_it() -> None:
    queue = Queue(visible=float("inf"), shown=False)
    worker = queue.worker()
    for now in (0.0, 1.0, QUEUE_UNSEEN_SECONDS - 1.0):
        queue.now = now
        assert worker.receive(wait=0) is None
    queue.shown = True
    queue.now = QUEUE_UNSEEN_SECONDS
    assert worker.receive(wait=0) is None
    queue.shown = False
    first = QUEUE_UNSEEN_SECONDS + 5.0
    for now in (first, first + QUEUE_UNSEEN_SECONDS - 0.1):
        queue.now = now
        assert worker.receive(wait=0) is None
    queue.now = first + QUEUE_UNSEEN_SECONDS
    with pytest.raises(QueueGone):
        worker.receive(wait=0)

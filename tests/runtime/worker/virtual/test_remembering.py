"""What a worker remembers of S3 is true for so long, and no more of it is kept than that."""

from __future__ import annotations

import dataclasses

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from starburst._protocol.sealed.chunks import ChunkMessage, read_message
from starburst.worker.logs.integrity import Missing
from tests.runtime.wire import s3_error
from tests.some import some

from .virtual_aws import outage
from .virtual_session import VirtualSession

RANGE = ("p000001-00000", 0, 1)


def test_cancelled_tasks_are_the_same_object_until_the_list_changes() -> None:
    session = VirtualSession([1.0] * 4)
    cancelled = session.worker().store.cancelled
    session.cancel(1)
    first = cancelled.tasks()
    assert 1 in first.within(0, 4)
    session.time.now += 60
    assert cancelled.tasks() is first
    session.cancel(1, 2)
    session.time.now += 60
    assert list(cancelled.tasks().within(0, 4)) == [1, 2]


def test_a_question_is_answered_also_where_another_worker_has_begun_since() -> None:
    session = VirtualSession([1.0])
    at_it, asks, begins = (session.worker().store.attempts for _ in range(3))
    at_it.begin(RANGE, worker="w1")
    question = asks.ask(RANGE, worker="w2")
    assert question is not None
    begins.begin(RANGE, worker="w3")
    at_it.answer(RANGE, worker="w1")
    assert asks.is_answered(RANGE, after=question)


def test_a_refusal_that_passed_does_not_make_the_next_one_a_loss() -> None:
    """What was promised is missing only where it was refused all the while between two looks."""
    session = VirtualSession([1.0])
    store, promised = session.worker().store, session.timings.promised_seconds
    session.meet("get_functions", s3_error(403, "AccessDenied"))
    with pytest.raises(ClientError):
        store.functions.function("f")
    session.time.now += promised / 2
    assert bytes(store.functions.function("f").pickle) == b"pickle"
    session.time.now += promised
    session.meet("get_functions", s3_error(403, "AccessDenied"))
    with pytest.raises(ClientError):
        store.functions.function("f")


def test_who_was_refused_the_manifest_meanwhile_takes_no_refusal_for_an_absence() -> None:
    session = VirtualSession([1.0])
    store = session.worker().store
    refusal = s3_error(403, "AccessDenied")
    session.meet("get_node", refusal, refusal)
    assert store.node(*RANGE) is None
    session.meet("get_manifest", refusal, refusal)
    assert isinstance(store.missing("a pack"), Missing)
    with pytest.raises(ClientError):
        store.node(*RANGE)


def test_no_more_than_four_chunks_are_kept_in_memory() -> None:
    session = VirtualSession(*[[1.0]] * 5)
    store = session.worker().store
    messages = []
    for sent in session.sqs.messages:
        message = read_message(sent.body)
        assert isinstance(message, ChunkMessage)
        messages.append(dataclasses.replace(message, inline=None))
    for reads, message in enumerate(some(messages), 1):
        store.chunk(message)
        assert session.s3.calls["get_pack"] == reads
    store.chunk(messages[-1])
    assert session.s3.calls["get_pack"] == 5
    store.chunk(messages[0])
    assert session.s3.calls["get_pack"] == 6


def test_a_count_that_failed_is_no_count() -> None:
    session = VirtualSession([1.0], [1.0])
    leases = session.worker().leases
    session.meet("get_queue_attributes", outage())
    with pytest.raises(EndpointConnectionError):
        leases.backlog(fresh=60)
    assert leases.backlog(fresh=60) == 2


def test_trouble_with_a_later_look_at_what_was_cancelled_ends_no_running_task() -> None:
    session = VirtualSession([60.0])
    session.meet("get_cancelled", None, *[outage()] * 3)
    session.run()
    assert session.left_to_meet("get_cancelled") == 0
    assert session.started(0) == 1
    assert session.outcomes() == session.squares()

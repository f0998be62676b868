"""Packs: cut for all tasks that are known of, stored before they are queued, and tried again."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable

import pytest

from starburst.errors import SessionError, StarburstError
from tests.runtime.client.collecting.test_locks import guard
from tests.runtime.client.sending.desk import Desk
from tests.runtime.wire import json_error, s3_error

BUSY, REFUSED = s3_error(503, "SlowDown"), s3_error(403, "AccessDenied")
WRONG = s3_error(400, "MalformedXML")


def lengths(desk: Desk) -> list[list[int]]:
    return [[count for _, count in pack.chunks] for pack in desk.run()]


def test_chunks_are_cut_for_all_tasks_that_are_expected_and_not_for_each_pack() -> None:
    """Eighty tasks for two workers, four chunks each; and what comes later is cut for itself."""
    desk = Desk(workers=2)
    desk.at(0.0, lambda: [desk.dispatcher.expect(80), desk.submit(23)])
    desk.at(1.0, lambda: desk.submit(57))
    desk.at(2.0, lambda: [desk.end_all(), desk.submit(3)])
    desk.at(3.0, lambda: [desk.dispatcher.expect(40), desk.submit(7)])
    desk.at(4.0, lambda: [desk.end_all(), desk.submit(33)])
    desk.at(5.0, lambda: desk.submit(2))
    assert lengths(desk) == [
        [10, 10, 3],
        [10, 10, 10, 10, 10, 7],
        [1, 1, 1],
        [5, 2],
        [5, 5, 5, 5, 5, 5, 3],
        [2],
    ]


def test_chunks_are_as_long_as_what_workers_have_already_allows() -> None:
    """Nothing is expected: each pack counts what was sent and has no result, and itself."""
    desk = Desk(workers=1)
    for begin in (0.0, 1.0, 2.0):
        desk.at(begin, lambda: desk.submit(8))
    desk.at(3.0, lambda: [desk.end_all(), desk.submit(8)])
    assert lengths(desk) == [[2, 2, 2, 2], [4, 4], [6, 2], [2, 2, 2, 2]]


def test_what_is_expected_is_said_while_nobody_submits() -> None:
    desk = Desk()
    found = guard(desk.dispatcher, "_arrived", ("_expected", "_expected_end"))
    desk.dispatcher.expect(5)
    assert found == []


def failing(desk: Desk, call: str, until: float, error: Exception) -> list[float]:
    """Have a call fail until then; return when it is tried."""
    tried: list[float] = []

    def fail(name: str) -> None:
        if name != call:
            return
        tried.append(round(desk.now, 3))
        assert len(tried) < 500, "it is tried for ever, and no time passes"
        if desk.now < until:
            raise error

    desk.before = fail
    return tried


def test_a_pack_is_stored_when_an_outage_is_over() -> None:
    """Ever later; tasks that come meanwhile wake nobody, and travel in the next pack."""
    desk = Desk()
    tried = failing(desk, "put", 40.0, BUSY)
    for second in range(30):
        desk.at(second, desk.submit)
    desk.at(200.0, desk.submit)
    packs = desk.run()
    assert tried[:8] == [0.01, 0.51, 1.51, 3.51, 7.51, 15.51, 25.51, 35.51]
    assert [(round(pack.at, 2), pack.tasks) for pack in packs] == [
        (45.51, 1),
        (45.51, 29),
        (200.01, 1),
    ]
    assert desk.told == [*["AWS is busy"] * 8, ""]


@pytest.mark.parametrize("error", [BUSY, REFUSED, WRONG], ids=["busy", "refused", "wrong"])
def test_tasks_that_cannot_be_stored_end_with_the_reason_and_no_others(error: Exception) -> None:
    """What passes is waited for, a quarter of an hour; nothing is queued of what is not stored."""
    desk = Desk()
    failing(desk, "put", 1000.0, error)
    desk.at(0.0, lambda: desk.submit(2))
    desk.at(1000.0, desk.submit)
    (pack,) = desk.run()
    lost, other = [*desk.tasks][:2], [*desk.tasks][2]
    assert all(isinstance(each.exception(0), StarburstError) for each in lost)
    assert "store tasks" in str(lost[1].exception(0))
    assert not other.done()
    assert (pack.chunks, desk.sent) == ([(2, 1)], [f"{pack.name}-00000"])
    assert (desk.tasks.tally.failed, desk.tasks.outstanding) == (2, 1)


def test_a_client_that_ends_does_not_wait_until_aws_is_well_again() -> None:
    desk = Desk()
    tried = failing(desk, "put", 1e9, BUSY)
    desk.at(0.0, desk.submit)
    desk.at(9.0, desk.close)
    desk.run()
    assert tried == [0.01, 0.51, 1.51, 3.51, 7.51, 9.0]
    (future,) = desk.tasks
    assert isinstance(future.exception(0), SessionError)


def test_who_finds_its_place_taken_writes_and_queues_no_more() -> None:
    """By another client: the tasks under those numbers are that one's."""
    desk = Desk(packs=2)
    desk.stored[f"{desk.keys.inputs}p000003"] = b"another client's pack"
    puts = failing(desk, "put", 0.0, BUSY)
    desk.at(0.0, lambda: desk.submit(2))
    desk.at(1.0, desk.submit)
    assert desk.run() == []
    assert set(puts) == {0.01}, "the second pack is not even tried"
    assert desk.sent == []
    for future in desk.tasks:
        with pytest.raises(SessionError, match="another client has submitted tasks to session s"):
            future.result(0)


@pytest.mark.parametrize(
    ("error", "lost"), [(json_error("sqs", "ThrottlingException"), False), (WRONG, True)]
)
def test_tasks_that_are_stored_and_not_queued_are_lost_only_where_it_does_not_pass(
    error: Exception, lost: bool
) -> None:
    """Else the controller sees that nothing moves, and has them sent again from S3."""
    desk = Desk()
    tried = failing(desk, "send", 0.5, error)
    desk.at(0.0, lambda: desk.submit(2))
    desk.at(1.0, desk.submit)
    assert [pack.tasks for pack in desk.run()] == [2, 1]
    assert len(tried) >= 2
    assert desk.sent == ["p000002-00000"]
    assert [future.done() for future in desk.tasks] == [lost, lost, False]
    assert desk.tasks.outstanding == (1 if lost else 3)


def test_a_mistake_of_ours_ends_the_tasks_that_it_met_and_not_the_sender() -> None:
    desk = Desk()
    failing(desk, "put", 0.5, ZeroDivisionError("of ours"))
    desk.at(0.0, lambda: desk.submit(2))
    desk.at(1.0, desk.submit)
    assert [pack.tasks for pack in desk.run()] == [1]
    for future in [*desk.tasks][:2]:
        with pytest.raises(SessionError, match="could not send tasks: ZeroDivisionError"):
            future.result(0)


def test_a_process_that_ends_sends_what_waits_unless_it_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registered: list[Callable[[], object]] = []
    monkeypatch.setattr(atexit, "register", registered.append)
    monkeypatch.setattr(atexit, "unregister", registered.remove)
    desk = Desk()
    before = {*threading.enumerate()}
    with desk.held():
        desk.submit(3)
        (sender,) = {*threading.enumerate()} - before
        assert (sender.name, sender.daemon) == ("starburst-send", True)
        (at_exit,) = registered
    at_exit()
    assert registered == []
    assert [pack.tasks for pack in desk.packs] == [3]
    assert not sender.is_alive()
    assert desk.queue._closing.is_set()


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_a_task_that_waits_when_an_interrupt_comes_is_sent(first: bool) -> None:
    """Also where nobody submits any more, and nobody flushes."""
    desk = Desk()

    def interrupted() -> None:
        desk.interrupt("time is asked")
        with pytest.raises(KeyboardInterrupt):
            desk.submit()

    if not first:
        desk.at(0.0, desk.submit)
    desk.at(0.0 if first else 1.0, interrupted)
    desk.at(9.0, desk.submit)
    packs = [(round(pack.at, 2), pack.tasks) for pack in desk.run()]
    assert packs == [*[(0.01, 1)][first:], (0.0 if first else 1.0, 1), (9.01, 1)]


def test_tasks_that_an_interrupt_kept_from_waiting_are_cancelled_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And a pack is as full as before."""
    monkeypatch.setattr("starburst._client.tasks.dispatch._PACK_BYTES", 100)
    desk = Desk()

    def interrupted() -> None:
        desk.submit(2, size=20)
        desk.interrupt("tasks are taken on")
        with pytest.raises(KeyboardInterrupt):
            desk.dispatcher.submit_all("f", [b"x" * 20] * 3)

    desk.at(0.0, interrupted)
    desk.at(9.0, lambda: desk.submit(4, size=25))
    desk.at(10.0, lambda: desk.submit(3, size=33))
    packs = [(round(pack.at, 2), pack.tasks) for pack in desk.run()]
    assert packs == [(0.01, 2), (9.0, 4), (10.01, 3)]
    cut = [future.cancelled() for future in desk.tasks]
    assert cut == [*[False] * 2, *[True] * 3, *[False] * 7]

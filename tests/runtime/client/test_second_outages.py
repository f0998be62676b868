"""A second outage finds a client as patient as the first did: in virtual time, at real ratios."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.connection import Connection
from starburst._client.access.patience import Patience
from starburst._client.access.timings import Timings
from starburst._client.tasks import collect as collect_module
from starburst._client.tasks.collect import Collector
from starburst._client.tasks.task_list import TaskList
from starburst._protocol.sealed.cancel_list import NOTHING_CANCELLED
from starburst._protocol.sealed.chunks import LedgerEntry
from starburst.errors import AccessDenied, SessionError, StarburstError
from tests.runtime.wire import s3_error

USUAL = Timings()
BUSY, REFUSED = s3_error(503, "SlowDown"), s3_error(403, "AccessDenied")
MINUTE = 60.0


class Sky:
    """AWS as a collector meets it, in a time that only its own pauses pass.

    Attributes:
        now: seconds; also what stands for the module ``time`` and for the collector's own end.
        until: when the collector is closed.
        troubles: from when until when which calls fail, and how.
        looks, statuses, asked: when it listed results, read the status, asked the controller.
        told: what it said that it waits for.
    """

    def __init__(self, until: float) -> None:
        self.now = 0.0
        self.until = until
        self.troubles: list[tuple[float, float, str, ClientError]] = []
        self.looks: list[float] = []
        self.statuses: list[float] = []
        self.asked: list[float] = []
        self.told: list[str] = []
        self.erased = False
        self.latest: Any = None

    def monotonic(self) -> float:
        return self.now

    def is_set(self) -> bool:
        return self.now >= self.until

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def meet(self, call: str, times: list[float]) -> None:
        times.append(self.now)
        for begin, end, name, error in self.troubles:
            if begin <= self.now < end and name == call:
                with aws_errors(f"do {call}"):
                    raise error

    def list_nodes(self, *, first_open: str | None) -> Iterator[Any]:
        self.meet("list", self.looks)
        return iter(())

    def read(self) -> None:
        self.meet("status", self.statuses)

    def check_erased(self) -> bool:
        return False

    def refresh(self) -> None:
        self.meet("refresh", self.asked)


def tasks(count: int = 4) -> TaskList:
    made = TaskList()
    made.add(count)
    made.dispatched([LedgerEntry(name="p000001-00000", first=0, tasks=count, offset=0, length=9)])
    return made


@pytest.fixture
def collected(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Callable[[Sky], TaskList]:
    """Let a collector run under a sky until its time is over; return its tasks."""

    def run(sky: Sky) -> TaskList:
        made = tasks()
        statuses: Any = sky
        collector: Any = Collector(
            connection,
            connection.keys("s" * 20),
            key=bytes(32),
            mode="data",
            tasks=made,
            statuses=statuses,
            refresh=sky.refresh,
            changed=lambda: None,
            cancelled=lambda: NOTHING_CANCELLED,
            told=sky.told.append,
        )
        collector._results = collector._closing = sky
        collector._patience._clock = sky.monotonic
        monkeypatch.setattr(collect_module, "time", sky)
        with ThreadPoolExecutor(1) as pool:
            collector._collect(pool)
        return made

    return run


def gaps(times: list[float]) -> list[float]:
    return [later - former for former, later in itertools.pairwise(times)]


def test_an_hour_of_silence_costs_few_looks_and_fewer_requests(
    collected: Callable[[Sky], TaskList],
) -> None:
    sky = Sky(until=60 * MINUTE)
    assert collected(sky).outstanding == 4
    assert max(gaps(sky.looks)) < 1.01
    assert len(sky.looks) < 3600 + 60
    assert all(USUAL.status_seconds < gap < 2 * USUAL.status_seconds for gap in gaps(sky.statuses))
    assert all(15.0 == USUAL.silence_seconds < gap < 17.0 for gap in gaps(sky.asked))
    assert sky.asked[0] < 17.0


@pytest.mark.parametrize("call", ["list", "status"])
def test_two_outages_with_a_success_between_them_are_both_outlasted(
    collected: Callable[[Sky], TaskList], call: str
) -> None:
    sky = Sky(until=40 * MINUTE)
    sky.troubles = [
        (MINUTE, 15 * MINUTE, call, BUSY),
        (16 * MINUTE, 30 * MINUTE, call, REFUSED),
    ]
    assert collected(sky).outstanding == 4
    assert set(sky.told) == {"AWS is busy", "AWS refuses access", ""}
    assert sky.told[-1] == ""


@pytest.mark.parametrize("call", ["list", "status"])
def test_an_outage_that_outlasts_a_client_ends_its_wait_after_fifteen_minutes(
    collected: Callable[[Sky], TaskList], call: str
) -> None:
    """Also where only the status is refused, and looks between succeed."""
    sky = Sky(until=60 * MINUTE)
    sky.troubles = [(MINUTE, 90 * MINUTE, call, REFUSED)]
    with pytest.raises(AccessDenied, match=f"do {call}"):
        collected(sky)
    assert 16 * MINUTE <= sky.now < 16 * MINUTE + 5


def test_a_controller_that_refuses_to_look_ends_no_wait(
    collected: Callable[[Sky], TaskList],
) -> None:
    sky = Sky(until=40 * MINUTE)
    sky.troubles = [(0, 90 * MINUTE, "refresh", REFUSED)]
    assert collected(sky).outstanding == 4
    assert all(15.0 < gap < 17.0 for gap in gaps(sky.asked))


class Ailing:
    """Something to be done, which fails at some times."""

    def __init__(self, *outages: tuple[float, float]) -> None:
        self.outages = outages
        self.now = 0.0
        self.done: list[float] = []
        self.tried: list[float] = []

    def act(self) -> None:
        self.tried.append(self.now)
        for begin, end in self.outages:
            if begin <= self.now < end:
                with aws_errors("store"):
                    raise BUSY
        self.done.append(self.now)

    def pause(self, seconds: float) -> None:
        self.now += seconds


def test_what_is_tried_until_it_succeeds_has_all_patience_again_the_next_time(
    connection: Connection,
) -> None:
    """As packs and functions are stored: one Patience, and one success after the other."""
    sky = Ailing((0.0, 890.0), (1000.0, 1890.0), (2000.0, 4000.0))
    patience = Patience(connection, clock=lambda: sky.now)
    for begin in (0.0, 1000.0):
        sky.now = begin
        patience.outlast(sky.act, pause=sky.pause)
    first = sky.tried[: bisect.bisect(sky.tried, 899.0)]
    assert gaps(first)[:8] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]
    assert [890 <= sky.done[0] < 900, 1890 <= sky.done[1] < 1900] == [True, True]
    sky.now = 2000.0
    with pytest.raises(SessionError, match="SlowDown"):
        patience.outlast(sky.act, pause=sky.pause)
    assert 2900 <= sky.now < 2911


def test_who_is_about_to_leave_is_told_at_once_what_did_not_succeed(connection: Connection) -> None:
    sky = Ailing((0.0, 9.0))
    patience = Patience(connection, clock=lambda: sky.now)
    with pytest.raises(StarburstError):
        patience.outlast(sky.act, pause=sky.pause, ends=lambda: len(sky.tried) > 1)
    assert sky.tried == [0.0, 0.5]

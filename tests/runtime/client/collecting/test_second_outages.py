"""A second outage finds a client as patient as the first did: in virtual time, at real ratios."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from typing import Any

import pytest

from starburst._client.access import patience as patience_module
from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.connection import Connection
from starburst._client.access.patience import Patience
from starburst._client.access.timings import Timings
from starburst._client.tasks.cancels import Cancels
from starburst._protocol.sealed.session_key import SessionKey
from starburst.contract.times import STOP_SECONDS
from starburst.errors import AccessDenied, SessionError, StarburstError
from tests.runtime.client.collecting.sky import Sky, collect, listed
from tests.runtime.wire import s3_error
from tests.some import some

USUAL = Timings()
BUSY, REFUSED = s3_error(503, "SlowDown"), s3_error(403, "AccessDenied")
MINUTE = 60.0


def gaps(times: list[float]) -> list[float]:
    return [later - former for former, later in itertools.pairwise(times)]


def test_an_hour_of_silence_costs_few_looks_and_fewer_requests(
    connection: Connection,
) -> None:
    sky = Sky(until=60 * MINUTE)
    tasks = listed()
    collect(connection, sky, tasks)
    assert tasks.outstanding == 4
    assert max(gaps(sky.looks)) < 1.01
    assert len(sky.looks) < 3600 + 60
    assert all(USUAL.status_seconds < gap < 2 * USUAL.status_seconds for gap in gaps(sky.statuses))
    assert all(15.0 == USUAL.silence_seconds < gap < 17.0 for gap in gaps(sky.asked))
    assert sky.asked[0] < 17.0
    assert sky.told == []


@pytest.mark.parametrize("call", ["list", "status"])
def test_two_outages_with_a_success_between_them_are_both_outlasted(
    connection: Connection, call: str
) -> None:
    sky = Sky(until=40 * MINUTE)
    sky.troubles = [
        (MINUTE, 15 * MINUTE, call, BUSY),
        (16 * MINUTE, 30 * MINUTE, call, REFUSED),
    ]
    tasks = listed()
    collect(connection, sky, tasks)
    assert tasks.outstanding == 4
    assert set(sky.told) == {"AWS is busy", "AWS refuses access", ""}
    assert sky.told[-1] == ""


@pytest.mark.parametrize("call", ["list", "status"])
def test_an_outage_that_outlasts_a_client_ends_its_wait_after_fifteen_minutes(
    connection: Connection, call: str
) -> None:
    """Also where only the status is refused, and looks between succeed."""
    sky = Sky(until=60 * MINUTE)
    sky.troubles = [(MINUTE, 90 * MINUTE, call, REFUSED)]
    with pytest.raises(AccessDenied, match=f"do {call}"):
        collect(connection, sky, listed())
    assert 16 * MINUTE <= sky.now < 16 * MINUTE + 5


@pytest.mark.parametrize(("renews", "seconds"), [(True, 3600.0), (False, 0.0)])
def test_a_login_is_waited_for_an_hour_where_a_new_one_can_be_read(
    connection: Connection, renews: bool, seconds: float
) -> None:
    sky = Sky(until=90 * MINUTE)
    sky.troubles = [(MINUTE, 90 * MINUTE, "list", s3_error(400, "ExpiredToken"))]
    with pytest.raises(AccessDenied, match="Log in again"):
        collect(dataclasses.replace(connection, renews=renews), sky, listed())
    assert MINUTE + seconds <= sky.now < MINUTE + seconds + 3


def test_a_controller_that_refuses_to_look_ends_no_wait(
    connection: Connection,
) -> None:
    sky = Sky(until=40 * MINUTE)
    sky.troubles = [(0, 90 * MINUTE, "refresh", REFUSED)]
    tasks = listed()
    collect(connection, sky, tasks)
    assert tasks.outstanding == 4
    assert all(15.0 < gap < 17.0 for gap in some(gaps(sky.asked)))


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


def test_cancels_are_recorded_ever_later_in_an_outage_and_soon_again_in_the_next(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve refusals, a success, and two more; then the session is let go."""
    keys = connection.keys("s" * 20)
    key = SessionKey.create(connection.kms, connection.document.key_arn, keys=keys)
    assert key.signing is not None
    cancels: Any = Cancels(connection, keys, key=key, signer=key.signing)
    outcomes = [*[BUSY] * 12, None, *[BUSY] * 2]
    pauses: list[float] = []

    def flush() -> None:
        error = outcomes.pop(0)
        if error is not None:
            with aws_errors("record cancelled tasks"):
                raise error

    monkeypatch.setattr(cancels, "flush", flush)
    monkeypatch.setattr(cancels._closing, "wait", pauses.append)
    monkeypatch.setattr(cancels._closing, "is_set", lambda: not outcomes)
    cancels._wanted.add(1)
    cancels._run()
    gathered, waited = pauses[::2], pauses[1::2]
    assert gathered[:12] == [USUAL.cancel_gather_seconds] * 12 == [0.02] * 12
    assert waited[:12] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30]
    assert pauses[24:] == [0.02, 0.02, 0.5, 0.02, 1.0]


def test_a_clean_up_waits_for_workers_as_long_as_ecs_lets_them_stay() -> None:
    """It ends them after the two minutes that it lets them stop in, and says so a little later."""
    assert USUAL.workers_leave_seconds == STOP_SECONDS + 60


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


def test_who_waits_in_no_way_of_its_own_sleeps(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a function is stored: in the analyst's own thread."""
    sky = Ailing((0.0, 3.0))
    monkeypatch.setattr(patience_module.time, "sleep", sky.pause)
    Patience(connection, clock=lambda: sky.now).outlast(sky.act)
    assert sky.tried == [0.0, 0.5, 1.5, 3.5]


def test_who_is_about_to_leave_is_told_at_once_what_did_not_succeed(connection: Connection) -> None:
    sky = Ailing((0.0, 9.0))
    patience = Patience(connection, clock=lambda: sky.now)
    with pytest.raises(StarburstError):
        patience.outlast(sky.act, pause=sky.pause, ends=lambda: len(sky.tried) > 1)
    assert sky.tried == [0.0, 0.5]

"""A client's times fit those of workers, of the controller and of AWS that they wait for."""

from __future__ import annotations

from starburst._client.access.timings import Timings
from starburst.contract.times import (
    GRACE_SECONDS,
    REQUEST_SECONDS,
    STILL_SECONDS,
    STOP_SECONDS,
)

USUAL = Timings()


def test_a_written_request_serves_for_less_than_the_controller_takes_it() -> None:
    assert USUAL.refresh_request_seconds <= REQUEST_SECONDS / 2


def test_stopped_workers_may_use_all_of_their_time_and_ecs_some_to_say_so() -> None:
    assert USUAL.workers_leave_seconds >= STOP_SECONDS + 60 > GRACE_SECONDS
    assert USUAL.workers_leave_pause_seconds <= USUAL.workers_leave_seconds / 10


def test_the_controller_is_asked_often_enough_to_see_that_nothing_moves() -> None:
    """A queue counts as still by two counts: several looks fall into the time between them."""
    assert USUAL.silence_seconds <= STILL_SECONDS / 4


def test_trouble_is_borne_for_as_long_as_a_quarter_of_an_hour_and_a_missing_login_for_an_hour() -> (
    None
):
    """As the documentation promises."""
    assert USUAL.trouble_seconds == 15 * 60
    assert USUAL.login_seconds == 3600

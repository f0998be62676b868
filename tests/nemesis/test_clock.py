"""The run's clock: it stands still while anything works, and wakes who waits, in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.nemesis.clock import Clock, Condition, Event, running


@pytest.fixture
def clock() -> Iterator[Clock]:
    with running() as made:
        yield made


def test_hours_pass_at_once_where_all_wait(clock: Clock) -> None:
    began = time.monotonic()
    clock.sleep(12 * 3600)
    assert clock.monotonic() == 12 * 3600
    assert time.monotonic() - began < 600, "nobody waited for them"


def test_time_stands_still_while_a_thread_works(clock: Clock) -> None:
    seen: list[float] = []

    def work() -> None:
        for _ in range(60):
            sum(range(200_000))
            seen.append(clock.monotonic())

    sleeper = threading.Thread(target=clock.sleep, args=(3600.0,))
    worker = threading.Thread(target=work)
    # The clock knows a thread from its beginning; what is due waits until this one waits too.
    with clock.held():
        sleeper.start()
        worker.start()
    worker.join()
    sleeper.join()
    assert set(seen) == {0.0}
    assert clock.monotonic() == 3600


def test_who_waits_is_woken_in_order(clock: Clock) -> None:
    woken: list[int] = []

    def sleep(seconds: int) -> None:
        clock.sleep(seconds)
        woken.append(seconds)

    with clock.held():
        threads = [threading.Thread(target=sleep, args=(seconds,)) for seconds in (30, 10, 20)]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    assert woken == [10, 20, 30]


def test_a_condition_and_an_event_time_out_by_it(clock: Clock) -> None:
    condition, event = Condition(clock), Event(clock)
    with condition:
        assert not condition.wait(60)
        assert clock.monotonic() == 60
        assert not condition.wait_for(lambda: False, 40)
    assert clock.monotonic() == 100
    assert not event.wait(20)
    event.set()
    assert event.wait(20)
    assert clock.monotonic() == 120


def test_tasks_that_sleep_have_their_pace(clock: Clock) -> None:
    clock.working = lambda: True
    began = time.monotonic()
    clock.sleep(20)
    assert time.monotonic() - began > 0.1, "a hundred seconds in one, at most"


def test_what_is_notified_does_not_wait(clock: Clock) -> None:
    condition, ready = Condition(clock), threading.Event()
    met: list[bool] = []

    def wait() -> None:
        with condition:
            ready.set()
            met.append(condition.wait(1e6))

    waiter = threading.Thread(target=wait)
    with clock.held():
        waiter.start()
        ready.wait()
        with condition:
            condition.notify_all()
        waiter.join()
    assert met == [True]
    assert clock.monotonic() < 1e6

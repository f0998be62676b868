"""The bar's life: what it counts, when it is silent, and what a status says in a sentence."""

from __future__ import annotations

import io
import re
import sys
import time
from dataclasses import replace

import pytest

from starburst._client.display import progress
from starburst._client.display.progress import ProgressBar, describe
from starburst._client.display.session_status import Status
from starburst._client.tasks.task_list import Tally
from starburst._protocol.status import StatusDocument

RUNNING = StatusDocument(
    session="s" * 20,
    state="running",
    reason="",
    workers_wanted=5,
    workers_starting=2,
    workers_running=3,
    workers_started=9,
    workers_lost=4,
    backlog=0,
    in_flight=0,
    worker_seconds=60.0,
    usd=0.5,
    started=0.0,
    deadline=3600.0 * 12,
    updated=0.0,
)


def watch(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Return what a person sees from here on."""
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "_width", lambda: 80)
    return screen


def counts(screen: io.StringIO) -> list[str]:
    return re.findall(r"\d+/\d+(?= [|\d])", screen.getvalue())


def test_the_bar_counts_what_is_done_and_not_what_it_was_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = watch(monkeypatch)
    bar = ProgressBar("here")
    for total, done in ((4, 1), (4, 3), (8, 3), (8, 8)):
        bar.update(Tally(total=total, done=done), None)
        assert counts(shown)[-1] == f"{done}/{total}"
    bar.finish()


def test_a_bar_that_has_ended_stays_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = watch(monkeypatch)
    bar = ProgressBar("here")
    bar.update(Tally(total=4, done=1), RUNNING)
    bar.finish()
    ended = shown.getvalue()
    assert ended.endswith("\n")
    bar.update(Tally(total=4, done=2), RUNNING)
    assert shown.getvalue() == ended


def test_a_bar_that_rested_goes_on_with_the_tasks_and_rests_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = watch(monkeypatch)
    bar, done = ProgressBar("here"), Tally(total=4, done=4)
    bar.update(done, RUNNING)
    bar.rest(done, RUNNING)
    bar.update(replace(done, total=5), RUNNING)
    again = shown.getvalue()
    bar.update(done, RUNNING)
    assert shown.getvalue() != again, "what it rested at is drawn, too, once it moved"
    bar.finish()


def test_what_came_since_it_was_drawn_is_shown_when_it_rests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However late the thread that draws comes to it; and where there are no tasks, no bar is."""
    shown = watch(monkeypatch)
    bar, done = ProgressBar("here"), Tally(total=4, done=4)
    bar.rest(Tally(), RUNNING)
    assert not shown.getvalue()
    bar.update(replace(done, done=1), RUNNING)
    bar.rest(done, RUNNING)
    rested = shown.getvalue()
    assert "4/4" in rested.split("\r")[-1]
    assert "3/5 workers" in rested.split("\r")[-1]
    bar.update(done, RUNNING)
    bar.rest(done, RUNNING)
    assert shown.getvalue() == rested


def test_nobody_who_does_not_watch_is_drawn_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = watch(monkeypatch)
    bar = ProgressBar("here", watched=False)
    bar.update(Tally(total=4), RUNNING)
    bar.rest(Tally(total=4), RUNNING)
    bar.finish()
    assert not shown.getvalue()


def test_each_kind_of_worker_and_task_is_counted_by_itself() -> None:
    tally = Tally(total=9, done=6, failed=2, cancelled=3, retried=1)
    assert describe(tally, RUNNING) == (
        "3/5 workers, 2 starting, 4 lost, 2 failed, 3 cancelled, 1 retried, $0.50"
    )
    waits = replace(RUNNING, workers_running=0, reason="no capacity")
    assert describe(Tally(), waits) == "no capacity, $0.50"
    assert describe(Tally(), replace(RUNNING, reason="no capacity")).startswith("3/5 workers")


def test_what_works_is_not_said_to_start() -> None:
    """The controller's word, or the lack of one, is older than the first result."""
    starting = replace(RUNNING, state="starting", workers_running=0, reason="no capacity yet")
    assert describe(Tally(total=4, done=1, seconds=0.5), None) == "working"
    assert describe(Tally(total=4, done=1, seconds=0.5), starting) == "working, $0.50"
    assert describe(Tally(total=4), None) == "starting"
    assert describe(Tally(total=4, done=1), None) == "starting", "taken over, or cancelled"


def test_without_a_terminal_a_line_comes_every_30_seconds_and_one_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown, now = watch(monkeypatch), [100.0]
    bar = ProgressBar("here", watched=False, plain=True)
    monkeypatch.setattr(bar._lines, "_clock", lambda: now[0])
    for second in range(65):
        now[0] = 100.0 + second
        bar.update(Tally(total=1200, done=second), RUNNING)
    bar.rest(Tally(total=1200, done=1200, failed=3), None)
    bar.rest(Tally(total=1200, done=1200, failed=3), None)
    assert shown.getvalue().splitlines() == [
        "here: 30/1,200 after 30 s, 3/5 workers, 2 starting, 4 lost, $0.50",
        "here: 60/1,200 after 1 min 0 s, 3/5 workers, 2 starting, 4 lost, $0.50",
        "here: 1,200/1,200 after 1 min 4 s, 3 failed",
    ]


def test_what_is_done_within_30_seconds_says_nothing_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown, now = watch(monkeypatch), [0.0]
    bar = ProgressBar("here", watched=False, plain=True)
    monkeypatch.setattr(bar._lines, "_clock", lambda: now[0])
    for second in (0, 29):
        now[0] = second
        bar.update(Tally(total=4, done=1), RUNNING)
    bar.rest(Tally(total=4, done=4), None)
    now[0] = 40
    bar.update(Tally(total=8, done=4), RUNNING)
    bar.finish()
    assert not shown.getvalue()


def test_an_ended_session_is_not_said_to_wait_for_its_controller() -> None:
    status = Status(session="a", tasks=Tally(total=2, done=2), workers=None, over=True)
    assert str(status) == "cleaned up; 2 of 2 tasks done"
    assert status.state == "ended"


def test_a_status_says_when_its_workers_leave_for_want_of_work() -> None:
    status = Status(session="a", tasks=Tally(), workers=RUNNING, idle_seconds=120)
    assert "; ends after 120 s without work, by 12:00 UTC on 01 January in any case" in str(status)


FAR = "6 of 9 tasks done, 2 of them failed, 3 cancelled; $0.50"


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("starting", "", f"starting; {FAR} so far"),
        ("running", "busy", f"busy; {FAR} so far"),
        ("ended", "stopped", f"stopped; {FAR} in all"),
        ("failed", "", f"failed; {FAR} in all"),
    ],
)
def test_a_status_says_how_far_it_is_what_it_cost_and_when_it_ends(
    state: str, reason: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        workers = replace(RUNNING, state=state, reason=reason)  # type: ignore[arg-type]
        tally = Tally(total=9, done=6, failed=2, cancelled=3)
        words = str(Status(session="s" * 20, tasks=tally, workers=workers))
    finally:
        monkeypatch.undo()
        time.tzset()
    lasts = "; ends by 12:00 UTC on 01 January at the latest"
    assert words == said + (lasts if said.endswith("so far") else ", at list price")


def test_a_session_that_the_controller_has_not_seen_is_starting_and_costs_nothing() -> None:
    status = Status(session="s" * 20, tasks=Tally(total=2), workers=None)
    assert (status.state, status.usd) == ("starting", 0.0)
    assert str(status) == "the controller has not reported yet; 0 of 2 tasks done"

"""What a person sees: the bar, however narrow the terminal, and the words of an end."""

from __future__ import annotations

import io
import re
import sys

import pytest

from starburst._client.access.connection import Connection
from starburst._client.display import progress
from starburst._client.display.progress import ProgressBar, describe
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.tasks.dispatch import Dispatcher
from starburst._client.tasks.task_list import Tally, TaskList
from starburst._protocol.status import SessionState, StatusDocument


def status(
    state: SessionState = "running", *, running: int = 2, reason: str = ""
) -> StatusDocument:
    return StatusDocument(
        session="s" * 20,
        state=state,
        reason=reason,
        workers_wanted=2 if state == "running" else 0,
        workers_starting=0,
        workers_running=running,
        workers_started=2,
        workers_lost=0,
        backlog=0,
        in_flight=0,
        worker_seconds=60.0,
        usd=0.0019,
        started=0.0,
        deadline=0.0,
        updated=0.0,
    )


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_failures_and_cost_are_seen_at_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(progress, "_width", lambda: width)
    bar = ProgressBar("starburst local/demo")
    bar.update(Tally(total=40), None)
    bar.update(Tally(total=40, done=12, failed=3), status())
    last = re.split(r"[\r\n]", shown.getvalue().rstrip("\n\r"))[-1].rstrip()
    bar.finish()
    assert "12/40" in last
    assert "3 failed, $0.0019" in last
    assert len(last) < width
    assert ("starburst local/demo" in last) == (width >= 80)


def test_a_session_that_is_over_says_why_though_workers_are_leaving() -> None:
    words = describe(Tally(total=4, done=4), status("ended", reason="stopped by its user"))
    assert words == "stopped by its user, $0.0019"


def test_what_is_printed_after_a_collection_begins_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    bar, done = ProgressBar("here"), Tally(total=4, done=4)
    bar.update(done, status())
    bar.rest(done, status())
    assert shown.getvalue().endswith("\n")
    bar.update(done, status(running=0))
    assert shown.getvalue().endswith("\n"), "workers that leave are no news of tasks"
    bar.update(Tally(total=5, done=4), status())
    bar.finish()
    assert "4/5" in shown.getvalue()


@pytest.mark.parametrize(("of", "wait"), [(TaskList, "wait"), (Dispatcher, "flush")])
def test_an_interrupt_says_that_the_session_goes_on(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, of: type, wait: str
) -> None:
    """While results are waited for, and while tasks still wait to be sent."""

    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    session = open_session(connection, SessionOptions(workers=1, idle_timeout=5), progress=False)
    monkeypatch.setattr(of, wait, interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        session.collect()
    monkeypatch.undo()
    assert f"starburst stop {session.id}" in caught.value.__notes__[0]
    monkeypatch.setattr(of, wait, interrupted)
    with pytest.raises(KeyboardInterrupt) as ended, session:
        session.collect()
    assert not hasattr(ended.value, "__notes__"), "the block ended it"

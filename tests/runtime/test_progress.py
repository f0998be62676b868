"""The bar: what the workers do stays in sight, however narrow the terminal."""

from __future__ import annotations

import io
import re
import sys

import pytest

from starburst.client import progress
from starburst.client.ledger import Tally
from starburst.client.progress import ProgressBar, describe
from starburst.status import SessionState, SessionStatus


def status(state: SessionState = "running", *, running: int = 2, reason: str = "") -> SessionStatus:
    return SessionStatus(
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
    bar.close()
    assert "12/40" in last
    assert "3 failed, $0.0019" in last
    assert len(last) < width
    assert ("starburst local/demo" in last) == (width >= 80)


def test_a_session_that_is_over_says_why_though_workers_are_leaving() -> None:
    words = describe(Tally(total=4, done=4), status("ended", reason="stopped by its user"))
    assert words == "stopped by its user, $0.0019"

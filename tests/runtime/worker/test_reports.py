"""What a process of tasks reports, each thing once, however many reports it takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from starburst._protocol.sealed.failure import describe
from starburst.worker.child.frames import read_frame
from starburst.worker.child.runner import _Report
from tests.runtime.worker.virtual.virtual_session import Dies, VirtualSession


@contextmanager
def reporting(said: list[dict[str, Any]]) -> Iterator[_Report]:
    """Yield a report on tasks from the fifth on; add what it said, without the results."""
    out, into = os.pipe()
    with os.fdopen(out, "rb", buffering=0) as answers:
        with os.fdopen(into, "wb") as pipe:
            yield _Report(pipe, {"mode": "data", "max_bytes": 10_000, "lo": 5})
        while (frame := read_frame(answers)) is not None:
            said.append(frame.header)


def test_seconds_retries_and_failures_are_told_once() -> None:
    said: list[dict[str, Any]] = []
    with reporting(said) as report:
        report.seconds, report.retries = 4.0, 2
        report.failed(5, describe(ValueError("no")))
        report.add(6, "value")
        report._send(final=False)
        report.seconds += 0.5
        report.add(7, "value")
        report.finish()
    assert [[index for index, _ in one.pop("failures")] for one in said] == [[5], []]
    shown = [{name: one[name] for name in one if name != "format"} for one in said]
    assert shown == [
        {"first": 5, "count": 2, "seconds": 4.0, "retries": 2, "spans": [], "final": False},
        {"first": 7, "count": 1, "seconds": 0.5, "retries": 0, "spans": [], "final": True},
    ]


def test_a_large_result_is_sent_at_once_and_does_not_hasten_those_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("starburst.worker.child.runner._REPORT_SECONDS", float("inf"))
    monkeypatch.setattr("starburst.worker.child.runner._REPORT_BYTES", 5000)
    said: list[dict[str, Any]] = []
    with reporting(said) as report:
        for index, size in enumerate((9000, 1, 1), 5):
            report.add(index, bytes(size))
            report.send_if_due()
        report.finish()
    assert [one["count"] for one in said] == [1, 2]


@pytest.mark.parametrize("attempts", [1, 3])
def test_runs_beyond_the_first_of_a_task_that_dies_are_its_retries(attempts: int) -> None:
    session = VirtualSession([Dies(0.1)], attempts=attempts)
    worker = session.run()
    assert session.outcomes() == ["lost"]
    assert session.started(0) == attempts
    node = worker.store.node("p000001-00000", 0, 1)
    assert node is not None
    assert node.retries == attempts - 1

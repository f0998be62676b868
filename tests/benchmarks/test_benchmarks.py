"""The benchmarks run, judge and report; how fast anything was is nobody's business here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import report, requests, short_tasks, startup, trivial, work
from benchmarks.harness import FLEET, Row, Runs, take_turns
from benchmarks.peers import POOL, Peer, SideFailed, opened
from starburst.local import LocalEnvironment, ensure
from starburst.local.emulator import STATE_VARIABLE


@pytest.fixture(scope="module")
def local() -> Iterator[LocalEnvironment]:
    """One of this process' own: the deployed one of other tests may be destroyed by now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(STATE_VARIABLE, raising=False)
        patch.setitem(FLEET, "workers", 1)  # type: ignore[arg-type]
        yield ensure()


def test_a_burst_is_measured_beside_another_side(local: LocalEnvironment) -> None:
    assert local.request_counts()
    warm, against, whole = trivial.measure(tasks=20, rounds=1, peers=(POOL,))
    assert warm.goal == "≤ 3 s warm"
    assert "ProcessPoolExecutor" in against.workload
    assert against.ratio.endswith("times")
    assert "one `map`" in whole.workload


def test_requests_are_counted_and_priced(local: LocalEnvironment) -> None:
    counted, priced = requests.measure(local, tasks=20)
    assert "s3:GetObject" in counted.ours
    assert priced.ours.startswith("$")


def test_importing_is_measured() -> None:
    imported, helped = startup.measure(rounds=1)
    assert imported.ours.endswith("ms")
    assert helped.ours.endswith("ms")


def test_a_side_that_cannot_start_is_a_reason_and_no_error() -> None:
    nobody = Peer(name="nobody", module="absent")

    def start():  # noqa: ANN202 - a context manager of a side
        return opened(nobody)

    runs = take_turns("trivial", {"nobody": (start, 10)}, rounds=2)
    assert "absent" in runs["nobody"].failure
    assert runs["nobody"].seconds == []


def test_a_side_runs_every_workload() -> None:
    with opened(POOL) as side:
        for name in work.WORK:
            assert side(name, 3) > 0


def test_a_side_that_ends_says_so() -> None:
    with opened(POOL) as side, pytest.raises(SideFailed, match="KeyError"):
        side("unheard of", 1)


def test_efficiency_is_the_share_of_time_that_is_work() -> None:
    assert short_tasks._efficiency(200, 25.0) == 1.0


def test_a_missed_goal_is_in_the_file(tmp_path: Path) -> None:
    rows = [
        Row(workload="a", goal="≤ 1 s", ours="2 s", theirs="", met=False),
        Row(workload="b", goal="", ours="2 s", theirs="x: 4 s", ratio="2 times"),
    ]
    path = tmp_path / "results.md"
    report.write(path, rows, command="make bench", load=0.1, seconds=61)
    text = path.read_text()
    assert "1 goals, 1 missed" in text
    assert "| **no**" in text
    assert f"Python {sys.version_info.major}." in text


def test_the_best_run_counts() -> None:
    runs = Runs(10, seconds=[2.0, 1.0])
    assert runs.best == 1.0
    assert runs.rate == 10.0

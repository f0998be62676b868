"""The model of whole sessions: AWS's limits hold at 500 workers; it decides as workers do."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.fleet_model.__main__ import IDLE_USD_HOUR, REQUESTS, USD, abandoned, idle
from benchmarks.fleet_model.clock import Bucket
from benchmarks.fleet_model.fleet import Session
from benchmarks.fleet_model.report import LIMITS, Outcome, limits_table, sessions_table
from benchmarks.fleet_model.settling import part, settle
from benchmarks.fleet_model.terms import Plan
from starburst._protocol.sealed.result_nodes import ResultNode
from starburst._protocol.sizing import stretch
from starburst.contract.times import GONE_SECONDS, OVERDUE_SECONDS
from starburst.worker.child.frames import Frame
from starburst.worker.child.range_run import RangeRun
from tests.manifests import a_manifest


def outcome(durations: Sequence[float], **terms: Any) -> Outcome:
    return Outcome.of(Session(Plan(name="a test", durations=durations, **terms)).run())


def test_a_million_trivial_tasks_cost_few_requests() -> None:
    found = outcome([1e-5] * 1_000_000)
    assert found.session.left == 0
    assert found.session.collected == 1_000_000
    assert found.requests <= REQUESTS
    assert found.request_usd <= USD
    assert not found.broken()
    assert len(found.session.cloud.tasks) == 500


def test_uneven_tasks_keep_all_workers_busy() -> None:
    chance = random.Random(7)  # noqa: S311 - a model, not a secret
    durations = [chance.lognormvariate(-1.0, 1.0) for _ in range(20_000)]
    found = outcome(durations, workers=100)
    assert found.session.left == 0
    assert found.avoidable <= 0.10
    assert found.lag <= 5
    assert not found.broken()


def test_a_thousand_very_uneven_tasks_come_near_the_ideal_on_two_workers() -> None:
    chance = random.Random(3)  # noqa: S311 - a model, not a secret
    found = outcome([chance.lognormvariate(-1.0, 2.0) for _ in range(1000)], workers=2)
    assert found.lost <= 0.10


def test_a_fleet_whose_controller_is_dead_is_gone_in_time() -> None:
    late, hours = abandoned(20)
    assert OVERDUE_SECONDS <= late <= GONE_SECONDS
    assert hours <= 20 * GONE_SECONDS / 3600


def test_spot_that_takes_workers_away_loses_no_task() -> None:
    found = outcome([0.3] * 30_000, workers=60, capacity="spot", taken=0.5)
    assert found.session.left == 0
    assert len(found.session.cloud.tasks) > 60  # the controller replaced them
    assert all(task.stopped is not None for task in found.session.cloud.tasks.values())
    assert found.session.cloud.queue is None


def test_idle_workers_poll_seldom() -> None:
    rate, usd = idle()
    assert 20 < rate < 30
    assert usd <= IDLE_USD_HOUR


def test_the_same_seed_is_the_same_run() -> None:
    one, two, other = (outcome([0.01] * 5000, workers=20, seed=seed) for seed in (1, 1, 2))
    assert one.session.meter.total == two.session.meter.total
    assert one.done == two.done != other.done


def test_the_tables_name_every_limit() -> None:
    found = [outcome([0.01] * 1000, workers=5)]
    assert "a test" in sessions_table(found)
    assert all(limit.name in limits_table(found) for limit in LIMITS)


def test_a_bucket_refills_at_its_rate() -> None:
    bucket = Bucket(100, 20)
    assert bucket.take(100, 0.0)
    assert not bucket.take(10, 0.25)
    assert bucket.take(10, 0.5)


@dataclass
class Scripted:
    """A child whose tasks take as long as they are told, on a clock that it moves."""

    durations: Sequence[float]
    clock: SimpleNamespace
    stopping: bool = False
    at: int = 0
    end: int = 0
    sent: float = 0.0
    begun: float = 0.0
    unsent: list[float] = field(default_factory=list)

    @property
    def state(self) -> Scripted:
        return self

    def clear(self) -> None:
        self.stopping = False

    def running(self) -> tuple[int, float]:
        return self.at, self.begun

    def ask_to_stop(self) -> None:
        self.stopping = True

    @property
    def stop_asked(self) -> bool:
        return self.stopping

    def send(self, header: dict[str, Any], buffers: Sequence[Any]) -> None:
        self.at, self.end = header["lo"], header["lo"] + len(buffers)
        self.sent = self.begun = self.clock.now

    def receive(self, timeout: float) -> Frame | None:
        until = self.clock.now + timeout
        while True:
            if self.at == self.end or (self.stopping and self.begun == self.clock.now):
                return self._frame(final=True)
            done = self.begun + self.durations[self.at]
            if done > until:
                self.clock.now = until + 1e-6  # as any real wait, it takes a little longer
                return None
            self.clock.now = self.begun = done
            self.unsent.append(self.durations[self.at])
            self.at += 1
            if done - self.sent > 0.25 and self.at < self.end and not self.stopping:
                return self._frame(final=False)

    def _frame(self, *, final: bool) -> Frame:
        header = {
            "first": self.at - len(self.unsent),
            "count": len(self.unsent),
            "format": "data",
            "failures": [],
            "seconds": sum(self.unsent),
            "retries": 0,
            "final": final,
        }
        self.unsent, self.sent = [], self.clock.now
        return Frame(header, (memoryview(b""),))


def settled(
    durations: Sequence[float],
    *,
    workers: int,
    budgets: float,
    mean: float,
    handed_on: list[tuple[ResultNode, float]] | None = None,
) -> ResultNode:
    """What the worker's own code settles of a range, in the end and while its last task runs."""
    clock = SimpleNamespace(now=1000.0)
    child: Any = Scripted(durations, clock)
    run = RangeRun(
        manifest=a_manifest(workers=workers),
        function="f",
        inputs=[b""] * len(durations),
        lo=0,
        hi=len(durations),
        child=lambda: child,
        end_child=lambda: None,
        tick=lambda: None,
        stopping=lambda: None,
        stretch=lambda: budgets,
        mean=mean,
        now=lambda: clock.now,
    )
    if handed_on is not None:
        run.hand_on = lambda node, seconds: handed_on.append((node, seconds)) is None
    run.run()
    node = run.node("w")
    assert node is not None
    return node


@pytest.mark.parametrize(
    "durations",
    [
        [0.0043] * 100,
        [0.12] * 40,
        [0.12] * 400,
        [0.5, 40.0, *[0.12] * 30],
        [3.0, *[0.12] * 60],
        [2.0, 2.0, 2.0],
        [0.12] * 79,
    ],
)
def test_the_model_settles_what_a_worker_settles(
    durations: list[float],
) -> None:
    ends = list(itertools.accumulate(durations))
    for backlog, workers, mean in itertools.product((0, 100_000), (2, 500), (0.0, 0.2)):
        budgets = stretch(workers, backlog=backlog)
        node = settled(durations, workers=workers, budgets=budgets, mean=mean)
        modelled = settle(ends, 0, chunk=len(ends), workers=workers, mean=mean, budgets=budgets)
        assert (node.covered, node.children) == modelled, (backlog, workers, mean)


@pytest.mark.parametrize(
    "durations",
    [
        [*[0.12] * 9, 40.0, *[0.12] * 90],
        [40.0, *[0.12] * 30],
        [0.01, 0.02, 3.0, *[0.12] * 60],
        [0.5, 0.3, *[0.21] * 20],
    ],
)
def test_the_model_hands_on_what_a_worker_hands_on_while_a_long_task_runs(
    durations: list[float],
) -> None:
    ends = list(itertools.accumulate(durations))
    tasks = len(ends)
    for workers, mean in itertools.product((2, 500), (0.0, 0.2)):
        handed_on: list[tuple[ResultNode, float]] = []
        last = settled(durations, workers=workers, budgets=2.0, mean=mean, handed_on=handed_on)
        done, _ = settle(ends, 0, chunk=tasks, workers=workers, mean=mean, budgets=2.0)
        began = ends[done - 2] if done > 1 else 0.0
        if ends[done - 1] - began < 0.52:
            assert (handed_on, last.covered) == ([], done), (workers, mean)
            continue
        ((node, seconds),) = handed_on
        assert 0.5 <= seconds < ends[done - 1] - began
        reported, ranges = part(
            ends,
            0,
            done=done,
            running=seconds,
            chunk=tasks,
            workers=workers,
            mean=mean,
            budgets=2.0,
        )
        assert (node.covered, node.children) == (reported, ranges), (workers, mean)
        assert (last.lo, last.hi, last.covered, last.children) == (reported, done, done, ())

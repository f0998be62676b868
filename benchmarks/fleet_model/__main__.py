"""``make fleet``: sessions of 500 workers and up to a million tasks, against AWS's limits."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from random import Random

from starburst.contract.times import GONE_SECONDS
from starburst.pricing.prices import load

from .fleet import Session
from .report import Outcome, calls_table, limits_table, sessions_table
from .terms import Plan

MILLION = 1_000_000
REQUESTS = 30_000
USD = 0.10
IDLE_USD_HOUR = 0.04


def plans(tasks: int, *, seed: int) -> Iterator[Plan]:
    """Yield what is run: trivial tasks, very uneven ones, and a fleet that Spot thins out."""
    chance = Random(seed)  # noqa: S311 - a model, not a secret

    def lognormal(count: int, mean: float, sigma: float) -> list[float]:
        mu = math.log(mean) - sigma**2 / 2
        return [chance.lognormvariate(mu, sigma) for _ in range(count)]

    few = max(1000, tasks // 1000)
    yield Plan(name="trivial, 10 µs", durations=[1e-5] * tasks)
    yield Plan(name="trivial, 10 µs, 8 workers", durations=[1e-5] * tasks, workers=8)
    yield Plan(name="10 ms", durations=[0.01] * tasks)
    yield Plan(name="0.25 s", durations=[0.25] * tasks)
    yield Plan(name="uneven, mean 0.25 s", durations=lognormal(tasks, 0.25, 1.5))
    heavy = [min(600.0, 0.2 * chance.paretovariate(1.3)) for _ in range(tasks)]
    yield Plan(name="heavy tail, up to 10 minutes", durations=heavy)
    yield Plan(name="1 KB inputs, 0.25 s", durations=[0.25] * (tasks // 4), input_bytes=1024)
    yield Plan(name="very uneven, mean 2 s", durations=lognormal(few, 2.0, 1.5), workers=50)
    yield Plan(
        name="very uneven, mean 2 s, 2 workers", durations=lognormal(few, 2.0, 1.5), workers=2
    )
    yield Plan(
        name="Spot, a third taken away",
        durations=lognormal(tasks // 4, 0.25, 1.0),
        capacity="spot",
        taken=0.33,
    )


def idle(workers: int = 500, *, seed: int = 0) -> tuple[float, float]:
    """Return requests a second, and their price an hour, of workers that wait for work."""
    hour = 3600
    plan = Plan(
        name="idle", durations=[1e-5], workers=workers, seed=seed, idle_seconds=hour, linger=hour
    )
    session = Session(plan).run()
    seconds = hour - 60.0
    polls = session.meter.total["sqs:ReceiveMessage"]
    return polls / seconds, polls / seconds * hour * load("eu-west-1").need("sqs_million") / 1e6


def abandoned(workers: int = 500, *, seed: int = 0) -> tuple[float, float]:
    """Return how long after its deadline a session whose controller is dead still has a worker.

    And the hours of all workers after it. Each is in the midst of a task that takes an hour.
    """
    plan = Plan(
        name="abandoned",
        durations=[3600.0] * workers,
        workers=workers,
        seed=seed,
        life=600,
        controller_dies=300.0,
    )
    session = Session(plan).run()
    late = [(task.stopped or math.inf) - plan.life for task in session.cloud.tasks.values()]
    return max(late), sum(late) / 3600


def main() -> int:
    """Run the model and print its tables; 1 where a limit or a goal is not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet_model", description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    began = time.monotonic()
    outcomes: list[Outcome] = []
    for plan in plans(words.tasks, seed=words.seed):
        print(f"{plan.name} …", file=sys.stderr, flush=True)
        outcomes.append(Outcome.of(Session(plan).run()))
    print(sessions_table(outcomes))
    print()
    print(calls_table(outcomes))
    print()
    print(limits_table(outcomes))
    rate, usd = idle(seed=words.seed)
    print()
    print(f"500 workers without work: {rate:.1f} requests/s, ${usd:.3f} an hour")
    late, hours = abandoned(seed=words.seed)
    print(
        f"500 workers whose controller is dead: gone {late:.0f} s after their session's deadline, "
        f"{hours:.1f} worker hours"
    )
    wrong = [f"{o.session.plan.name}: {what}" for o in outcomes for what in o.broken()]
    # A fleet's own requests, some ten a worker, are spread over as many tasks as there are.
    trivial = [o for o in outcomes if o.session.plan.name.startswith("trivial")]
    if words.tasks < MILLION:
        trivial = []
    wrong += [
        f"{o.session.plan.name}: {o.per_million(o.requests):,.0f} requests a million, "
        f"${o.per_million(o.request_usd):.3f}"
        for o in trivial
        if o.per_million(o.requests) > REQUESTS or o.per_million(o.request_usd) > USD
    ]
    wrong += [
        f"{o.session.plan.name}: {o.session.left} tasks lost" for o in outcomes if o.session.left
    ]
    if late > GONE_SECONDS:
        wrong.append(f"workers are there {late:.0f} s after their session's deadline")
    if usd > IDLE_USD_HOUR:
        wrong.append(f"idle workers cost ${usd:.3f} an hour")
    print(f"{time.monotonic() - began:.0f} s of computing; seed {words.seed}")
    for line in wrong:
        print(f"NOT KEPT  {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

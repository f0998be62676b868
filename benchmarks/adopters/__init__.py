"""Libraries that take an executor or a pool of Python's, on ours: the same values, and how soon."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from typing import Any, Final

import starburst
from benchmarks.harness import FLEET, Row

__all__ = ["ADOPTERS", "measure"]

_SECONDS: Final = 0.02
"""Of each call: enough that not only the way there and back is timed."""


def slow_square(x: float) -> float:
    """Take a while, and return the square."""
    time.sleep(_SECONDS)
    return float(x) ** 2


def slow_valley(x: Any) -> float:  # noqa: ANN401 - an array of whoever calls
    """Take a while, and return the height of a valley whose bottom is at 0.5."""
    time.sleep(_SECONDS)
    return float(((x - 0.5) ** 2).sum())


def slow_log_normal(theta: Any) -> float:  # noqa: ANN401
    """Take a while, and return the logarithm of a normal distribution's density, but for a term."""
    time.sleep(_SECONDS)
    return float(-0.5 * (theta**2).sum())


def with_dask(pool: Executor) -> object:
    """Sum 100 squares, with the executor as dask's scheduler."""
    from dask.delayed import delayed  # noqa: PLC0415 - each is imported by the row that needs it

    squares = [delayed(slow_square)(n) for n in range(100)]
    return delayed(sum)(squares).compute(scheduler=pool)


def with_scipy(pool: Executor) -> object:
    """Find the bottom of a valley, with the executor's map as scipy's ``workers``."""
    from scipy.optimize import differential_evolution  # noqa: PLC0415

    terms: dict[str, Any] = {"maxiter": 2, "popsize": 10, "rng": 1, "polish": False}
    terms |= {"workers": pool.map, "updating": "deferred"}
    bounds = [(0, 1), (0, 1)]
    found = differential_evolution(slow_valley, bounds, **terms)
    return [float(x) for x in found.x]


def with_emcee(pool: Executor) -> object:
    """Walk 32 walkers three steps, with the executor as emcee's pool."""
    import emcee  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    sampler = emcee.EnsembleSampler(32, 2, slow_log_normal, pool=pool)
    sampler.random_state = np.random.RandomState(1).get_state()
    sampler.run_mcmc(np.random.RandomState(2).normal(size=(32, 2)), 3)
    return np.asarray(sampler.get_chain()).tolist()


def with_adaptive(pool: Executor) -> object:
    """Sample a function where it bends, with the executor as adaptive's."""
    import adaptive  # noqa: PLC0415

    learner = adaptive.SequenceLearner(slow_square, range(100))
    adaptive.BlockingRunner(learner, goal=lambda each: each.done(), executor=pool, ntasks=100)
    return [learner.data[n] for n in range(100)]


ADOPTERS: Final[Mapping[str, Callable[[Executor], object]]] = {
    "dask, scheduler=executor": with_dask,
    "scipy, workers=executor.map": with_scipy,
    "emcee, pool=executor": with_emcee,
    "adaptive, executor=executor": with_adaptive,
}


def measure(adopters: Mapping[str, Callable[[Executor], object]] = ADOPTERS) -> list[Row]:
    """Return a row for each library; none of them knows of us."""
    rows = []
    with starburst.Executor(**FLEET) as ours, ProcessPoolExecutor(2) as pool:
        for each in (ours, pool):
            list(each.map(time.sleep, [0.5, 0.5]))  # both of its workers run
        for name, run in adopters.items():
            (mine, seconds), (theirs, others) = _timed(run, ours), _timed(run, pool)
            rows.append(
                Row(
                    workload=f"{name}: {(run.__doc__ or '').partition(',')[0].lower()}",
                    goal="the same values",
                    ours=f"{seconds:.2f} s",
                    theirs=f"ProcessPoolExecutor: {others:.2f} s",
                    ratio=f"{seconds / others:.2f} times",
                    met=mine == theirs,
                )
            )
    return rows


def _timed(run: Callable[[Executor], object], pool: Executor) -> tuple[object, float]:
    began = time.perf_counter()
    result = run(pool)
    return result, time.perf_counter() - began

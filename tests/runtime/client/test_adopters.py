"""Libraries that take an executor, a pool or a ``map`` of Python's own take ours, unchanged.

What they ask of it is at stake here, and that what they submit can travel. So calls are pickled as
for a worker, and run in this process; ``make bench`` runs the same on workers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from unittest import mock

import emcee
import numpy as np
import pytest
from dask.delayed import delayed
from scipy.integrate import quad_vec
from scipy.optimize import brute, differential_evolution

import starburst
from starburst._client import executor
from starburst._client.tasks.chunking import Inputs
from starburst._client.tasks.outcomes import Ended
from starburst._functions.payload import load


def square(x: float) -> float:
    return x * x


def valley(x: np.ndarray) -> float:
    return float(((np.asarray(x) - 0.5) ** 2).sum())


def log_normal(theta: np.ndarray) -> float:
    return float(-0.5 * (theta**2).sum())


def call(function: bytes, data: bytes, **_: object) -> Future[Any]:
    """Do with a call what client, worker and client do with it."""
    args, kwargs = load(data)
    future: Future[Any] = Future()
    future.set_result(load(function)(*args, **kwargs))
    return future


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> starburst.Executor:
    results: list[Any] = []

    def submitter(function: bytes) -> Callable[[Inputs], range]:
        def submit(inputs: Inputs) -> range:
            begin = len(results)
            results.extend(call(function, bytes(data)).result() for data in inputs)
            return range(begin, len(results))

        return submit

    core = mock.MagicMock(id="0" * 20)
    core.manifest.workers = 2
    core.submit.side_effect = call
    core.submitter.side_effect = submitter
    core.tasks.release.side_effect = lambda numbers, _: deque(
        (Ended.RESULT, results[number]) for number in numbers
    )
    monkeypatch.setattr(executor, "connect", mock.Mock())
    monkeypatch.setattr(executor, "open_core", mock.Mock(return_value=core))
    return starburst.Executor(workers=2, progress=False)


def test_dask_takes_it_as_its_scheduler(pool: starburst.Executor) -> None:
    with pool:
        total = delayed(sum)([delayed(square)(n) for n in range(4)])
        assert total.compute(scheduler=pool) == 14


def test_scipy_takes_its_map_for_workers(pool: starburst.Executor) -> None:
    terms: dict[str, Any] = {"maxiter": 2, "rng": 1, "updating": "deferred"}
    with pool:
        theirs: Any = pool.map
        found = differential_evolution(valley, [(0, 1)], workers=theirs, **terms)
        area, _ = quad_vec(square, 0, 1, workers=theirs, limit=1)
        corner = brute(valley, (slice(0, 1.5, 0.5),), workers=theirs, finish=None)
    alone = differential_evolution(valley, [(0, 1)], **terms)
    assert (found.x, found.nfev) == (alone.x, alone.nfev)
    assert area == pytest.approx(1 / 3)
    assert corner == 0.5


def test_emcee_takes_it_as_its_pool(pool: starburst.Executor) -> None:
    chains = []
    with pool:
        for each in (pool, None):
            sampler = emcee.EnsembleSampler(4, 2, log_normal, pool=each)
            sampler.random_state = np.random.RandomState(1).get_state()
            sampler.run_mcmc(np.random.RandomState(2).normal(size=(4, 2)), 3)
            chains.append(sampler.get_chain())
    assert np.array_equal(*chains)

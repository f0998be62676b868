"""joblib's calls on workers: scikit-learn's results are its own, and nothing is left behind."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from joblib import delayed
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

import starburst
import starburst.joblib
from starburst._client.access.connection import Connection
from starburst._client.ending import leaving
from starburst.joblib import StarburstBackend
from tests.nemesis.forked_children import preload
from tests.runtime.conftest import connection, fleet, forked, sdk
from tests.runtime.endings import noted_begins, wait_for_ends
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.kept import beside_records
from tests.some import some

__all__ = ["connection", "fleet", "forked", "sdk"]
pytestmark = pytest.mark.usefixtures("forked")

Parallel: Any = joblib.Parallel
"""joblib has no types."""
effective_n_jobs: Any = joblib.effective_n_jobs

X, Y = load_breast_cancer(return_X_y=True)
TWO: dict[str, Any] = {"workers": 2, "idle_timeout": 600, "progress": False}


def actions(fleet: Fleet) -> list[str]:
    return [request["action"] for request in fleet.requests]


def written(fleet: Fleet, folder: str = "") -> dict[str, int]:
    """Return what sessions hold, and its size; of a folder of theirs."""
    pages = fleet.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    found = (each for page in pages for each in page.get("Contents", ()))
    return {each["Key"]: each["Size"] for each in found if f"/{folder}" in each["Key"]}


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Where children are forked is what each of them would import, for two seconds."""
    for module in ("sklearn.ensemble", "sklearn.model_selection", "starburst.joblib"):
        preload(module)


@pytest.fixture
def config(connection: Connection) -> Iterator[dict[str, Any]]:
    with joblib.parallel_config("starburst", environment=connection, **TWO) as chosen:
        yield chosen
    chosen["backend"].close()
    wait_for_ends()


@pytest.fixture
def backend(config: dict[str, Any]) -> StarburstBackend:
    found = config["backend"]
    assert isinstance(found, StarburstBackend)
    return found


def test_a_grid_search_finds_what_it_finds_here(config: object, fleet: Fleet) -> None:
    def search(n_jobs: int) -> GridSearchCV:
        tree = DecisionTreeClassifier(random_state=0)
        return GridSearchCV(tree, {"max_depth": [1, 2, 3]}, cv=2, n_jobs=n_jobs).fit(X, Y)

    here, there = search(1), search(-1)
    scores = {name for name in here.cv_results_ if "time" not in name}
    assert all(np.array_equal(here.cv_results_[n], there.cv_results_[n]) for n in some(scores))
    assert here.best_params_ == there.best_params_
    assert actions(fleet).count("start") == 1


def test_what_returns_estimators_is_refused_before_anything_is_created(
    config: object, fleet: Fleet
) -> None:
    forest = RandomForestClassifier(4, n_jobs=2, random_state=0)
    with pytest.raises(starburst.UnsafeResult, match=r'give results="pickle" to parallel_config'):
        forest.fit(X, Y)
    with pytest.raises(starburst.UnsafeResult, match=r"fit returns a fitted estimator"):
        Parallel(n_jobs=2)(delayed(forest.fit)(X, Y) for _ in range(2))
    assert not beside_records(written(fleet))


def test_callbacks_that_no_worker_elsewhere_could_reach_are_refused(
    config: object, connection: Connection, fleet: Fleet
) -> None:
    assert not connection.local
    tree = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2, n_jobs=2)
    search: Any = tree
    search.set_callbacks(ScoringMonitor(scoring="accuracy"))
    with pytest.raises(starburst.ConfigurationError, match="callback ScoringMonitor listens at"):
        search.fit(X, Y)
    assert not written(fleet)


def test_the_best_of_a_search_over_forests_is_fitted_here(config: object) -> None:
    forest = RandomForestClassifier(3, random_state=0)
    search = GridSearchCV(forest, {"max_depth": [1, 2]}, cv=2, n_jobs=2)
    with pytest.warns(UserWarning, match="runs here, one call after the other") as warned:
        found = search.fit(X, Y)
    assert {each.filename for each in warned if "runs here" in str(each.message)} == {__file__}
    with joblib.parallel_config("sequential"):
        assert np.array_equal(found.predict(X), search.fit(X, Y).predict(X))


def test_who_opts_in_gets_the_forest_that_grows_here(connection: Connection) -> None:
    def forest() -> RandomForestClassifier:
        return RandomForestClassifier(4, n_jobs=2, random_state=0).fit(X, Y)

    terms = {**TWO, "results": "pickle"}
    with joblib.parallel_config("starburst", environment=connection, **terms) as chosen:
        there = forest()
    with joblib.parallel_config("sequential"):
        assert np.array_equal(forest().predict_proba(X), there.predict_proba(X))
    chosen["backend"].close()
    wait_for_ends()


def test_generators_yield_in_order_or_as_it_comes_and_only_what_was_asked_is_read(
    config: object,
) -> None:
    read: list[int] = []

    def inputs() -> Iterator[Any]:
        for number in range(1_000_000):
            read.append(number)
            yield delayed(abs)(-number)

    found = Parallel(n_jobs=2, return_as="generator", pre_dispatch=4)(inputs())
    assert [next(found) for _ in range(5)] == list(range(5))
    with pytest.warns(UserWarning, match="adjusting the input task"):
        found.close()
    assert len(read) < 1_000
    unordered = Parallel(n_jobs=2, return_as="generator_unordered")
    assert sorted(unordered(delayed(abs)(-n) for n in range(5))) == list(range(5))


def test_one_call_goes_on_while_another_begins_and_ends(config: object, fleet: Fleet) -> None:
    outer = Parallel(n_jobs=2, return_as="generator", pre_dispatch=2)(
        delayed(abs)(-n) for n in range(6)
    )
    first = next(outer)
    with pytest.raises(ValueError, match="invalid literal"):
        Parallel(n_jobs=2)(delayed(int)(text) for text in "1x")
    assert [first, *outer] == list(range(6))
    assert actions(fleet).count("start") == 1


def test_a_timeout_and_an_error_cancel_the_rest_and_end_the_session(
    config: object, backend: StarburstBackend, fleet: Fleet
) -> None:
    with pytest.raises(joblib.parallel.TimeoutError):
        Parallel(n_jobs=2, timeout=0.2)(delayed(_sit)(n) for n in range(4))
    assert backend.session is None
    wait_for_ends()
    with pytest.raises(ZeroDivisionError):
        Parallel(n_jobs=2)(delayed(divmod)(1, n) for n in (1, 0, 2))
    wait_for_ends()
    assert actions(fleet).count("start") == actions(fleet).count("stop") == 2


def _sit(_: int) -> None:
    threading.Event().wait(60)


def test_ctrl_c_ends_the_session(config: object, fleet: Fleet) -> None:
    def inputs() -> Iterator[Any]:
        yield delayed(abs)(1)
        yield delayed(abs)(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Parallel(n_jobs=2, batch_size=1, pre_dispatch="all")(inputs())
    wait_for_ends()
    assert actions(fleet) == ["start", "stop"]


def test_what_cannot_travel_later_on_is_raised_and_nobody_waits_for_it(config: object) -> None:
    values: list[Any] = [*range(8), threading.Lock()]
    with pytest.raises(starburst.UnpicklableInput, match="lock"):
        Parallel(n_jobs=2, pre_dispatch=2, batch_size=1)(delayed(repr)(each) for each in values)


def test_the_session_ends_with_the_block_and_is_erased(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = noted_begins(monkeypatch)
    others = {*leaving._owed}
    with joblib.parallel_config("starburst", environment=connection, **TWO):
        alive = weakref.ref(joblib.parallel.get_active_backend()[0])
        for _ in range(2):
            assert Parallel()(delayed(abs)(-n) for n in range(3)) == [0, 1, 2]
        assert beside_records(written(fleet))
        (ours,) = {*leaving._owed} - others
    assert alive() is None
    while begun.get(timeout=60) is not ours:
        pass
    wait_for_ends()
    assert actions(fleet) == ["start", "stop"]
    assert not beside_records(written(fleet))


def test_a_session_that_nobody_calls_ends_and_the_next_call_begins_another(
    config: object, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    class Over(threading.Timer):
        """Is over at once, while the workers wait for as long as ever."""

        def __init__(self, interval: float, *terms: Any) -> None:
            super().__init__(0, *terms)
            waits.append(interval)

    monkeypatch.setattr(threading, "Timer", Over)
    begun = noted_begins(monkeypatch)
    for _ in range(2):
        assert Parallel()(delayed(abs)(-n) for n in range(3)) == [0, 1, 2]
        begun.get(timeout=60)
        wait_for_ends()
    assert waits == [TWO["idle_timeout"]] * 2
    assert actions(fleet) == ["start", "stop"] * 2


def test_an_executor_of_ones_own_stays_ones_own(connection: Connection, fleet: Fleet) -> None:
    with starburst.Executor(connection, **TWO) as pool:
        with joblib.parallel_config("starburst", executor=pool):
            assert joblib.effective_n_jobs(-1) == 2
            with pytest.raises(ZeroDivisionError):
                Parallel()(delayed(divmod)(1, n) for n in (1, 0))
        assert pool.submit(abs, -3).result(60) == 3
    with pytest.raises(starburst.ConfigurationError, match="its own place and options"):
        StarburstBackend(executor=pool, workers=3)
    assert actions(fleet).count("start") == 1


def test_jobs_are_workers_and_one_job_runs_here(config: object, fleet: Fleet) -> None:
    assert joblib.effective_n_jobs() == effective_n_jobs(None) == 2
    assert joblib.effective_n_jobs(7) == 7
    with pytest.raises(ValueError, match="n_jobs == 0"):
        Parallel(n_jobs=0)(delayed(abs)(n) for n in range(2))
    assert Parallel(n_jobs=1)(delayed(os.getpid)() for _ in range(2)) == [os.getpid()] * 2
    assert not beside_records(written(fleet))


def test_without_workers_there_are_as_many_as_jobs(connection: Connection) -> None:
    terms = {"idle_timeout": 600, "progress": False}
    with joblib.parallel_config("starburst", environment=connection, **terms) as chosen:
        Parallel(n_jobs=3)(delayed(abs)(n) for n in range(2))
        assert chosen["backend"].session.manifest.workers == 3
    chosen["backend"].close()
    wait_for_ends()


def _inner(number: int) -> tuple[str, str, int, list[int]]:
    default = type(joblib.parallel.get_active_backend()[0]).__name__
    named = Parallel(n_jobs=2, backend="starburst")
    found = named(delayed(abs)(-n) for n in range(number))
    return default, type(named._backend).__name__, os.getpid(), found


def test_what_is_parallel_within_a_call_uses_threads_of_its_worker(config: object) -> None:
    found_in = Parallel(n_jobs=2)(delayed(_inner)(n) for n in range(3))
    for number, found in enumerate(some(found_in)):
        default, named, process, inner = found
        assert (default, named) == ("ThreadingBackend", "ThreadingBackend")
        assert process != os.getpid()
        assert inner == list(range(number))


def _described(array: Any) -> tuple[str, float]:
    return type(array).__name__, float(array.sum())


def test_a_memory_map_arrives_as_an_array_and_one_to_be_written_is_refused(
    config: object, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.arange(10.0))
    read: Any = np.load(tmp_path / "x.npy", mmap_mode="r")
    written: Any = np.load(tmp_path / "x.npy", mmap_mode="r+")
    calls = Parallel(n_jobs=2)
    assert (
        calls([delayed(_described)(read), delayed(_described)(array=read)])
        == [("ndarray", 45.0)] * 2
    )
    with pytest.raises(starburst.UnpicklableInput, match=r"mode='r\+': workers are other machines"):
        calls([delayed(_described)(written)])
    with (
        joblib.parallel_config(mmap_mode="w+"),
        pytest.raises(starburst.ConfigurationError, match="cannot write into an array"),
    ):
        Parallel(n_jobs=2)([delayed(abs)(1)])


def test_a_large_array_is_sent_a_second_time_and_no_third(config: object, fleet: Fleet) -> None:
    large = np.random.default_rng(0).normal(size=2 << 17)  # 2 MB
    calls = Parallel(n_jobs=2, batch_size=1)
    assert calls(delayed(_described)(large) for _ in range(8)) == [_described(large)] * 8
    assert sum(written(fleet).values()) < 2.5 * large.nbytes
    large[0] += 1  # what has changed is sent
    assert calls(delayed(_described)(large) for _ in range(2)) == [_described(large)] * 2


def test_small_calls_are_put_together_unless_each_has_a_time_limit(
    connection: Connection,
) -> None:
    for timeout, alone in ((None, False), (30, True)):
        with joblib.parallel_config(
            "starburst", environment=connection, timeout=timeout, **TWO
        ) as chosen:
            Parallel(n_jobs=2)(delayed(abs)(n) for n in range(60))
            assert (len(chosen["backend"].session.futures) == 60) is alone
        chosen["backend"].close()
        wait_for_ends()


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"worker": 3}, "did you mean 'workers'"),
        ({"environment": 3}, "say workers=3"),
        ({"memory": "3 apples"}, "neither a number of GB"),
    ],
)
def test_a_wrong_option_is_refused_where_it_is_given(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(starburst.ConfigurationError, match=match):
        joblib.parallel_config("starburst", **wrong)


def test_options_given_to_parallel_have_a_session_of_their_own(
    config: object, backend: StarburstBackend, fleet: Fleet
) -> None:
    Parallel(n_jobs=2)(delayed(abs)(n) for n in range(2))
    for _ in range(2):
        Parallel(n_jobs=2, env={"COLOUR": "red"})(delayed(os.getenv)("COLOUR") for _ in range(2))
    assert actions(fleet).count("start") == 2
    session = backend.session
    assert session is not None
    assert session.submit(os.getenv, "COLOUR").result(60) == "red"


def test_threads_of_libraries_are_limited_where_joblib_says_so(connection: Connection) -> None:
    with joblib.parallel_config(
        "starburst", environment=connection, inner_max_num_threads=3, **TWO
    ) as chosen:
        found = Parallel(n_jobs=2)(delayed(os.getenv)("OMP_NUM_THREADS") for _ in range(2))
    assert found == ["3", "3"]
    chosen["backend"].close()
    wait_for_ends()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (delayed(repr)(1, [threading.Lock()]), r"in a call of repr, args\[1\]\[0\] cannot be sent"),
        (delayed(dict)(x=threading.Lock()), r"in a call of dict, kwargs\['x'\] cannot be sent"),
        (
            delayed(threading.Lock().acquire)(),
            r"in a call of \S*acquire, the function cannot be sent",
        ),
    ],
)
def test_what_cannot_travel_is_named_as_its_caller_knows_it(
    config: object, call: Any, said: str
) -> None:
    with pytest.raises(starburst.UnpicklableInput, match=f"^{said}"):
        Parallel(n_jobs=2)([call])


def test_a_result_that_is_no_data_is_named_as_its_caller_knows_it(config: object) -> None:
    with pytest.raises(starburst.UnsafeResult, match=r"^result\[0\] is of type \S*lock"):
        Parallel(n_jobs=2)([delayed(_locks)()])


def _locks() -> list[Any]:
    return [threading.Lock()]

"""A pytest plugin that has tests of joblib and scikit-learn use the backend, unmodified.

joblib's tests take each backend that is registered; those that name backends get one more name.
Of scikit-learn's, those that speak of ``n_jobs`` run within ``parallel_config("starburst")``.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import joblib
import pytest

import starburst
import starburst.joblib
from starburst.joblib import BACKEND

from .broken import BREAK, broken
from .deselected import reason

REPORT: Final = "STARBURST_CHECK_REPORT"
"""Names the file to which the counts are written."""

_WORKERS: Final = 4
_PARAMETERS: Final = frozenset(
    {"backend", "parent_backend", "child_backend", "outer_backend", "inner_backend"}
)
_OTHERS: Final = frozenset({"loky", "threading"})
"""Where a test names one of these, and is given its name, ours is named too."""

_REGISTERED: Final = "what is made for a registered backend"
_NAMED: Final = "beyond that, where a test names backends"
_N_JOBS: Final = "what speaks of n_jobs"
_SCRIPTS: Final = "check_subprocess_call"
_PATIENCE: Final = 30
"""By what a script's time limit is multiplied where a test names backends: see ``_late``."""


class StarburstBackend(starburst.joblib.StarburstBackend):
    """The backend, of which all in a process share one session: to begin many takes long."""

    def __init__(self, nesting_level: int | None = None, **options: Any) -> None:
        if options:
            super().__init__("local", nesting_level=nesting_level, **options)
        else:
            super().__init__(executor=_shared(), nesting_level=nesting_level)


_pools: dict[int, starburst.Executor] = {}


def _shared() -> starburst.Executor:
    """Return this process's executor: a fork has none yet."""
    process = os.getpid()
    if process not in _pools:
        _pools[process] = starburst.Executor(
            "local", workers=_WORKERS, results="pickle", idle_timeout=600
        )
    return _pools[process]


joblib.register_parallel_backend(
    BACKEND, broken(StarburstBackend, os.environ.get(BREAK, "")) or StarburstBackend
)

_LISTS: Final = ("collected", "passed", "late", "failed")
_extended: list[list[Any]] = []
_counts: dict[str, dict[str, Any]] = {}
_kinds: dict[str, str] = {}


def _count(nodeid: str, what: str) -> None:
    found = _counts[_kinds[nodeid]][what]
    if nodeid not in found:
        found.append(nodeid)


def _late(check: Callable[..., object], nodeid: str) -> Callable[..., object]:
    """Return joblib's ``check_subprocess_call``, which ends a script at its limit, with more time.

    Ten seconds are enough for processes of one machine, and for a session's start where nothing
    else runs. What took longer than the test gives it is told apart from what fails.
    """

    @functools.wraps(check)
    def checked(*args: Any, timeout: float | None = None, **kwargs: Any) -> object:
        began = time.monotonic()
        longer = None if timeout is None else timeout * _PATIENCE
        try:
            return check(*args, timeout=longer, **kwargs)
        finally:
            if timeout is not None and time.monotonic() - began > timeout:
                _count(nodeid, "late")

    return checked


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Name the backend wherever a test of joblib names backends."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        names, values = mark.args[:2]
        named = isinstance(names, str) and names in _PARAMETERS and isinstance(values, list)
        texts = {each for each in values if isinstance(each, str)} if named else set()
        if texts & _OTHERS and BACKEND not in texts:
            values.append(BACKEND)
            _extended.append(values)


def _kind(item: pytest.Item) -> str | None:
    """Return what kind of test this is for the backend; None for one that is not for it."""
    if not isinstance(item, pytest.Function):
        return None
    if "sklearn" in item.path.parts:
        return _N_JOBS if "n_jobs" in inspect.getsource(item.function) else None
    chosen = item.callspec.params if hasattr(item, "callspec") else {}
    ours = {n for n, v in chosen.items() if v == BACKEND or isinstance(v, StarburstBackend)}
    if not ours:
        return None
    for mark in item.iter_markers("parametrize"):
        if mark.args[0] in ours and any(mark.args[1] is each for each in _extended):
            return _NAMED
    return _REGISTERED


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that are for the backend, but for those that a reason is known for."""
    kept: list[pytest.Item] = []
    for item in items:
        kind = _kind(item)
        if kind is None:
            continue
        counts = _counts.setdefault(
            kind, {**{each: [] for each in _LISTS}, "skipped": {}, "deselected": {}}
        )
        _kinds[item.nodeid] = kind
        counts["collected"].append(item.nodeid)
        why = reason(item.nodeid)
        if why is None:
            kept.append(item)
        else:
            counts["deselected"][item.nodeid] = why
    config.hook.pytest_deselected(items=[item for item in items if item not in {*kept}])
    items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Have scikit-learn burst, and give scripts that joblib was never to start with us time."""
    if "sklearn" not in item.path.parts:
        if _kinds[item.nodeid] != _NAMED or not isinstance(item, pytest.Function):
            return (yield)
        with pytest.MonkeyPatch.context() as patch:
            check = getattr(item.module, _SCRIPTS, None)
            if check is not None:
                patch.setattr(item.module, _SCRIPTS, _late(check, item.nodeid))
            return (yield)
    with joblib.parallel_config(BACKEND):
        return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count each test once. One that joblib expects to fail with its own backends has to pass."""
    if report.when == "call" and report.passed:
        _count(report.nodeid, "passed")
    elif report.failed or hasattr(report, "wasxfail"):
        _count(report.nodeid, "failed")
    elif report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else "unknown"
        skipped = _counts[_kinds[report.nodeid]]["skipped"]
        skipped[report.nodeid] = str(why).removeprefix("Skipped: ")


def pytest_sessionfinish() -> None:
    """End the session, and write what there was."""
    pool = _pools.get(os.getpid())
    if pool is not None:
        pool.shutdown(wait=True, cancel_futures=True)
    if os.environ.get(REPORT):
        for each in _counts.values():  # what failed as it was taken down did not pass
            each["passed"] = [name for name in each["passed"] if name not in each["failed"]]
        Path(os.environ[REPORT]).write_text(json.dumps(_counts, indent=1))

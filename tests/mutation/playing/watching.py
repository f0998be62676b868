"""What pytest is told and asked in a fork: which tests in which order, and what became of them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

__all__ = ["Watch"]

_TIMEOUT: Final = "Timeout (>"


class Watch:
    """A plugin of pytest.

    Args:
        order: as the player gets it. A baseline has ``sources``, whose lines are noted for each
            test; a mutant has ``tests``, in the order in which they are to run, with their limits.
    """

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._by = ""
        self._late = False
        self._ran = 0
        self._seconds: dict[str, float] = {}
        self._costs: dict[str, float] = {}
        self._failed: list[str] = []
        self._coverage: Any = None
        if order["kind"] == "baseline":
            from coverage import Coverage  # noqa: PLC0415 - only here, and it costs time

            here = [str(Path(source).resolve()) for source in order["sources"]]
            self._coverage = Coverage(data_file=None, include=here, config_file=False)
            self._coverage.start()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests that are to run, in their order."""
        if self._coverage is not None:
            return
        found = {item.nodeid: item for item in items}
        items[:] = [found[test] for test in self._order["tests"] if test in found]
        for item in items:
            limit = self._order["tests"][item.nodeid]
            item.add_marker(pytest.mark.timeout(limit), append=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note a test's time and lines."""
        began, spent = time.monotonic(), _spent()
        if self._coverage is not None:
            self._coverage.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self._ran += 1
            self._seconds[item.nodeid] = time.monotonic() - began
            self._costs[item.nodeid] = _spent() - spent
            if self._coverage is not None:
                self._coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self._failed.append(report.nodeid)
            self._note(report.nodeid, report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot even be imported."""
        if report.failed:
            self._note(report.nodeid, report)

    def _note(self, by: str, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not self._by:
            self._by = by
            self._late = _TIMEOUT in str(report.longrepr)

    def result(self) -> dict[str, Any]:
        """Return what became of the tests."""
        if self._coverage is None:
            return (
                {"by": self._by, "hung": self._late, "ran": self._ran}
                if self._by
                else {"ran": self._ran}
            )
        self._coverage.stop()
        data = self._coverage.get_data()
        return {
            "seconds": self._seconds,
            "costs": self._costs,
            "failed": sorted(set(self._failed)),
            "lines": {
                source: {
                    str(line): sorted(set(tests) - {""})
                    for line, tests in data.contexts_by_lineno(str(Path(source).resolve())).items()
                }
                for source in self._order["sources"]
            },
            "imports": _foreign(),
        }


def _spent() -> float:
    """Return the seconds of a core that this process and its children took."""
    return sum(os.times()[:4])


def _foreign() -> list[str]:
    """Return the modules that are not of this tree, in the order in which they were imported."""
    here = str(Path.cwd())
    return [
        name
        for name, module in list(sys.modules.items())
        if (file := getattr(module, "__file__", None))
        and not str(file).startswith(here)
        and not name.startswith(("coverage", "_pytest", "__"))
    ]

"""A fleet of threads as the runtime's tests have it, and as much of Airflow as is used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.adapters.airflow import small_airflow
from tests.runtime.conftest import connection, fleet, forked, sdk

__all__ = ["airflow", "connection", "fleet", "forked", "sdk"]


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Have the small Airflow be the one that is installed."""
    for name in [name for name in sys.modules if name.startswith("starburst.airflow.")]:
        monkeypatch.delitem(sys.modules, name)
    package = sys.modules["starburst.airflow"].__dict__
    before = dict(package)
    for name in (*small_airflow.OURS, *(n for n, v in before.items() if _is_part(v))):
        package.pop(name, None)
    small_airflow.install(monkeypatch)
    yield small_airflow
    for name in [name for name in sys.modules if name.startswith("starburst.airflow.")]:
        del sys.modules[name]  # they are made of the small one
    package.clear()
    package.update(before)


def _is_part(value: object) -> bool:
    return isinstance(value, ModuleType) and value.__name__.startswith("starburst.airflow.")

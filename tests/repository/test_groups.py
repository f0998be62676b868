"""Tests that share something costly are found together, whatever is renamed."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def test_what_runs_together_is_there(pytestconfig: pytest.Config) -> None:
    plugin = pytestconfig.pluginmanager.get_plugin(str(TESTS / "conftest.py"))
    assert plugin is not None
    there = {path.name for path in TESTS.iterdir() if path.is_dir()}
    there |= {path.name for path in TESTS.rglob("test_*.py")}
    assert plugin.TOGETHER.keys() - there == set()

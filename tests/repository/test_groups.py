"""Tests that share something costly are found together, whatever is renamed."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def test_what_runs_together_is_there(pytestconfig: pytest.Config) -> None:
    plugin = pytestconfig.pluginmanager.get_plugin(str(TESTS / "conftest.py"))
    assert plugin is not None
    there = {path.name for path in TESTS.iterdir() if path.is_dir()}
    files = list(TESTS.rglob("test_*.py"))
    there |= {path.name for path in files}
    there |= {path.relative_to(TESTS).as_posix() for path in files}
    assert plugin.TOGETHER.keys() - there == set()


@pytest.mark.parametrize(
    ("test", "group"),
    [
        ("tests/stacks/test_storage.py::test_it[prod]", "templates"),
        ("tests/local/life/test_sharing.py::test_it", "local"),
        ("tests/proofs/test_theorems.py::test_it", "proofs"),
        ("tests/proofs/test_variants.py::test_it", "proofs of others"),
        ("tests/gate/test_variants.py::test_it", "templates"),
        ("tests/repository/test_reference.py::test_it", "tests/repository/test_reference.py"),
        ("tests/repository/test_groups.py::test_it", "tests/repository/test_groups.py::test_it"),
    ],
    ids=[
        "a room",
        "below a room",
        "half of a room",
        "its other half",
        "a file of the same name",
        "a module's fixture",
        "alone",
    ],
)
def test_what_is_shared_is_made_on_one_process(
    pytestconfig: pytest.Config, test: str, group: str
) -> None:
    plugin = pytestconfig.pluginmanager.get_plugin(str(TESTS / "conftest.py"))
    assert plugin is not None
    assert plugin.group_of(test) == group

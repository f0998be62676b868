"""constructs/ stays a source root: a Python file in it would shadow PyPI's package."""

from __future__ import annotations

from pathlib import Path

import pytest


def guard(pytestconfig: pytest.Config) -> object:
    plugin = pytestconfig.pluginmanager.get_plugin(str(Path(__file__).parents[1] / "conftest.py"))
    assert plugin is not None
    return plugin


def test_a_module_directly_in_constructs_stops_everything(
    pytestconfig: pytest.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conftest = guard(pytestconfig)
    monkeypatch.setattr(conftest, "ROOT", tmp_path)
    (tmp_path / "constructs" / "starburst_constructs").mkdir(parents=True)
    (tmp_path / "constructs" / "starburst_constructs" / "__init__.py").touch()
    conftest.pytest_configure()  # pyright: ignore[reportAttributeAccessIssue]
    (tmp_path / "constructs" / "__init__.py").touch()
    with pytest.raises(pytest.UsageError, match="source root"):
        conftest.pytest_configure()  # pyright: ignore[reportAttributeAccessIssue]

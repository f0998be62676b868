"""A report is written where it was asked for, or it is said why not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from starburst.airflow import reports
from starburst.errors import ConfigurationError

SESSION = "a" * 20


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Somewhere with a session that writes a report of its own."""

    def report(path: str) -> Path:
        Path(path).write_text("<title>a burst</title>")
        return Path(path)

    collector = SimpleNamespace(catch_up=lambda: None)
    session = SimpleNamespace(
        report=report, detach=lambda: None, _core=SimpleNamespace(collector=collector)
    )
    monkeypatch.setattr(reports, "attach_session", lambda *_, **__: session)
    return None


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_it_is_where_it_was_asked_for(connection: Any, tmp_path: Path, scheme: str) -> None:
    target = tmp_path / "nightly/manual__1.html"
    reports.write_report(connection, SESSION, f"{scheme}{target}")
    assert target.read_text() == "<title>a burst</title>"


@pytest.mark.parametrize("target", ["nonsense://reports/1.html", "/proc/none/1.html"])
def test_where_nobody_can_write_is_refused(connection: Any, target: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        reports.write_report(connection, SESSION, target)


def test_a_link_is_one_that_a_browser_opens(tmp_path: Path) -> None:
    assert reports.link_to("https://reports.example/1.html") == "https://reports.example/1.html"
    assert reports.link_to(str(tmp_path / "a b.html")) == (tmp_path / "a b.html").as_uri()

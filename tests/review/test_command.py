"""``make diff`` is silent where nothing changed, and says in each format what did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.review import review as module
from deploy.review.__main__ import main
from deploy.review.base import ReviewError
from starburst_assurance.proofs.comparison.report import Finding

COST = Finding(section="cost", environment="prod", sentence="At rest it costs a dollar more.")


def answers(monkeypatch: pytest.MonkeyPatch, *found: Finding) -> list[object]:
    asked: list[object] = []

    def review(revision: str, *, wanted: Sequence[str] | None = None) -> list[Finding]:
        asked.append((revision, wanted))
        return list(found)

    monkeypatch.setattr(module, "review", review)
    return asked


def test_silence_where_nothing_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = answers(monkeypatch)
    assert main(["main", "--environment", "prod"]) == 0
    assert asked == [("main", ["prod"])]
    assert capsys.readouterr() == ("", "")


def test_what_changed_is_printed_and_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answers(monkeypatch, COST)
    into = tmp_path / "comment.md"
    assert main(["main", "--format", "markdown", "--into", str(into)]) == 1
    assert into.read_text() == capsys.readouterr().out
    assert "### prod: Cost at rest\n\n- At rest it costs a dollar more." in into.read_text()
    assert main(["main", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["section"] == "cost"


def test_what_cannot_be_compared_is_no_silence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def review(revision: str, *, wanted: object = None) -> list[Finding]:
        raise ReviewError(f"there is no commit {revision} here")

    monkeypatch.setattr(module, "review", review)
    assert main(["nowhere"]) == 2
    assert "there is no commit nowhere here" in capsys.readouterr().err

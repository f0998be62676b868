"""The app itself refuses a CDK CLI that is not the pinned one, with our own words."""

from __future__ import annotations

import pytest

import app


def test_another_cli_is_refused_by_its_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CDK_CLI_VERSION", "3.0.0 (build 1a2b3c4)")
    assert app.main() == 1
    said = capsys.readouterr().err
    assert "3.0.0" in said
    assert "npx cdk" in said


@pytest.mark.parametrize("version", [None, "2.1148.1", "2.1148.1 (build 1a2b3c4)"])
def test_the_pinned_one_is_not(monkeypatch: pytest.MonkeyPatch, version: str | None) -> None:
    if version is None:
        monkeypatch.delenv("CDK_CLI_VERSION", raising=False)
    else:
        monkeypatch.setenv("CDK_CLI_VERSION", version)
    assert app.refuse_other_cli() is None

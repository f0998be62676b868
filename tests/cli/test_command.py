"""The command's words: what it refuses, and that it needs no network to say so."""

from __future__ import annotations

import pytest

from starburst.cli import main
from starburst.local.emulator import GAPS
from tests.some import some


def test_no_command_prints_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "sessions" in capsys.readouterr().out


def test_estimate_of_the_guides_example(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["estimate", "--workers", "100", "--cpu", "4", "--memory", "8", "--hours", "2"]
    assert main(words) == 0
    assert "$39.50" in capsys.readouterr().out


def test_a_refusal_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--workers", "501", "--hours", "1"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("starburst: ")
    assert "500" in said
    assert "Traceback" not in said


def test_local_names_a_command_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "--", "no-such-command-here"]) == 127
    assert "no-such-command-here" in capsys.readouterr().err


def test_local_without_a_command_says_what_it_cannot_show(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["local"]) == 2
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    told = " ".join(said.split())
    for gap in some(GAPS.values()):
        assert f"- {gap}" in told
    met = ("Spot", "CloudWatch", "Airflow", "console", "billed", "logs in", "quota", "image", "VPC")
    assert [word for word in met if word not in told] == []


def test_local_is_as_unkind_and_as_strict_as_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int | None, bool | None]] = []

    def run(words: list[str], *, unkind: int | None, strict: bool | None) -> int:
        asked.append((words[-1], unkind, strict))
        return 0

    monkeypatch.setattr("starburst.local.running.run", run)
    assert main(["local", "--unkind", "7", "--strict", "--", "python", "-c", "1"]) == 0
    assert main(["local", "--", "true", "--unkind", "8", "--strict"]) == 0
    assert asked == [("1", 7, True), ("--strict", None, None)], "then the variable decides"

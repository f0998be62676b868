"""The command's words: what it refuses, and that it needs no network to say so."""

from __future__ import annotations

import pytest

from starburst.cli import main


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
    assert main(["local"]) == 2


def test_local_is_as_unkind_as_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[list[str], int | None]] = []

    def run(words: list[str], *, unkind: int | None) -> int:
        asked.append((words, unkind))
        return 0

    monkeypatch.setattr("starburst.local.running.run", run)
    assert main(["local", "--unkind", "7", "--", "python", "-c", "1"]) == 0
    assert main(["local", "--", "true", "--unkind", "8"]) == 0
    assert [(words[-1], unkind) for words, unkind in asked] == [("1", 7), ("8", None)]

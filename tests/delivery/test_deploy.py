"""A pipeline's deployment asks nothing, deploys all stacks, and is judged before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.delivery import deploy
from deploy.tools.cdk import CdkFailed


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []

    def judge(environment: object, outdir: Path) -> Path:
        seen.append(str(getattr(environment, "name", "")))
        return outdir

    monkeypatch.setattr(deploy, "judged", judge)
    return seen


def test_all_stacks_are_deployed_without_a_question(judged: list[str]) -> None:
    asked: list[Sequence[str]] = []
    assert deploy.main(["prod"], cdk=asked.append) == 0
    assert judged == ["prod"]
    [words] = asked
    assert words[:3] == ("deploy", "prod/*", "--app")
    assert words[words.index("--require-approval") + 1] == "never"
    assert not any(word in words for word in ("--force", "--no-rollback", "--role-arn"))


def test_what_fails_is_said_in_a_sentence(
    judged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Sequence[str]) -> None:
        raise CdkFailed("cdk deploy failed")

    assert deploy.main(["prod"], cdk=fail) == 1
    assert capsys.readouterr().err == "cdk deploy failed\n"
    assert judged


def test_an_environment_that_is_none_is_refused_before_anything_is_done(
    judged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy.main(["nowhere"]) == 1
    assert judged == []
    assert "no environment is called nowhere" in capsys.readouterr().err

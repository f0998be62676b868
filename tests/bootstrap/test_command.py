"""The command writes what an administrator runs once, or nothing and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.bootstrap import command
from deploy.bootstrap.command import BootstrapError, bootstrap_of, main, require_alone
from environments import ALL, PROD
from starburst_assurance.bootstrap.usage import Usage
from tests.bootstrap.conftest import deployer_for


def test_files_and_commands_are_of_each_other(usages: Mapping[str, Usage], tmp_path: Path) -> None:
    made = bootstrap_of(usages["prod"], deployer_for("prod", usages["prod"]))
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "policy-9.json").write_text("stale")
    made.write(tmp_path / "into")
    files = {path.name for path in (tmp_path / "into").iterdir()}
    policies = [f"policy-{number}.json" for number in range(1, len(made.policies) + 1)]
    assert files == {*policies, "boundary.json", "template.json", "reasons.json"}
    for name in files:
        json.loads((tmp_path / "into" / name).read_text())
    *making, bootstrapping = made.commands(tmp_path / "into")
    assert len(making) == len(policies) + 1
    assert all(any(f"/{name}" in line for line in making) for name in (*policies, "boundary.json"))
    assert "--template" in bootstrapping
    assert "AdministratorAccess" not in bootstrapping
    assert bootstrapping.count("policy/deployer-of-starburst-prod-") == len(policies)
    assert "--custom-permissions-boundary deployer-of-starburst-prod-boundary" in bootstrapping


def test_its_policies_are_none_that_it_may_change(usages: Mapping[str, Usage]) -> None:
    """It makes and changes policies whose names begin as the environment's do."""
    deployer = deployer_for("prod", usages["prod"])
    for name in (deployer.policy_name(1), deployer.boundary_name):
        assert not name.startswith("starburst-")


def test_two_environments_of_one_bootstrap_are_refused() -> None:
    other = replace(PROD, name="second")
    with pytest.raises(BootstrapError, match="one bootstrap serves both"):
        require_alone(PROD, (PROD, other))
    for one in ALL:
        require_alone(one)


def test_what_iam_would_refuse_is_not_written(
    usages: Mapping[str, Usage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "MOST", 100)
    with pytest.raises(BootstrapError, match="IAM takes 100"):
        bootstrap_of(usages["prod"], deployer_for("prod", usages["prod"]))


def test_more_policies_than_a_role_may_have_are_not_written(
    usages: Mapping[str, Usage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_POLICIES", 1)
    with pytest.raises(BootstrapError, match="IAM lets a role have 1"):
        bootstrap_of(usages["prod"], deployer_for("prod", usages["prod"]))


def test_an_unknown_environment_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere"]) == 1
    assert "no environment is called nowhere" in capsys.readouterr().err


def test_it_writes_and_says_what_to_run(
    usages: Mapping[str, Usage],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    made = bootstrap_of(usages["prod"], deployer_for("prod", usages["prod"]))
    monkeypatch.setattr(command, "_made", lambda environment: made)
    assert main(["prod", "--into", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "npx cdk bootstrap aws://222233334444/eu-west-1" in told
    assert (tmp_path / "prod" / "boundary.json").is_file()

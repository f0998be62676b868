"""Only the pinned CDK CLI runs, and it sees nothing of the machine's AWS settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.tools.cdk import ROOT, CdkCliError, CdkFailed, base_environment, find_cli, run_cdk


def repository(folder: Path, *, pinned: str, installed: str | None) -> Path:
    pins = {"devDependencies": {"aws-cdk": pinned}}
    (folder / "package.json").write_text(json.dumps(pins))
    if installed is not None:
        package = folder / "node_modules" / "aws-cdk"
        package.mkdir(parents=True)
        (package / "package.json").write_text(json.dumps({"version": installed}))
    return folder


def test_the_pinned_one_is_found() -> None:
    assert find_cli().is_file()
    pins = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    environment = base_environment()
    done = run_cdk(["--version"], environment=environment, cwd=ROOT)
    assert done.stdout.startswith(pins["aws-cdk"])


def test_the_stale_one_with_the_higher_number_is_refused(tmp_path: Path) -> None:
    root = repository(tmp_path, pinned="2.1148.1", installed="3.0.0")
    with pytest.raises(CdkCliError, match=r"is 3\.0\.0, but .* pins 2\.1148\.1.*older build"):
        find_cli(root)


def test_another_one_is_refused(tmp_path: Path) -> None:
    root = repository(tmp_path, pinned="2.1148.1", installed="2.1000.0")
    with pytest.raises(CdkCliError, match=r"is 2\.1000\.0, but .* pins 2\.1148\.1\. Run"):
        find_cli(root)


def test_none_is_refused(tmp_path: Path) -> None:
    root = repository(tmp_path, pinned="2.1148.1", installed=None)
    with pytest.raises(CdkCliError, match="is not installed"):
        find_cli(root)


def test_a_failure_shows_what_the_cli_wrote(tmp_path: Path) -> None:
    with pytest.raises(CdkFailed, match="--app is required"):
        run_cdk(["synth"], environment=base_environment(), cwd=tmp_path)


def test_no_aws_setting_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "x")
    assert "x" not in base_environment().values()

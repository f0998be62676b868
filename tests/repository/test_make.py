"""What make promises before any of our Python runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not installed")


def make(*arguments: str, at: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    for name in ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS"):  # these tests run in make
        environment.pop(name, None)
    return subprocess.run(  # noqa: S603 - our own Makefile
        [str(MAKE), *arguments],
        cwd=at,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with the Makefile and the files that it depends on, and nothing set up."""
    for name in ("Makefile", "uv.lock", "pyproject.toml", "package.json", "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("worker/pyproject.toml", ".ci/setup.lock"):
        (tmp_path / name).parent.mkdir()
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def executable(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)


def set_up(root: Path, python: str) -> None:
    """Pretend that everything is installed, with ``python`` in place of the interpreter."""
    executable(root / ".venv/bin/python", python)
    for stamp in ("uv", "python", "node"):
        path = root / ".venv/.stamps" / stamp
        path.parent.mkdir(exist_ok=True)
        path.touch()


def test_without_a_new_enough_python_it_says_so(bare: Path, tmp_path: Path) -> None:
    for name in ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python"):
        executable(tmp_path / "old" / name, "#!/bin/sh\nexit 1\n")
    result = make("setup", at=bare, PATH=f"{tmp_path / 'old'}:{os.environ['PATH']}")
    assert result.returncode != 0
    assert "No Python 3.11 or newer on PATH" in result.stderr
    assert not (bare / ".venv").exists()


@pytest.mark.parametrize("target", ["demo", "drill", "unit", "synth", "cost", "bench"])
def test_a_persons_own_credentials_are_not_seen(bare: Path, target: str) -> None:
    set_up(bare, "#!/bin/sh\nenv | sort\n")
    result = make(
        target,
        at=bare,
        AWS_PROFILE="payroll",
        AWS_ACCESS_KEY_ID="mine",
        AWS_CONTAINER_CREDENTIALS_FULL_URI="http://169.254.170.2/x",
    )
    assert result.returncode == 0, result.stderr
    seen = set(re.findall(r"^(AWS_\w+)=", result.stdout, re.M))
    assert seen == {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED"}


def test_the_virtual_environments_tools_come_first(bare: Path) -> None:
    set_up(bare, '#!/bin/sh\necho "$PATH"\n')
    path = make("demo", at=bare).stdout.strip().split(":")
    assert path[:2] == [f"{bare}/.venv/bin", f"{bare}/node_modules/.bin"]


def test_a_second_run_sets_nothing_up(bare: Path) -> None:
    set_up(bare, "#!/bin/sh\nexit 1\n")
    result = make("setup", at=bare)
    assert result.returncode == 0, result.stderr
    assert "pip" not in result.stdout


@pytest.mark.parametrize("target", ["bootstrap", "image", "evidence"])
def test_a_bootstrap_an_image_and_evidence_need_an_environment(bare: Path, target: str) -> None:
    set_up(bare, "#!/bin/sh\nexit 0\n")
    result = make(target, at=bare)
    assert result.returncode != 0
    assert f"make {target} ENV=prod" in result.stderr


def test_evidence_is_gathered_without_a_persons_credentials(bare: Path) -> None:
    set_up(bare, '#!/bin/sh\necho "$@"\nenv\n')
    result = make("evidence", "ENV=dev", at=bare, AWS_PROFILE="payroll")
    assert "-m deploy.evidence dev" in result.stdout
    assert "payroll" not in result.stdout


def test_only_the_signature_is_made_with_a_persons_credentials(bare: Path) -> None:
    set_up(bare, '#!/bin/sh\necho "$@ with $AWS_PROFILE"\n')
    result = make("evidence", "ENV=dev", "SIGN_WITH=arn:aws:kms:x", at=bare, AWS_PROFILE="payroll")
    told = result.stdout.splitlines()
    assert any("-m deploy.evidence dev" in line and line.endswith("with ") for line in told)
    [signed] = [line for line in told if "-m deploy.evidence.sign" in line]
    assert signed.endswith("--with arn:aws:kms:x with payroll")


def test_types_are_judged_of_all_that_the_settings_name(bare: Path) -> None:
    """In parts, since all at once takes more memory than Node does."""
    set_up(bare, "#!/bin/sh\n")
    told = make("--dry-run", "pyright", at=bare).stdout
    judged = [
        part for line in told.splitlines() for part in line.partition("basedpyright ")[2].split()
    ]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert sorted(judged) == sorted(settings["tool"]["basedpyright"]["include"])

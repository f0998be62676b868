"""Both wheels in a new environment: what works without the judges' extra, and what says so."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import app
from starburst_assurance.dependencies import EXTRA, JUDGES, MissingJudgeError, require_judges

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SENTENCE = (
    "cdk-nag, cdklabs-cdk-validator-cfnguard, cfn-lint, cvc5, policy-sentry are not installed, and "
    "nothing may pass unjudged: install the kit with its judges, pip install "
    "'starburst-kit[assurance]', or in a checkout pip install -r requirements.txt\n"
)


def uv(*words: str | Path, environment: Path) -> None:
    subprocess.run(  # noqa: S603 - our own tool
        [UV, *words],
        cwd=ROOT,
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(environment)},
        check=True,
    )


def install(path: Path, wheels: Path, *extra: str) -> Path:
    """Make a virtual environment of both wheels and of what uv.lock names, from uv's cache."""
    sync = ("sync", "--frozen", "--offline", "--quiet", "--no-default-groups")
    uv(*sync, "--no-install-workspace", *extra, environment=path)
    pip = ("pip", "install", "--offline", "--quiet", "--no-deps", "--python", path)
    uv(*pip, *sorted(wheels.glob("*.whl")), environment=path)
    # What the wheels' own metadata asks for is there, and in a version that they take.
    uv("pip", "check", "--quiet", "--python", path, environment=path)
    return path


@pytest.fixture(scope="module")
def environment(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One without any extra."""
    return install(tmp_path_factory.mktemp("new") / "env", wheels)


def run(environment: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - of our own wheels
        [environment / "bin" / words[0], *words[1:]],
        cwd=cwd,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("starburst", "--help"),
        ("starburst-prove", "--help"),
        ("python", "-c", "import starburst_constructs, starburst_constructs.naming"),
    ],
    ids=" ".join,
)
def test_both_wheels_work_without_the_judges(
    environment: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = run(environment, *words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_the_extra_for_local_a_sentence_names_the_install_line(
    environment: Path, tmp_path: Path
) -> None:
    done = run(
        environment, "python", "-c", "import starburst; starburst.map(abs, [1])", cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (1, "")
    *_, said = done.stderr.splitlines()
    assert "LocalEnvironmentError: the local environment is not installed here" in said
    assert "pip install './worker[local]'" in said
    assert "STARBURST_ENVIRONMENT" in said


def test_without_the_judges_nothing_is_proved_and_a_sentence_says_why(
    environment: Path, tmp_path: Path
) -> None:
    done = run(environment, "starburst-prove", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", SENTENCE)


def test_without_the_judges_nothing_is_synthesized_and_a_sentence_says_why(
    environment: Path,
) -> None:
    done = run(environment, "python", "app.py", cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", SENTENCE)


def test_without_the_judges_no_evidence_is_gathered_and_a_sentence_says_why() -> None:
    hidden = f"import sys; sys.modules |= dict.fromkeys({[*JUDGES.values()]}); "
    start = "from deploy.evidence.__main__ import main; sys.exit(main(['dev']))"
    done = subprocess.run(  # noqa: S603 - the script above
        [sys.executable, "-c", hidden + start],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", SENTENCE)


def test_the_extra_brings_the_judges(wheels: Path, tmp_path: Path) -> None:
    with_judges = install(tmp_path / "env", wheels, "--extra", EXTRA)
    done = run(with_judges, "starburst-prove", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"there is no app.py in {tmp_path}, so nothing was proved")


def test_the_extra_is_what_judges_look_for() -> None:
    brought = {each.split("=")[0].split(">")[0] for each in PROJECT["optional-dependencies"][EXTRA]}
    assert brought == set(JUDGES)
    require_judges()


@pytest.mark.parametrize("name", JUDGES)
def test_no_judge_is_skipped_because_it_is_missing(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, JUDGES[name], None)
    monkeypatch.setenv("CDK_VALIDATION", "false")  # as it was, once the app has taken it away
    with pytest.raises(MissingJudgeError, match=f"^{name} is not installed"):
        app.build()
    assert app.main() == 1
    assert capsys.readouterr().err.startswith(f"{name} is not installed, and nothing may pass")
    [prove] = entry_points(group="console_scripts", name="starburst-prove")
    assert prove.load()([]) == 2
    assert capsys.readouterr().err.startswith(f"{name} is not installed, and nothing may pass")

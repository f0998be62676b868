"""Buildspecs are run here as CodeBuild runs them, on a checkout whose parts are small.

What is dear, lint and synthesis of everything, is run by ``make delivery-check`` alone.
"""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from deploy.delivery.check import BUILDSPECS
from deploy.delivery.phases import PHASES, BuildspecError, commands, read_buildspec, run
from tests.some import some

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(BUILDSPECS.glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)

FOUND = 'import requests\n\ndata = requests.get("https://www.example.org/", verify = False)\n'
FIXED = 'import requests\n\ndata = requests.get("https://www.example.org", timeout=5)\n'
"""What the post's scan finds, and how the post mends it (P4)."""

CLOSED = {f"{scheme}_PROXY": "http://127.0.0.1:9" for scheme in ("HTTP", "HTTPS", "ALL")}
CLOSED |= {name.lower(): value for name, value in CLOSED.items()}
"""A machine without a way out."""


def parsed(path: Path) -> ET.Element:
    return ET.parse(path).getroot()  # noqa: S314 - written by our own commands


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """This checkout by links, but for what a build writes."""
    place = tmp_path / "src"
    place.mkdir()
    for path in ROOT.iterdir():
        if path.name not in {"build", "cdk.out", ".git"}:
            (place / path.name).symlink_to(path)
    return place


@every_file
def test_a_buildspec_is_one_and_all_its_commands_are_targets(path: Path) -> None:
    """One source for commands: whatever CodeBuild runs, anybody runs by make."""
    for phase, command in some(commands(read_buildspec(path))):
        assert phase in PHASES
        program, target, *settings = command.split()
        assert program == "make"
        assert target in TARGETS
        second = [word for word in settings if "=" not in word]
        assert not second, "no other target hides behind the first"


def test_a_pull_request_with_the_posts_mistake_fails_and_its_fix_goes_on(checkout: Path) -> None:
    sample = checkout / "sample.py"
    dear = ("make lint", "make synth", "make diff")
    variables = {"MAKEFLAGS": "SCANNED=sample.py", **CLOSED}
    sample.write_text(FOUND)
    ran = run(BUILDSPECS / "review.yml", at=checkout, variables=variables, without=dear)
    assert ran.failed == "build"
    [report] = ran.reports
    assert not report.wrong
    assert "B501" in ran.output
    assert "CWE-295" in ran.output or "B501" in report.file.read_text()
    assert "uv.lock" not in ran.output, "what stands behind a failed command does not run"
    sample.write_text(FIXED)
    ran = run(BUILDSPECS / "review.yml", at=checkout, variables=variables, without=dear)
    assert not list(parsed(ran.reports[0].file).iter("testcase"))
    # Without a network nobody says that the locks are clean.
    assert ran.failed == "build"
    for lock in ("uv.lock", "package-lock.json"):
        assert f"{lock}: nobody could be asked, so nothing is known of it" in ran.output


def test_the_quick_tests_leave_reports_that_codebuild_reads(checkout: Path) -> None:
    quick = {"MAKEFLAGS": "QUICK=tests/contract/test_times.py"}
    ran = run(BUILDSPECS / "tests.yml", at=checkout, variables=quick)
    assert ran.succeeded, ran.output
    junit, coverage = ran.reports
    cases = list(parsed(junit.file).iter("testcase"))
    assert cases
    measured = parsed(coverage.file)
    assert float(measured.get("line-rate", 0)) > 0
    assert any("contract/times.py" in str(one.get("filename")) for one in measured.iter("class"))


def test_a_test_that_fails_fails_the_build_and_its_report_is_there(checkout: Path) -> None:
    bad = checkout / "test_bad.py"
    bad.write_text("def test_bad() -> None:\n    assert 1 == 2\n")
    ran = run(BUILDSPECS / "tests.yml", at=checkout, variables={"MAKEFLAGS": "QUICK=test_bad.py"})
    assert ran.failed == "build"
    junit = next(one for one in ran.reports if one.name == "junit")
    assert list(parsed(junit.file).iter("failure"))


def test_quick_and_rest_are_all_tests() -> None:
    """What `make rest` leaves out is what `make quick` takes, folder by folder."""
    text = (ROOT / "Makefile").read_text()
    [line] = re.findall(r"^QUICK := (.*)$", text, re.MULTILINE)
    for folder in some(line.split()):
        assert list((ROOT / folder).glob("test_*.py")), folder
    assert "$(addprefix --ignore=,$(QUICK))" in text


def test_every_python_file_is_scanned() -> None:
    [line] = re.findall(r"^SCANNED := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    git = ["git", "ls-files", "-z", "*.py"]
    listed = subprocess.run(git, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    tracked = [name for name in listed.stdout.split("\0") if name]
    assert {name.partition("/")[0] for name in some(tracked)} <= set(line.split())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 0.1\nphases: {build: {commands: ['true']}}\n", "0.2"),
        ("version: 0.2\nphases: {compile: {commands: ['true']}}\n", "compile"),
        (
            "version: 0.2\nphases: {build: {commands: ['true']}}\n"
            "reports: {r: {files: [a.xml], file-format: JUNIT}}\n",
            "no format",
        ),
    ],
)
def test_what_codebuild_would_refuse_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text(text)
    with pytest.raises(BuildspecError, match=said):
        read_buildspec(path)


def test_phases_run_in_one_shell_and_post_build_follows_a_build_that_failed(tmp_path: Path) -> None:
    path = tmp_path / "own.yml"
    path.write_text(
        "version: 0.2\nphases:\n"
        "  install: {commands: ['word=kept']}\n"
        "  build: {commands: ['echo $word', 'false', 'echo never']}\n"
        "  post_build: {commands: ['echo last']}\n"
    )
    ran = run(path, at=tmp_path, variables={})
    assert ran.failed == "build"
    assert ran.output.split() == ["kept", "last", "phase", "failed:", "build"]


def test_variables_of_a_project_come_before_the_buildspecs(tmp_path: Path) -> None:
    path = tmp_path / "own.yml"
    path.write_text(
        "version: 0.2\nenv: {variables: {ONE: spec, TWO: spec}}\n"
        "phases: {build: {commands: ['echo $ONE $TWO']}}\n"
    )
    assert run(path, at=tmp_path, variables={"TWO": "project"}).output == "spec project\n"


def test_a_report_that_no_command_writes_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "own.yml"
    path.write_text(
        "version: 0.2\nphases: {build: {commands: ['true']}}\n"
        "reports: {r: {files: [none.xml], file-format: JUNITXML}}\n"
    )
    ran = run(path, at=tmp_path, variables={})
    assert ran.failed is None
    assert not ran.succeeded

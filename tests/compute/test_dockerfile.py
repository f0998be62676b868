"""The worker image is built from pinned parts and runs as a user that owns nothing."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from starburst.contract import WORKER_COMMAND
from starburst_constructs.compute.workers import SCRATCH, WORKER_UID, WORKER_USER

ROOT = Path(__file__).parents[2]


def instructions(text: str) -> list[tuple[str, str]]:
    """Read a Dockerfile: comments out, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [
        (word.upper(), " ".join(rest.split()))
        for word, _, rest in (line.strip().partition(" ") for line in joined.splitlines())
        if word
    ]


def problems(text: str) -> list[str]:
    """Return what is wrong with a worker's Dockerfile."""
    found = []
    steps = instructions(text)
    last = max(number for number, (word, _) in enumerate(steps) if word == "FROM")
    final = dict(steps[last:])
    if any(rest.split()[0] != "${BASE}" for word, rest in steps if word == "FROM"):
        found.append("a base that is not the vetted one")
    if not re.fullmatch(r"[1-9]\d+:[1-9]\d+", final.get("USER", "")):
        found.append("no numeric user")
    commands = [one for word, rest in steps if word == "RUN" for one in rest.split("&&")]
    installs = [one for one in commands if "pip install" in one or "pip wheel" in one]
    if any("--require-hashes" not in one and "--no-index" not in one for one in installs):
        found.append("an unpinned install")
    if any(word in {"ADD", "SHELL", "ENTRYPOINT"} for word, _ in steps):
        found.append("an instruction that is not needed")
    return found


@pytest.fixture
def text() -> str:
    return (ROOT / "worker/Dockerfile").read_text()


def test_the_image_is_pinned_and_its_user_is_a_number(text: str) -> None:
    assert problems(text) == []


def test_the_image_and_the_task_definition_agree(text: str) -> None:
    final = dict(instructions(text))
    assert final["USER"] == f"{WORKER_UID}:{WORKER_UID}"
    assert json.loads(final["VOLUME"]) == [SCRATCH]
    assert json.loads(final["CMD"]) == list(WORKER_COMMAND)
    assert f"chown {WORKER_UID}:{WORKER_UID} {SCRATCH}" in text
    entry = f"{WORKER_USER}:x:{WORKER_UID}:{WORKER_UID}::{SCRATCH}:/usr/sbin/nologin"
    assert f"echo '{entry}' >> /etc/passwd" in text
    assert f"echo '{WORKER_USER}:x:{WORKER_UID}:' >> /etc/group" in text
    variables = dict(pair.split("=", 1) for pair in shlex.split(final["ENV"]))
    wanted = {"HOME": SCRATCH, "USER": WORKER_USER, "LOGNAME": WORKER_USER}
    assert {name: variables[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        ("USER 10001:10001", "USER worker", "no numeric user"),
        ("USER 10001:10001", "USER 0:0", "no numeric user"),
        ("USER 10001:10001", "", "no numeric user"),
        ("--require-hashes", "", "an unpinned install"),
        ("FROM ${BASE} AS build", "FROM python:latest AS build", "a base that is not the vetted"),
        ("CMD [", "ENTRYPOINT [", "an instruction that is not needed"),
    ],
)
def test_a_worse_image_is_found(text: str, good: str, bad: str, problem: str) -> None:
    assert good in text
    assert any(problem in one for one in problems(text.replace(good, bad)))


@pytest.mark.parametrize(
    "name", ["requirements.lock", "requirements-data.lock", "requirements-build.lock"]
)
def test_every_locked_distribution_has_a_hash(name: str) -> None:
    logical = (ROOT / "worker" / name).read_text().replace("\\\n", " ").splitlines()
    pins = [line for line in logical if line and not line.startswith("#")]
    assert pins
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)

"""What a reader copies from the pages on incidents and evidence is what the commands take."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.incident.command import IncidentError

ROOT = Path(__file__).parents[2]
PAGES = (
    "contain-an-incident.md",
    "do-what-stays-yours.md",
    "erase-a-persons-data.md",
    "show-an-auditor-the-evidence.md",
)
BLOCK = re.compile(r"^ *```console\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
PYTHON = "$ .venv/bin/python -m "


def commands() -> list[str]:
    return [
        line.strip().removeprefix(PYTHON)
        for page in PAGES
        for block in BLOCK.findall((ROOT / "docs/how-to" / page).read_text())
        for line in re.sub(r"\\\n", " ", block).splitlines()
        if line.strip().startswith(PYTHON)
    ]


def nowhere(service: str) -> object:
    raise IncidentError(f"nobody asks {service} here")


@pytest.mark.parametrize("command", commands())
def test_a_documented_command_is_understood(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser would raise SystemExit; what is understood stops at AWS or at a missing file."""
    monkeypatch.chdir(tmp_path)
    name, *words = shlex.split(command)
    module = importlib.import_module(name)
    if name.startswith("deploy.evidence."):
        assert module.main(words) == 1
    else:
        assert module.main(words, clients=nowhere) in (0, 2)


def test_there_are_such_commands() -> None:
    names = {command.split()[0] for command in commands()}
    assert names >= {
        f"deploy.{name}"
        for name in ("contain", "erase", "events", "freeze", "hold", "isolate", "restore")
    } | {"deploy.evidence.sign", "deploy.evidence.verify"}


COMMANDS = sorted(
    [f"deploy.{path.stem}" for path in (ROOT / "deploy").glob("[a-z]*.py")]
    + [
        "deploy",
        *(f"deploy.evidence{name}" for name in ("", ".sign", ".verify")),
        *(
            f"deploy.tools.{path.stem}"
            for path in (ROOT / "deploy/tools").glob("[a-z]*.py")
            if '__name__ == "__main__"' in path.read_text()
        ),
    ]
)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_at_once(name: str, tmp_path: Path) -> None:
    """Without Node, which the CDK needs: nothing of an incident waits for it."""
    done = run(name, "--help", node=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: python -m {name} ")
    done = run(name, "--no-such-option", node=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def run(name: str, *words: str, node: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", name, *words],
        cwd=ROOT,
        env={"PATH": str(node)},
        capture_output=True,
        text=True,
        check=False,
    )

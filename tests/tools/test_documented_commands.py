"""What a reader copies from the pages on incidents and evidence is what the commands take."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest

from deploy.incident.command import OfficerError

ROOT = Path(__file__).parents[2]
PAGES = (
    "contain-an-incident.md",
    "do-what-stays-yours.md",
    "erase-somebodys-data.md",
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
    raise OfficerError(f"nobody asks {service} here")


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
        f"deploy.{name}" for name in ("contain", "erase", "events", "hold", "isolate", "restore")
    } | {"deploy.evidence.sign", "deploy.evidence.verify"}

"""What a reader copies from the pages on incidents and evidence is what the commands take."""

from __future__ import annotations

import importlib
import json
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


ASK = """
import contextlib, io, json, runpy, sys

def ask(name, word):
    sys.argv = [name, word]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = runpy.run_module(name, run_name="__main__", alter_sys=True) and 0
        except SystemExit as end:
            code = end.code
    return code, out.getvalue(), err.getvalue()

asked = [(name, word) for name in sys.argv[1:] for word in ("--help", "--no-such-option")]
json.dump({" ".join(each): ask(*each) for each in asked}, sys.stdout)
"""
"""What one process asks of every command, since Python need not start for each."""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """Exit code, standard output and standard error, by what was asked.

    Without Node, which the CDK needs: nothing of an incident waits for it.
    """
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-W", "ignore::RuntimeWarning:runpy", "-c", ASK, *COMMANDS],
        cwd=ROOT,
        env={"PATH": str(tmp_path_factory.mktemp("no-node"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_at_once(
    name: str, said: dict[str, tuple[int, str, str]]
) -> None:
    code, out, err = said[f"{name} --help"]
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: python -m {name} ")
    code, out, err = said[f"{name} --no-such-option"]
    assert (code, out) == (2, "")
    assert err.startswith(f"usage: python -m {name} ")

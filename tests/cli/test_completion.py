"""A shell completes commands, options and their choices, and files where nothing else can stand."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from starburst.cli import main

BASH = shutil.which("bash") or "bash"
ASK = """
{script}
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_starburst
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", "bash"]) == 0
    return capsys.readouterr().out


def completed(script: str, *words: str, folder: Path) -> set[str]:
    quoted = " ".join(map(shlex.quote, ("starburst", *words)))
    done = subprocess.run(  # noqa: S603 - our own script
        [BASH, "--norc", "-c", ASK.format(script=script, words=quoted)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    assert done.stderr == ""
    return set(done.stdout.splitlines())


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("co",), {"collect", "completion"}),
        (("data", ""), {"get", "ls", "put", "rm", "--help"}),
        (("packages", "p"), {"publish"}),
        (("cleanup", "--e"), {"--environment", "--erase"}),
        (("stop", "--er"), {"--erase"}),
        (("estimate", "--capacity", ""), {"mixed", "on-demand", "spot"}),
        (("estimate", "--workers", "3", "--architecture", "a"), {"arm64"}),
        (("completion", "z"), {"zsh"}),
        (("collect", "abc", "--out", "res"), {"results.csv"}),
        (("collect", "abc", "--out", "x", "--fo"), {"--force"}),
        (("home", "ls", "--js"), {"--json"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bash_completes(
    words: tuple[str, ...], found: set[str], script: str, tmp_path: Path
) -> None:
    (tmp_path / "results.csv").touch()
    assert completed(script, *words, folder=tmp_path) == found


def test_zsh_loads_it_as_bashs(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[:3] == [
        "autoload -Uz compinit bashcompinit",
        "(( $+functions[compdef] )) || compinit -i",
        "bashcompinit",
    ]
    assert said.splitlines()[4:] == script.splitlines()[1:]
    # To zsh a name after the colon of a slice is a modifier of what it has found.
    assert not re.search(r"\[@\]:\d+:[A-Za-z]", said)


def test_a_name_with_a_blank_is_one(script: str, tmp_path: Path) -> None:
    (tmp_path / "my results.csv").touch()
    assert completed(script, "data", "put", "my", folder=tmp_path) == {"my results.csv"}

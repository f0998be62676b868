"""Run a command within a local environment: ``starburst local -- CMD``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from typing import Final

from starburst.untrusted.terminal_text import one_line, tell

from .emulator import GAPS
from .sharing import ensure, share

__all__ = ["run"]

_USAGE_ERROR: Final = 2
_NO_COMMAND: Final = 127
_SIGNALLED: Final = 128
_COLUMNS: Final = 80


def run(words: Sequence[str], *, unkind: int | None = None, strict: bool | None = None) -> int:
    """Run a command that finds a local environment, and return its exit code.

    Args:
        words: the command and its arguments; a first ``--`` is left out.
        unkind: a seed of AWS's documented unkindness, or None for a kind day.
        strict: have workers see what AWS's would; None for what ``STARBURST_LOCAL_STRICT`` says.

    Raises:
        LocalEnvironmentError: the environment did not start or deploy.
    """
    command = [*words]
    if command[:1] == ["--"]:
        del command[0]
    if not command:
        usage = "starburst local: name a command, such as: starburst local -- python analysis.py"
        tell(f"{usage}\nIt is AWS in small, on this machine. What it cannot show:", sys.stdout)
        for gap in GAPS.values():
            tell(textwrap.fill(f"- {gap}", _COLUMNS, subsequent_indent="  "), sys.stdout)
        return _USAGE_ERROR
    if shutil.which(command[0]) is None:
        tell(
            f"starburst local: there is no command {one_line(repr(command[0]))} on PATH", sys.stderr
        )
        return _NO_COMMAND
    with share(ensure(unkind=unkind, strict=strict)) as variables:
        done = subprocess.run(command, env={**os.environ, **variables}, check=False)  # noqa: S603
    return done.returncode if done.returncode >= 0 else _SIGNALLED - done.returncode

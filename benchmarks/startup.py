"""What it costs to import the package and to ask the command for help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .harness import Row, best_of

__all__ = ["measure"]

_IMPORT_SECONDS = 0.100
_HELP_SECONDS = 0.250
_TIMED = """
import time
began = time.perf_counter()
import starburst
print(time.perf_counter() - began)
"""


def measure(*, rounds: int = 7) -> list[Row]:
    """Return the rows of this workload."""
    imported = min(float(_run(sys.executable, "-c", _TIMED)) for _ in range(rounds))
    command = str(Path(sys.executable).parent / "starburst")
    helped = best_of(rounds, lambda: _run(command, "--help"))
    return [
        Row(
            workload="`import starburst`",
            goal=f"≤ {_IMPORT_SECONDS * 1000:.0f} ms",
            ours=f"{imported * 1000:.0f} ms",
            theirs="",
            met=imported <= _IMPORT_SECONDS,
        ),
        Row(
            workload="`starburst --help`, the whole process",
            goal=f"≤ {_HELP_SECONDS * 1000:.0f} ms",
            ours=f"{helped * 1000:.0f} ms",
            theirs="",
            met=helped <= _HELP_SECONDS,
        ),
    ]


def _run(*words: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own command line
        words, capture_output=True, text=True, check=True
    )
    return done.stdout

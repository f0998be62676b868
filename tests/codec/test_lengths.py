"""A header that announces five gigabytes is refused before anything of that size is allocated."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_BYTES = 2**25


def test_no_length_is_believed() -> None:
    command = [sys.executable, "-m", "tests.codec.lengths"]
    done = subprocess.run(  # noqa: S603 - our own module
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) > 100
    # A word of an Arrow stream that is no length may hold any number.
    believed = [line for line in lines if line[1] != "refused" and " of " not in line[0]]
    assert not believed
    assert not [line for line in lines if line[1] == "out of memory"]
    assert max(peak for _, _, peak in lines) < MOST_BYTES

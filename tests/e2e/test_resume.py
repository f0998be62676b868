"""A program that is killed in the midst of its work goes on with it when it is started again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import starburst

TOTAL = 10_000
HALF = TOTAL // 2

PROGRAM = f"""
import os, sys
from contextlib import suppress

import starburst

def work(number, folder):
    if number == {HALF}:
        with suppress(OSError):  # nobody listens any more
            os.close(os.open(f"{{folder}}/half", os.O_WRONLY | os.O_NONBLOCK))
    note = os.open(f"{{folder}}/runs", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(note, f"{{number}}\\n".encode())
    os.close(note)
    return number * 3

if __name__ == "__main__":
    found = starburst.map(
        work, range({TOTAL}), kwargs={{"folder": sys.argv[1]}}, workers=2, cpu=0.25, memory=0.5,
        resume=sys.argv[2],
    )
    print(sum(found), len(found))
"""


@pytest.mark.usefixtures("local_environment")
def test_who_is_killed_at_half_computes_no_more_than_was_missing(tmp_path: Path) -> None:
    script = tmp_path / "fit.py"
    script.write_text(PROGRAM)
    os.mkfifo(tmp_path / "half")
    name = f"fit of {tmp_path.name}"
    command = [sys.executable, str(script), str(tmp_path), name]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:  # noqa: S603 - our own
        with open(tmp_path / "half", "rb") as half:  # when a task opens it, too
            half.read()
        first.send_signal(signal.SIGKILL)
        first.wait()
    again = subprocess.run(  # noqa: S603 - our own
        command, capture_output=True, text=True, check=False, timeout=600
    )
    assert again.stdout.split() == [str(3 * sum(range(TOTAL))), str(TOTAL)], again.stderr
    said = re.search(r"([\d,]+) of 10,000 results are there .*, ([\d,]+) are comp", again.stderr)
    assert said, again.stderr
    there, computed = (int(number.replace(",", "")) for number in said.groups())
    assert there + computed == TOTAL
    runs = list(map(int, (tmp_path / "runs").read_text().split()))
    assert set(runs) == {*range(TOTAL)}
    assert runs.count(0) == 1, "what was done first is not done again"
    assert len(runs) <= TOTAL + computed, "but what was missing, or in flight"
    for each in starburst.sessions():
        if each.manifest.labels.get("starburst:resume") == name:
            starburst.attach(each.id, progress=False).cleanup(force=True)

"""Attach from a fresh process: how long until every future of a killed client is there again.

A client process submits tasks and is killed with SIGKILL; then another process attaches. Everything
is in the local environment, so the requests are real and the network is not.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import starburst
from starburst.local import ensure
from starburst.local.emulator import STATE_VARIABLE

__all__ = ["main", "measure"]

_GOAL_SECONDS = 10.0
_SUBMIT = """
import sys, time, starburst
session = starburst.session(workers=2, cpu=0.25, memory=0.5, progress=False)
futures = session.map(abs, range(-int(sys.argv[1]), 0))
futures[0].result()
print(session.id, flush=True)
time.sleep(3600)
"""
_ATTACH = """
import sys, time
began = time.perf_counter()
import starburst
imported = time.perf_counter()
here = starburst.connect()
connected = time.perf_counter()
session = starburst.attach(sys.argv[1], here, progress=False)
attached = time.perf_counter()
results = session.collect(timeout=300)
collected = time.perf_counter()
tasks = int(sys.argv[2])
assert results == list(range(tasks, 0, -1)), "the results are wrong"
assert session.collect() == [], "a result came twice"
session.cleanup(force=True)
print(imported - began, connected - imported, attached - connected, collected - attached)
"""


def main() -> int:
    """Print the seconds of each step; 1 where the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attach", description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory) / "state.json"
        ensure().write_state(state)
        os.environ[STATE_VARIABLE] = str(state)  # so that other processes find the environment
        return measure(words.tasks)


def measure(count: int) -> int:
    """Submit, kill, attach; print what each step took."""
    starburst.map(abs, range(10), workers=2, cpu=0.25, memory=0.5, progress=False)  # it is warm now
    tasks = str(count)
    client = subprocess.Popen(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", _SUBMIT, tasks], stdout=subprocess.PIPE, text=True
    )
    assert client.stdout is not None  # noqa: S101 - it was asked for
    session = client.stdout.readline().strip()
    os.kill(client.pid, signal.SIGKILL)
    client.wait()
    client.stdout.close()
    began = time.perf_counter()
    said = subprocess.run(  # noqa: S603 - the same
        [sys.executable, "-c", _ATTACH, session, tasks],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    whole = time.perf_counter() - began
    imported, connected, attached, collected = map(float, said.split())
    print(f"{imported:7.2f}  s to import starburst")
    print(f"{connected:7.2f}  s to log in and connect")
    print(f"{attached:7.2f}  s from attach to {count:,} futures ({_GOAL_SECONDS:g} s allowed)")
    print(f"{collected:7.2f}  s until collect had each result once, in order")
    print(f"{whole:7.2f}  s in all, the new process and its clean-up included")
    return 0 if connected + attached <= _GOAL_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())

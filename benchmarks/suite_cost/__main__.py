"""``make suite-cost``: what the tests of each folder cost in CPU time, theirs and their processes'.

A folder runs in one process, with nothing shared from others: what ``make test`` shares between
folders (syntheses, proofs) is paid in each here. CPU time, unlike what a clock shows, is little
changed by who else uses the machine; caches and clock speed still move it by a tenth or more.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["cost_of", "folders", "main"]

ROOT: Final = Path(__file__).parents[2]


def folders(named: list[str]) -> list[str]:
    """Return the folders to measure: those that are named, or all that have tests."""
    found = {path.relative_to(ROOT).parts[1] for path in ROOT.glob("tests/*/**/test_*.py")}
    return sorted(named or (f"tests/{one}" for one in found))


def cost_of(folder: str) -> tuple[float, int]:
    """Return the CPU seconds of a folder's tests, of all processes that ended, and the exit code.

    A process that nobody waited for is not counted.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(  # noqa: S603 - our own tests
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--randomly-seed=1",
            folder,
        ],
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, done.returncode


def main() -> int:
    """Print a row for each folder; return 1 where tests fail, whose cost says nothing."""
    parser = argparse.ArgumentParser(prog="make suite-cost", description="CPU seconds of tests")
    parser.add_argument("folder", nargs="*", help="such as tests/proofs; all without one")
    failed = 0
    sys.stdout.write("| folder | CPU seconds |\n|---|---:|\n")
    for folder in folders(parser.parse_args().folder):
        seconds, code = cost_of(folder)
        failed |= code
        aside = "" if code == 0 else f" (pytest ended with {code})"
        sys.stdout.write(f"| {folder} | {seconds:.1f}{aside} |\n")
        sys.stdout.flush()
    return int(failed != 0)


if __name__ == "__main__":
    sys.exit(main())

"""Run joblib's and scikit-learn's own tests against the backend, and say what came of each.

Exits with 1 where fewer than 99 in 100 of the tests pass that joblib itself makes for a backend
that is registered, or of scikit-learn's that speak of ``n_jobs``; deselected ones count as failed.
So it does where a backend that is broken on purpose passes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import joblib
import sklearn

from starburst.local import LocalEnvironment
from starburst.local.deploy_templates import deploy_templates
from starburst.local.sharing import share

from . import judge
from .broken import BREAK, FOUND_BY, WAYS
from .plugin import REPORT

_ROOT: Final = Path(__file__).resolve().parents[2]
_STARTED: Final = Path(__file__).resolve().parent / "started"
_SUITES: Final[Mapping[str, Path]] = {
    "joblib": Path(joblib.__file__).parent / "test/test_parallel.py",
    "scikit-learn": Path(sklearn.__file__).parent,
}
_BROKEN: Final = "broken"
_GUARD_SECONDS: Final = 900
"""Of one test: a guard against what hangs, never a verdict."""

_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""Of the tests' own process: on a busy machine, threads that spin for each other wait for ever."""


def run(suite: str, variables: Mapping[str, str], arguments: list[str]) -> dict[str, Any]:
    """Run the tests of one of the two; return what the plugin counted."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        path = _SUITES[suite]
        subprocess.run(  # noqa: S603 - this Python
            [
                *(sys.executable, "-m", "pytest", "-p", "tests.joblib_check.plugin"),
                *("-c", "/dev/null", "--rootdir", str(path.parent), "-p", "no:cacheprovider"),
                *("-q", "--timeout", str(_GUARD_SECONDS), "--tb", "short", "-W", "ignore"),
                *(str(path), *arguments),
            ],
            cwd=folder,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
                **_ONE_THREAD,
                **variables,
                "PYTHONPATH": f"{_STARTED}{os.pathsep}{_ROOT}",
                "STARBURST_LOCAL_STRICT": "0",
                REPORT: str(report),
            },
            check=False,
        )
        if not report.exists():
            raise SystemExit(f"{suite}'s tests were not collected, or ended early: see above")
        counts: dict[str, Any] = json.loads(report.read_text())
    return counts


def is_found(way: str, variables: Mapping[str, str]) -> bool:
    """Whether tests that pass otherwise notice a backend that is broken in a way."""
    print(f"\nbroken on purpose, {way}: most of these tests are to fail", flush=True)
    arguments = ["-k", FOUND_BY, "--tb", "no", "-r", "N"]
    counts = run("joblib", {**variables, BREAK: way}, arguments)
    shares = {kind: judge.share(part) for kind, part in counts.items()}
    return bool(shares) and min(shares.values()) < judge.LEAST


def main() -> int:
    """Return what the process is to exit with."""
    parser = argparse.ArgumentParser(prog="make joblib-check")
    parser.add_argument("--suite", choices=[*_SUITES, _BROKEN], help="one of these alone")
    parser.add_argument("pytest", nargs="*", help="more for pytest, such as -k forest")
    chosen = parser.parse_args()
    began = time.monotonic()

    def is_wanted(name: str) -> bool:
        return chosen.suite in (None, name)

    with LocalEnvironment() as local:
        deploy_templates(local)
        with share(local) as variables:
            found = {
                name: run(name, variables, chosen.pytest) for name in _SUITES if is_wanted(name)
            }
            noticed = {way: is_found(way, variables) for way in WAYS if is_wanted(_BROKEN)}
    parts = [(name, kind, part) for name in found for kind, part in found[name].items()]
    print()
    for name, kind, part in parts:
        print(f"{name} {version(name)}, {kind}:", *judge.details(part), sep="\n")
    print()
    if parts:
        rows = [(f"{name} {version(name)}: {kind}", kind, part) for name, kind, part in parts]
        print(*judge.table(rows), sep="\n")
    for way, red in noticed.items():
        print(f"broken on purpose, {way}: {'noticed' if red else 'NOT NOTICED'}")
    good = all(judge.is_enough(kind, part) for _, kind, part in parts) and all(noticed.values())
    minutes = (time.monotonic() - began) / 60
    print(f"{'good' if good else 'BAD'}, after {minutes:.0f} minutes")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())

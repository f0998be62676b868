"""``make airflow-check``: run real DAGs on ``local``, in each release of Airflow that is locked.

Each has a virtual environment of its own in ``build/``, from a lock with hashes: its packages would
contradict ours. Its first run downloads 250 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["main"]

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
UV = Path(sys.executable).with_name("uv")
RELEASES = ("3", "2")
GUARD_SECONDS = "1200"


def main() -> int:
    """Try the releases one after the other; return 1 where one fails."""
    parser = argparse.ArgumentParser(prog="airflow-check", description=__doc__)
    parser.add_argument("--release", choices=RELEASES, action="append", help="both by default")
    parser.add_argument("--only", default="", help="checks of that word alone, such as killed")
    chosen = parser.parse_args()
    releases = chosen.release or RELEASES
    began = time.monotonic()
    reports = [tried(release, chosen.only) for release in releases]
    good = all(told(release, report) for release, report in zip(releases, reports, strict=True))
    print(f"{'good' if good else 'BAD'}, after {(time.monotonic() - began) / 60:.0f} minutes")
    return 0 if good else 1


def told(release: str, report: Mapping[str, Any]) -> bool:
    """Print a line for each check of a release; whether all are as they should be."""
    found: Mapping[str, str] = report.get("found", {})
    print(f"\nAirflow {report.get('airflow', release)}")
    for what, wrong in found.items():
        print(f"  {'BAD ' if wrong else 'good'}  {what}")
    if not found:
        print("  BAD   it ended before it could say what it found")
    return bool(found) and not any(found.values())


def tried(release: str, only: str) -> dict[str, Any]:
    """Run all DAGs under a release, or those of a word; return what came of each check."""
    home = ROOT / "build" / f"airflow-{release}"
    install(home, HERE / f"airflow-{release}.lock")
    with tempfile.TemporaryDirectory(prefix="starburst-airflow-") as scratch:
        report = Path(scratch, "found.json")
        subprocess.run(  # noqa: S603 - our own command line
            [home / "bin/starburst", "local", "--", home / "bin/python", HERE / "within.py"],
            cwd=scratch,
            env={
                **os.environ,
                "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(HERE / "dags"),
                "AIRFLOW_HOME": scratch,
                **settings(),
                "STARBURST_LOCAL_STRICT": "0",
                "STARBURST_CHECK_REPORT": str(report),
                "STARBURST_CHECK_ONLY": only,
            },
            check=False,
        )
        return json.loads(report.read_text()) if report.exists() else {}


def settings() -> dict[str, str]:
    """Return Airflow's settings. Its time limits are guards here, so that a busy machine passes."""
    port = free_port()
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(HERE / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API_AUTH__JWT_SECRET": os.urandom(32).hex(),
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": GUARD_SECONDS,
        "AIRFLOW__CORE__DAG_FILE_PROCESSOR_TIMEOUT": GUARD_SECONDS,
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": GUARD_SECONDS,
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": GUARD_SECONDS,
        "AIRFLOW__TRIGGERER__RUNNER_HEALTH_CHECK_THRESHOLD": GUARD_SECONDS,
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": GUARD_SECONDS,
    }


def free_port() -> int:
    """Return a port of this machine that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def install(home: Path, lock: Path) -> None:
    """Install what a lock names, and this tree's wheel."""
    wanted, stamp = lock.read_text(), home / "installed.txt"
    if not (stamp.exists() and stamp.read_text() == wanted):
        shutil.rmtree(home, ignore_errors=True)
        uv("venv", "--python", sys.executable, home)
        hashes = ("--require-hashes", "--only-binary", ":all:", "--no-deps")
        uv("pip", "install", "--python", home / "bin/python", *hashes, "--requirement", lock)
        stamp.write_text(wanted)
    with tempfile.TemporaryDirectory() as folder:
        uv("build", "--offline", "--wheel", "--package", "starburst", "--out-dir", folder)
        (wheel,) = Path(folder).glob("*.whl")
        ours = ("--no-index", "--no-deps", "--reinstall")
        uv("pip", "install", "--python", home / "bin/python", *ours, wheel)


def uv(*words: str | Path) -> None:
    """Run uv, and end with it."""
    subprocess.run([UV, "--quiet", *words], cwd=ROOT, check=True)  # noqa: S603 - our own


if __name__ == "__main__":
    sys.exit(main())

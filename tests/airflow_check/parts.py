"""The parts of a real Airflow, each a process of its own, and what its database and pages say."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from airflow.models import DagRun

try:
    from airflow.models.xcom import XComModel as XCom
except ImportError:  # Airflow 2
    from airflow.models.xcom import BaseXCom as XCom
from airflow.utils.session import create_session
from sqlalchemy import text

GUARD_SECONDS = 1200
"""A guard against what hangs, never a verdict."""

Found = dict[str, dict[str, Any]]


def outcome(dag: str) -> tuple[Found, Found]:
    """Return the states of the tasks of a DAG's one run, and what they left, by map index."""
    states: Found = {}
    results: Found = {}
    with create_session() as database:
        for run in database.query(DagRun).filter_by(dag_id=dag):
            for task in run.task_instances:
                states.setdefault(task.task_id, {})[str(task.map_index)] = task.state
        for left in database.query(XCom).filter_by(dag_id=dag, key="return_value"):
            value = left.value
            if isinstance(value, str | bytes):
                with contextlib.suppress(ValueError):
                    value = json.loads(value)
            results.setdefault(left.task_id, {})[str(left.map_index)] = value
    return states, results


def state(dag: str) -> str:
    """Return how the one run of a DAG stands."""
    with create_session() as database:
        found = database.query(DagRun).filter_by(dag_id=dag).one().state
        return str(getattr(found, "value", found))


_TRIGGERERS = text(
    "SELECT t.triggerer_id FROM trigger t JOIN task_instance i ON i.trigger_id = t.id "
    "WHERE i.dag_id = :dag AND t.triggerer_id IS NOT NULL"
)


def waits_in(dag: str) -> set[int]:
    """Return the triggerers, by number, that have the triggers of a DAG's tasks now."""
    with create_session() as database:
        return {row[0] for row in database.execute(_TRIGGERERS, {"dag": dag})}


def said(*words: str, may_fail: bool = False) -> str:
    """Return what a command of Airflow's says.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    done = subprocess.run(  # noqa: S603 - our own words
        ["airflow", *words],  # noqa: S607 - of this environment
        capture_output=True,
        text=True,
        check=False,
        timeout=GUARD_SECONDS,
    )
    if done.returncode and not may_fail:
        raise RuntimeError(f"airflow {' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def page(path: str) -> Any:
    """Return what the running API server of Airflow 3 answers to somebody who is logged in."""
    server = f"http://localhost:{os.environ['AIRFLOW__API__PORT']}"

    def answer(path: str, **headers: str) -> Any:
        asked = urllib.request.Request(f"{server}{path}", headers=headers)  # noqa: S310 - ours
        with urllib.request.urlopen(asked, timeout=GUARD_SECONDS) as reply:  # noqa: S310
            return json.load(reply)

    token = answer("/auth/token")["access_token"]
    return answer(path, Authorization=f"Bearer {token}")


@contextmanager
def services(*names: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Have parts of an Airflow run, each in a process of its own that leads a group."""
    running = []
    try:
        for name in names:
            with open(f"{name}.log", "ab") as log:
                running.append(
                    subprocess.Popen(  # noqa: S603 - our own words
                        ["airflow", name],  # noqa: S607 - of this environment
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
        yield running
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                kill(process)


def kill(service: subprocess.Popen[bytes]) -> None:
    """End a part with all its processes, as ``kill -9`` does."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(service.pid, signal.SIGKILL)
    service.wait()


def until(what: str, holds: Callable[[], object]) -> None:
    """Look until something holds.

    Raises:
        TimeoutError: it never did.
    """
    late = time.monotonic() + GUARD_SECONDS
    while not holds():
        if time.monotonic() > late:
            raise TimeoutError(f"not within {GUARD_SECONDS} s: {what}")
        time.sleep(0.5)

"""DAGs as an analyst writes them: a burst of its own, one of mapped tasks, a shared session."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path

try:
    from airflow.sdk import DAG
except ModuleNotFoundError:  # Airflow 2
    from airflow import DAG

from starburst.airflow import BurstOperator, EndSessionOperator, StartSessionOperator

FACTOR = 3
GATE = Path(os.environ["AIRFLOW_HOME"], "slow.open")
SMALL = {"workers": 1, "cpu": 0.25, "memory": 0.5}


def tripled(x: int) -> int:
    """Use what this file holds, which the function takes along."""
    return FACTOR * x


def slowly(x: int) -> int:
    """Take as long as somebody needs to end a triggerer."""
    while not GATE.exists():
        time.sleep(0.1)
    return tripled(x)


def failing(x: int) -> float:
    """Fail for some inputs."""
    return 1 / (x % 2)


with DAG("deferred", start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as deferred:
    BurstOperator(
        task_id="burst",
        function=tripled,
        inputs=range(20),
        options=SMALL,
        deferrable=True,
        poll_seconds=0.5,
    )

with DAG("waiting", start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as waiting:
    BurstOperator(
        task_id="burst",
        function=tripled,
        inputs=lambda: [1, 2, 3],
        options=SMALL,
        then=sum,
        deferrable=False,
    )

with DAG("mapped", start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as mapped:
    BurstOperator.partial(
        task_id="burst", function=tripled, options=SMALL, deferrable=True, poll_seconds=0.5
    ).expand(inputs=[[1, 2], [3]])

with DAG("shared", start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as shared:
    start = StartSessionOperator(task_id="start", options=SMALL)
    first = BurstOperator(
        task_id="first",
        function=tripled,
        inputs=[1, 2],
        session=start.output,
        deferrable=True,
        poll_seconds=0.5,
    )
    broken = BurstOperator(
        task_id="broken",
        function=failing,
        inputs=[1, 2],
        session=start.output,
        deferrable=True,
        poll_seconds=0.5,
    )
    end = EndSessionOperator(task_id="end", session=start.output)
    start >> first >> broken >> end.as_teardown(setups=start)

with DAG("slow", start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as slow:
    BurstOperator(
        task_id="burst",
        function=slowly,
        inputs=range(10),
        options=SMALL,
        deferrable=True,
        poll_seconds=0.5,
        report="{{ run_id }}.html",
        report_url="https://reports.example.com/{{ run_id }}",
    )

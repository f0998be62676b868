"""The negative control: a burst whose trigger begins a session whenever it begins itself."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path

try:
    from airflow.sdk import DAG
except ModuleNotFoundError:  # Airflow 2
    from airflow import DAG

from careless_trigger import CarelessTrigger

from starburst.airflow import BurstOperator
from starburst.airflow.bursts import Burst

GATE = Path(os.environ["AIRFLOW_HOME"], "careless.open")
SMALL = {"workers": 1, "cpu": 0.25, "memory": 0.5}


def slowly(x: int) -> int:
    """Take as long as somebody needs to end a triggerer."""
    while not GATE.exists():
        time.sleep(0.1)
    return x


class CarelessOperator(BurstOperator):
    """A burst that is waited for carelessly."""

    def _defer(self, burst: Burst) -> None:
        trigger = CarelessTrigger(
            burst=burst.to_dict(), starburst_conn_id=self.starburst_conn_id, poll_seconds=0.5
        )
        self.defer(trigger=trigger, method_name="resume")


with DAG("careless", start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as careless:
    CarelessOperator(
        task_id="burst", function=slowly, inputs=range(10), options=SMALL, deferrable=True
    )

"""What the add-on for job metrics counted of a month, where it is on: a second witness of costs.

The controller's records are what it saw of its workers; these are what ECS told of each of them.
Who asks needs the add-on's permission to read; without it, or without the add-on, a report is as it
was.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from starburst.aws.calls import code_of, words_of

from .office import Office

__all__ = [
    "REFUSED",
    "DayCost",
    "Measured",
    "MeasuredRow",
    "Run",
    "Unmeasured",
    "ask_measured",
]

REFUSED: Final = "AWS refused"
"""How the reason begins where who asks may not read job metrics, if there are any."""

_OFF: Final = "InvalidRequestException"
"""What Athena says of a workgroup that does not exist."""

_LONGEST_SECONDS: Final = 120
_BETWEEN_SECONDS: Final = 0.5
_LONGEST_SESSION_DAYS: Final = 31
"""Workers that stop so long after a month, or sessions that began so long before, are not of it."""

_WITH: Final = """
WITH workers AS (
  SELECT *, row_number() OVER (PARTITION BY task ORDER BY stopped DESC) AS copy
  FROM job_workers WHERE day >= '{since}' AND day <= '{last}'
), records AS (
  SELECT *, row_number() OVER (PARTITION BY session ORDER BY ended DESC) AS copy
  FROM job_sessions WHERE day >= '{since}' AND day <= '{last}'
), ended AS (
  SELECT * FROM records WHERE copy = 1
), once AS (
  SELECT workers.*, CASE
      WHEN workers.tagged OR ended.session IS NOT NULL THEN '' ELSE substr(workers.day, 1, 7)
    END AS stray
  FROM workers LEFT JOIN ended ON ended.session = workers.session WHERE workers.copy = 1
), counted AS (
  SELECT once.session AS session, max(once.workspace) AS workspace,
    max(once.analyst) AS analyst, count(*) AS workers,
    min(CASE WHEN stray = '' THEN coalesce(once.created, once.stopped) ELSE once.stopped END)
      AS created,
    sum(once.billed_seconds) / 3600 AS worker_hours, coalesce(sum(once.usd), 0) AS usd,
    sum(CASE WHEN once.usd IS NULL THEN 1 ELSE 0 END) AS unpriced
  FROM once GROUP BY once.session, once.stray
), runs AS (
  SELECT coalesce(ended.session, counted.session) AS session,
    coalesce(ended.workspace, counted.workspace) AS workspace,
    coalesce(ended.analyst, counted.analyst) AS analyst,
    coalesce(ended.state, 'no record') AS state,
    coalesce(ended.started, counted.created) AS started,
    coalesce(counted.workers, 0) AS workers,
    coalesce(counted.worker_hours, 0) AS worker_hours, coalesce(counted.usd, 0) AS usd,
    coalesce(counted.unpriced, 0) AS unpriced,
    CASE WHEN ended.session IS NULL THEN 0 ELSE 1 END AS recorded,
    coalesce(ended.worker_seconds, 0) / 3600 AS recorded_hours,
    coalesce(ended.usd, 0) AS recorded_usd
  FROM ended FULL OUTER JOIN counted ON counted.session = ended.session
), month AS (
  SELECT * FROM runs WHERE started >= {low} AND started < {high}
)
"""

_ROWS: Final = (
    "SELECT workspace, analyst, count(*) AS sessions, sum(recorded) AS recorded,"
    " sum(CASE WHEN state = 'failed' THEN 1 ELSE 0 END) AS failed, sum(workers) AS workers,"
    " sum(unpriced) AS unpriced, sum(worker_hours) AS worker_hours, sum(usd) AS usd,"
    " sum(recorded_hours) AS recorded_hours, sum(recorded_usd) AS recorded_usd"
    " FROM month GROUP BY workspace, analyst ORDER BY workspace, analyst"
)
_RUNS: Final = (
    "SELECT session, workspace, analyst, state, workers, worker_hours, usd"
    " FROM month ORDER BY usd DESC, session LIMIT 20"
)
_DAYS: Final = (
    "SELECT day, coalesce(sum(usd), 0) AS usd FROM workers WHERE copy = 1"
    " AND day >= '{first}' AND day < '{end}' GROUP BY day ORDER BY day"
)


class Unmeasured(Exception):
    """Why nothing measured is in a report; empty where the add-on is off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredRow:
    """What one analyst's sessions of a month add up to in one workspace.

    Attributes:
        workspace, analyst: who, and where; ``untagged`` of workers that do not say.
        sessions: that had workers or have ended.
        recorded: how many of them have ended, so that the controller's record is there.
        failed: how many of those failed.
        workers: that have stopped.
        unpriced: how many of them have no known price.
        worker_hours, usd_at_list_price: by ECS's events of those workers.
        recorded_hours, recorded_usd: by the controller's records.
    """

    workspace: str
    analyst: str
    sessions: int
    recorded: int
    failed: int
    workers: int
    unpriced: int
    worker_hours: float
    usd_at_list_price: float
    recorded_hours: float
    recorded_usd: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One of the dearest sessions of a month."""

    session: str
    workspace: str
    analyst: str
    state: str
    workers: int
    worker_hours: float
    usd_at_list_price: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DayCost:
    """What the workers cost that stopped on one day, by UTC."""

    day: str
    usd_at_list_price: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What job metrics say of a month.

    Attributes:
        rows: by workspace and analyst.
        runs: the dearest sessions, twenty at most.
        days: of the month, those on which workers stopped.
    """

    rows: tuple[MeasuredRow, ...]
    runs: tuple[Run, ...]
    days: tuple[DayCost, ...]

    @property
    def usd(self) -> float:
        """What all rows cost."""
        return math.fsum(row.usd_at_list_price for row in self.rows)


def ask_measured(office: Office, begins: datetime, ends: datetime) -> Measured:
    """Ask Athena for a month.

    Args:
        office: who asks.
        begins: the month's first moment, by UTC.
        ends: the next month's.

    Raises:
        Unmeasured: the add-on is off, or cannot be asked; says why.
    """
    longest = timedelta(days=_LONGEST_SESSION_DAYS)
    filled = {
        # A session that began earlier is told apart by its record, or by its first workers.
        "since": f"{begins - longest:%Y-%m-%d}",
        "first": f"{begins:%Y-%m-%d}",
        "end": f"{ends:%Y-%m-%d}",
        "last": f"{ends + longest:%Y-%m-%d}",
        "low": str(round(begins.timestamp() * 1000)),
        "high": str(round(ends.timestamp() * 1000)),
    }
    workgroup = f"starburst-{office.environment}-jobs"
    try:
        athena = office.client("athena")
        athena.get_work_group(WorkGroup=workgroup)
        said = [
            [*_ask(athena, office, f"{_WITH}{query}".format(**filled))]
            for query in (_ROWS, _RUNS, _DAYS)
        ]
        rows, runs, days = said
        return Measured(
            rows=tuple(_row(one) for one in rows),
            runs=tuple(_run(one) for one in runs),
            days=tuple(DayCost(day=day, usd_at_list_price=_usd(usd)) for day, usd in days),
        )
    except ClientError as error:
        off = code_of(error) == _OFF and "not found" in words_of(error)
        raise Unmeasured("" if off else f"{REFUSED}: {words_of(error)}") from error
    except (BotoCoreError, LookupError, TimeoutError, TypeError, ValueError) as error:
        raise Unmeasured(f"Athena did not answer: {type(error).__name__}: {error}") from error


def _ask(athena: Any, office: Office, query: str) -> Iterator[Sequence[str]]:  # noqa: ANN401 - boto3's
    """Yield the rows of an answer.

    Raises:
        TimeoutError: there is none after two minutes.
        ValueError: the query failed.
    """
    one = athena.start_query_execution(
        QueryString=query,
        QueryExecutionContext={"Database": f"starburst_{office.environment}_lake"},
        WorkGroup=f"starburst-{office.environment}-jobs",
    )["QueryExecutionId"]
    until = time.monotonic() + _LONGEST_SECONDS
    while True:
        status = athena.get_query_execution(QueryExecutionId=one)["QueryExecution"]["Status"]
        if status["State"] == "SUCCEEDED":
            break
        if status["State"] in ("FAILED", "CANCELLED"):
            raise ValueError(
                f"the query {status['State'].lower()}: {status.get('StateChangeReason')}"
            )
        if time.monotonic() > until:
            raise TimeoutError("the query takes longer than two minutes")
        time.sleep(_BETWEEN_SECONDS)
    head = True
    more: dict[str, str] = {}
    while True:
        page: Mapping[str, Any] = athena.get_query_results(QueryExecutionId=one, **more)
        for row in page["ResultSet"]["Rows"][int(head) :]:
            yield [str(cell.get("VarCharValue", "")) for cell in row["Data"]]
        head = False
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def _row(cells: Sequence[str]) -> MeasuredRow:
    workspace, analyst, *numbers = cells
    sessions, recorded, failed, workers, unpriced = map(int, numbers[:5])
    hours, usd, recorded_hours, recorded_usd = map(float, numbers[5:])
    return MeasuredRow(
        workspace=workspace,
        analyst=analyst,
        sessions=sessions,
        recorded=recorded,
        failed=failed,
        workers=workers,
        unpriced=unpriced,
        worker_hours=round(hours, 4),
        usd_at_list_price=round(usd, 4),
        recorded_hours=round(recorded_hours, 4),
        recorded_usd=round(recorded_usd, 4),
    )


def _run(cells: Sequence[str]) -> Run:
    session, workspace, analyst, state, workers, hours, usd = cells
    return Run(
        session=session,
        workspace=workspace,
        analyst=analyst,
        state=state,
        workers=int(workers),
        worker_hours=round(float(hours), 4),
        usd_at_list_price=_usd(usd),
    )


def _usd(text: str) -> float:
    return round(float(text), 4)

"""The tables of job metrics as Athena sees them: the function's own files, asked in DuckDB."""

# ruff: noqa: S608 - names of our own tables, in memory

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import sqlglot

from stacks.addons.job_metrics.catalog import VIEWS, statement

VCPU, GB = 0.04048, 0.004445
HOUR_USD = 4 * VCPU + 8 * GB
"""Of 4 vCPU and 8 GB on x86."""

OTHER = "b" * 20
"""Another session."""


def asked(sql: str) -> str:
    """Athena's SQL in DuckDB's words."""
    return sqlglot.transpile(sql, read="athena", write="duckdb")[0]


class Tables:
    """The tables as Athena sees them, and the views over them."""

    def __init__(self, folder: Path, functions: SimpleNamespace, prices: Any) -> None:
        self.folder, self.functions, self.prices = folder, functions, prices
        self.duck = duckdb.connect()
        self.duck.execute("SET TimeZone = 'UTC'")
        self.files = 0

    def write(self, table: str, rows: list[dict[str, Any]], hour: str) -> None:
        out = io.BytesIO()
        file = self.functions.parquet.ParquetFile(out, self.functions.exporting.COLUMNS[table])
        file.write(rows)
        file.close()
        day, _, clock = hour.partition("T")
        place = self.folder / table / f"day={day}" / f"hour={clock}"
        place.mkdir(parents=True, exist_ok=True)
        self.files += 1
        (place / f"{self.files}.parquet").write_bytes(out.getvalue())

    def workers(self, *events: dict[str, Any]) -> None:
        for event in events:
            found = self.functions.worker_rows.worker_row(event, self.prices)
            self.write("job_workers", [found.row], found.hour)

    def sessions(self, *said: dict[str, Any]) -> None:
        for one in said:
            row = self.functions.session_rows._row(one)
            self.write("job_sessions", [row], self.functions.worker_rows.hour_of(row["started"]))

    def define(self) -> None:
        for table in ("job_workers", "job_sessions"):
            files = self.folder / table / "**" / "*.parquet"
            self.duck.execute(
                f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{files}', "
                "hive_partitioning = true, hive_types_autocast = false)"
            )
        for name in VIEWS:
            self.duck.execute(f"CREATE VIEW {name} AS {asked(statement(name))}")

    def ask(self, sql: str) -> list[dict[str, Any]]:
        answer = self.duck.execute(asked(sql))
        names = [each[0] for each in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

"""The queries over access logs find what they say, in DuckDB, from lines as S3 writes them.

Format of the lines: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html. What is
Athena's alone, two functions that read times, is given to DuckDB as macros of the same names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import deploy.incident

SQL = (Path(deploy.incident.__file__).parent / "queries" / "access_logs.sql").read_text()
LINES = (Path(__file__).parent / "access_logs" / "2026-11-28-10-15-00-EXAMPLE").read_text()
WINDOW = ["2026-11-28T09:00:00Z", "2026-11-28T10:00:00Z"]
ROLE = "arn:aws:sts::222233334444:assumed-role/starburst-prod-analyst-genomics"
ALICE, BOB = f"{ROLE}/alice", f"{ROLE}/bob"
EVE = "arn:aws:sts::222233334444:assumed-role/Administrator/eve"


def statements() -> dict[str, str]:
    found = re.split(r"^-- name: (.+)$", SQL, flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


@pytest.fixture(scope="module")
def logs() -> Iterator[duckdb.DuckDBPyConnection]:
    """The table, its lines taken apart by the expression that Athena is given."""
    table = statements()["the table"]
    [columns] = re.findall(r"starburst_access_logs \((.+?)\)\nROW", table, re.DOTALL)
    names = re.findall(r"(\w+) string", columns)
    [written] = re.findall(r"'input.regex' = '(.+)'\n", table)
    # In a string of Hive a backslash stands twice.
    expression = re.compile(written.replace("\\\\", "\\"))
    rows = [match.groups() for line in LINES.splitlines() if (match := expression.fullmatch(line))]
    assert len(rows) == len(LINES.splitlines())
    assert {len(row) for row in rows} == {len(names)}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE MACRO parse_datetime(t, f) AS strptime(t, '%d/%b/%Y:%H:%M:%S %z')"
        )
        connection.execute("CREATE MACRO from_iso8601_timestamp(t) AS CAST(t AS TIMESTAMPTZ)")
        kinds = ", ".join(f"{name} VARCHAR" for name in names)
        connection.execute(f"CREATE TABLE starburst_access_logs ({kinds})")
        places = ", ".join("?" * len(names))
        connection.executemany(f"INSERT INTO starburst_access_logs VALUES ({places})", rows)  # noqa: S608 - a number of question marks
        yield connection


def ask(logs: duckdb.DuckDBPyConnection, name: str, *values: str) -> list[tuple[Any, ...]]:
    return logs.execute(statements()[name], [*values, *WINDOW]).fetchall()


def test_who_read_what_in_a_window(logs: duckdb.DuckDBPyConnection) -> None:
    found = ask(logs, "who read what")
    assert [(who, key, status) for _, who, _, _, key, _, status, _ in found] == [
        (ALICE, "data/genomics/cohort.parquet", "200"),
        (ALICE, "data/genomics/cohort.parquet", "206"),
        (ALICE, "data/genomics/trial.parquet", "200"),
        (ALICE, "data/genomics/other.parquet", "403"),
        (BOB, "sessions/genomics/bob/01jabcdefghijklmnopq/results/0", "200"),
        (EVE, "data/genomics/cohort.parquet", "200"),
        (EVE, "data/genomics/cohort.parquet", "200"),
        ("-", "-", "403"),
    ]


def test_what_was_downloaded_by_whom_and_from_where(logs: duckdb.DuckDBPyConnection) -> None:
    assert ask(logs, "what was downloaded, by whom") == [
        (ALICE, "203.0.113.77", 1, 1, 7_000_000_000),
        (ALICE, "140.107.3.4", 2, 1, 6_000_000_100),
        (BOB, "10.64.17.20", 1, 1, 900),
    ]


def test_who_was_refused(logs: duckdb.DuckDBPyConnection) -> None:
    assert ask(logs, "who was refused") == [
        ("-", "198.51.100.99", "REST.GET.BUCKET", "AccessDenied", 1),
        (ALICE, "203.0.113.77", "REST.GET.OBJECT", "AccessDenied", 1),
    ]


def test_what_one_of_them_downloaded(logs: duckdb.DuckDBPyConnection) -> None:
    found = ask(logs, "what one of them downloaded", "/alice")
    assert [(key, requests, size) for key, requests, size, _ in found] == [
        ("data/genomics/cohort.parquet", 2, 6_000_000_000),
        ("data/genomics/trial.parquet", 1, 7_000_000_000),
    ]

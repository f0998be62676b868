"""Athena's SQL on fixtures: tables as its SerDes read them, its views and queries in DuckDB.

sqlglot turns the SQL into DuckDB's. What DuckDB lacks is Python here: addresses in a block.
"""

# ruff: noqa: S608 - names of our own tables, in memory

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import sqlglot
from duckdb.func import SPECIAL
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from sqlglot import exp

from stacks.addons.log_lake.catalog import statement
from stacks.addons.log_lake.schema import LINES, OCSF_VERSION, PARTS, TRAIL_FILES, VIEWS, WRITTEN

Row = dict[str, Any]
PLACE = {"region": "eu-west-1", "accountid": "222233334444"}
SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema(OCSF_VERSION))
_JUDGES: dict[tuple[int, tuple[str, ...]], jsonschema.Draft202012Validator] = {}


class Lake:
    """The lake's tables and views in DuckDB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.duck = duckdb.connect()
        self.duck.execute("SET TimeZone = 'UTC'")
        text: list[Any] = ["VARCHAR", "VARCHAR"]
        self.duck.create_function("in_block", _in_block, text, "BOOLEAN", null_handling=SPECIAL)
        for name, columns in WRITTEN.items():
            self.define(name, {**columns, **PARTS})
        self.define("trail_files", {**TRAIL_FILES, **PARTS})
        self.define("access_log_lines", dict.fromkeys(LINES, "string"))
        for name in VIEWS:
            self.duck.execute(f"CREATE VIEW {name} AS {as_duckdb(statement(name))}")

    def define(self, name: str, columns: Mapping[str, str]) -> None:
        self.duck.execute(f"CREATE TABLE {name} ({_definition(columns)})")

    def write(self, table: str, events: Iterable[Mapping[str, Any]]) -> Path:
        """Write events as Firehose does: Parquet, by the table's columns, in the day's folder."""
        lines = self.folder / f"{table}.json"
        lines.write_text("".join(f"{json.dumps(one)}\n" for one in events))
        columns = WRITTEN[table]
        day = (
            self.folder
            / table
            / "/".join(
                f"{key}={value}" for key, value in {**PLACE, "eventday": f"{now():%Y%m%d}"}.items()
            )
        )
        day.mkdir(parents=True, exist_ok=True)
        typed = ", ".join(f"'{name}': '{_type(kind)}'" for name, kind in columns.items())
        file = day / f"{len(list(day.iterdir()))}.parquet"
        self.duck.execute(
            f"COPY (SELECT * FROM read_json('{lines}', columns = {{{typed}}}, "
            f"format = 'newline_delimited')) TO '{file}' (FORMAT PARQUET)"
        )
        self.duck.execute(
            f"INSERT INTO {table} BY NAME SELECT * FROM read_parquet('{file}', "
            "hive_partitioning = true, hive_types_autocast = false)"
        )
        return file

    def trail(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take a trail's file, as CloudTrail writes it and its SerDe reads it."""
        file = self.folder / "trail.json.gz"
        file.write_bytes(gzip.compress(json.dumps({"Records": list(records)}).encode()))
        read = json.loads(gzip.decompress(file.read_bytes()))["Records"]
        self._rows(
            "trail_files",
            [
                {
                    **_serde(one, TRAIL_FILES),
                    **PLACE,
                    "eventday": one["eventTime"][:10].replace("-", "/"),
                }
                for one in read
            ],
        )

    def access_log(self, lines: Iterable[str], *, pattern: str) -> None:
        """Take lines of an access log, as the regular expression of its table reads them."""
        rows = []
        for line in lines:
            found = re.fullmatch(pattern, line)
            rows.append(
                dict.fromkeys(LINES)
                if found is None
                else dict(zip(LINES, found.groups(), strict=True))
            )
        self._rows("access_log_lines", rows)

    def _rows(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        file = self.folder / f"{table}.json"
        file.write_text("".join(f"{json.dumps(one)}\n" for one in rows))
        known = self.duck.execute(f"DESCRIBE {table}").fetchall()
        typed = ", ".join(f"'{name}': '{kind}'" for name, kind, *_ in known)
        self.duck.execute(
            f"INSERT INTO {table} SELECT * FROM read_json('{file}', columns = {{{typed}}}, "
            "format = 'newline_delimited')"
        )

    def repeat(self, table: str, column: str, value: str, times: int) -> None:
        """Copy a row so often, each time with another value in one column."""
        self.duck.execute(
            f"INSERT INTO {table} SELECT * REPLACE ({column} || '+' || n AS {column}) "
            f"FROM {table}, range({times}) AS each(n) WHERE {column} = '{value}'".replace(
                "SELECT *", f"SELECT {table}.*"
            )
        )

    def ask(self, query: str) -> list[Row]:
        """Return the rows of a query that was written for Athena."""
        answer = self.duck.execute(as_duckdb(query))
        names = [each[0] for each in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query whose columns may have one name."""
        return self.duck.execute(as_duckdb(query)).fetchall()

    def column(self, name: str, kind: str) -> str:
        """Return a column's definition, in DuckDB's words."""
        return _definition({name: kind})

    def clear(self) -> None:
        for name in (*WRITTEN, "trail_files", "access_log_lines"):
            self.duck.execute(f"DELETE FROM {name}")


def as_duckdb(query: str) -> str:
    """Return Athena's SQL as DuckDB's."""
    [tree] = sqlglot.parse(query, read="athena")
    assert tree is not None

    def adapt(node: Any) -> Any:
        # contains(block, address): of lists to sqlglot, of networks to Athena.
        if isinstance(node, (exp.ArrayContains, exp.Contains)) and isinstance(
            node.this, exp.Literal
        ):
            [cast] = node.expression.find_all(exp.Cast)
            return exp.func("in_block", node.this, cast.this)
        return node

    return tree.transform(adapt).sql("duckdb")


def judge(row: Mapping[str, Any]) -> list[str]:
    """Return what an OCSF validator finds wrong with a row, beside its partitions."""
    event = {name: _plain(value) for name, value in row.items() if name not in PARTS}
    event = {name: value for name, value in event.items() if value is not None}
    kind = (int(event["class_uid"]), tuple(sorted(event["metadata"]["profiles"])))
    if kind not in _JUDGES:
        uid, profiles = kind
        name = SCHEMA.lookup_class_name_from_uid(uid)
        schema = SCHEMA.get_class_schema(name, list(profiles))
        _JUDGES[kind] = jsonschema.Draft202012Validator(schema)
    return [f"{one.json_path}: {one.message}" for one in _JUDGES[kind].iter_errors(event)]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what is null is not there."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, dict):
        kept = {key: _plain(one) for key, one in value.items()}
        kept = {key: one for key, one in kept.items() if one is not None}
        return kept or None
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def _serde(record: Mapping[str, Any], columns: Mapping[str, str]) -> Row:
    """Return a record as Hive's JSON SerDe reads it: names in any case, objects as their text."""
    lower = {key.lower(): value for key, value in record.items()}
    row: Row = {}
    for name, kind in columns.items():
        value = lower.get(name)
        if kind == "string" and value is not None and not isinstance(value, str):
            value = json.dumps(value)
        row[name] = _lowered(value) if kind != "string" else value
    return row


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.lower(): _lowered(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_lowered(one) for one in value]
    return value


def _type(kind: str) -> str:
    return exp.DataType.build(kind, dialect="hive").sql("duckdb")


def _definition(columns: Mapping[str, str]) -> str:
    return ", ".join(f'"{name}" {_type(kind)}' for name, kind in columns.items())


def _in_block(block: str, address: str | None) -> bool | None:
    """Answer as Athena does, to which what is no address is NULL, and so is what it is asked."""
    try:
        return ip_address(address or "") in ip_network(block)
    except ValueError:
        return None


def now() -> datetime:
    return datetime.now(UTC)

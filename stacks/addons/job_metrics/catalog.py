"""The tables and views of job metrics, in the database of the log lake.

The tables lie in a bucket of their own, so that who reads costs reads no log, and the other way
round. A view's text is stored as the lake's views are.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from aws_cdk import aws_glue as glue
from constructs import Construct

__all__ = ["TABLES", "VIEWS", "JobsCatalog", "queries", "query_id", "statement"]

_HERE: Final = Path(__file__).parent
_PARQUET: Final = "org.apache.hadoop.hive.ql.io.parquet"
_PARTS: Final = {"day": "string", "hour": "string"}

TABLES: Final[Mapping[str, Mapping[str, str]]] = json.loads(
    (_HERE / "functions" / "columns.json").read_text("utf-8")
)
"""What the function writes: columns and their types, in the words of Glue."""

VIEWS: Final[Mapping[str, Mapping[str, str]]] = {
    "job_costs": {
        **dict.fromkeys(
            ("day", "workspace", "analyst", "session", "bought", "architecture"), "string"
        ),
        **dict.fromkeys(
            ("workers", "lost_workers", "untagged_workers", "unpriced_workers"), "bigint"
        ),
        **dict.fromkeys(("worker_hours", "vcpu_hours", "gigabyte_hours", "usd"), "double"),
    },
    "job_runs": {
        **dict.fromkeys(("session", "workspace", "analyst", "state", "reason"), "string"),
        **dict.fromkeys(("started", "stopped"), "timestamp"),
        **dict.fromkeys(("launched", "workers", "lost_workers", "unpriced_workers"), "bigint"),
        **dict.fromkeys(
            (
                *("worker_hours", "spot_hours", "longest_wait_seconds", "usd"),
                *("recorded_worker_hours", "recorded_usd"),
            ),
            "double",
        ),
    },
}
"""What people ask."""

_ATHENA: Final = {
    "string": "varchar",
    "bigint": "bigint",
    "double": "double",
    "timestamp": "timestamp(3)",
}
_BILL: Final = "list_price_beside_the_bill"
_ASKED: Final = {
    "what each workspace cost": "cost_by_workspace",
    "what each analyst cost": "cost_by_analyst",
    "the dearest sessions": "dearest_runs",
    "sessions in trouble": "runs_in_trouble",
    "workers of nobody": "of_nobody",
    "records beside events": "records_beside_events",
    "list price beside the bill": _BILL,
}


def statement(name: str, *, views: bool = True) -> str:
    """Return the SQL of a view, or of a query, without its comment."""
    text = (_HERE / "sql" / ("views" if views else "queries") / f"{name}.sql").read_text("utf-8")
    return "\n".join(one for one in text.splitlines() if not one.startswith("--")).strip()


_OF_CLUSTER: Final = "line_item_resource_id LIKE '%:task/{cluster}/%'"
"""What the bill's query says of a worker of ours."""


def queries(
    *, cluster: str, bill: str | None, apart: Sequence[str] = (), place: str = "%"
) -> dict[str, str]:
    """Return the saved queries, by name.

    Args:
        cluster: of the workers.
        bill: table of a Cost and Usage Report 2.0, as ``database.table``; None for none.
        apart: workspaces that have clusters of their own.
        place: how ARNs of ECS begin there, such as ``arn:aws:ecs:eu-west-1:111122223333``, since an
            organization's bill has all accounts and Regions; any without it.
    """
    found = {}
    ours = " OR ".join(
        _OF_CLUSTER.replace("%:task/{cluster}", f"{place}:task/{each}")
        for each in (cluster, *(f"{cluster}-{name}" for name in apart))
    )
    for name, file in _ASKED.items():
        if file != _BILL or bill:
            text = statement(file, views=False).replace(_OF_CLUSTER, f"({ours})" if apart else ours)
            found[name] = text.replace("{bill}", bill or "").replace("{now}", "current_date")
    return found


def query_id(name: str) -> str:
    """Return the construct id of a saved query.

    Example:
        >>> query_id("the dearest sessions")
        'AskTheDearestSessions'
    """
    return "Ask" + "".join(word.capitalize() for word in name.split())


class JobsCatalog(Construct):
    """Tables and views in the lake's database.

    Args:
        scope: parent construct.
        construct_id: its id there.
        account: twelve digits.
        database: the lake's.
        bucket: of the tables.
        days: that files are kept.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        account: str,
        database: str,
        bucket: str,
        days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._account, self._database = account, database
        made = [self._written(name, bucket=bucket, days=days) for name in TABLES]
        for name in VIEWS:
            view = self._view(name)
            for table in made:
                view.node.add_dependency(table)

    def _table(self, name: str, table: Mapping[str, Any]) -> glue.CfnTable:
        return glue.CfnTable(
            self,
            name,
            catalog_id=self._account,
            database_name=self._database,
            table_input=glue.CfnTable.TableInputProperty(name=name, **table),
        )

    def _written(self, name: str, *, bucket: str, days: int) -> glue.CfnTable:
        place = f"s3://{bucket}/{name}/"
        properties = glue.CfnTable
        return self._table(
            name,
            {
                "table_type": "EXTERNAL_TABLE",
                "partition_keys": _columns(_PARTS),
                "parameters": {
                    "classification": "parquet",
                    "projection.enabled": "true",
                    "projection.day.type": "date",
                    "projection.day.format": "yyyy-MM-dd",
                    # What is older has expired, so there is no folder to look into.
                    "projection.day.range": f"NOW-{days + 1}DAYS,NOW",
                    "projection.day.interval": "1",
                    "projection.day.interval.unit": "DAYS",
                    "projection.hour.type": "integer",
                    "projection.hour.range": "0,23",
                    "projection.hour.digits": "2",
                    "storage.location.template": f"{place}day=${{day}}/hour=${{hour}}/",
                },
                "storage_descriptor": properties.StorageDescriptorProperty(
                    columns=_columns(TABLES[name]),
                    location=place,
                    input_format=f"{_PARQUET}.MapredParquetInputFormat",
                    output_format=f"{_PARQUET}.MapredParquetOutputFormat",
                    serde_info=properties.SerdeInfoProperty(
                        serialization_library=f"{_PARQUET}.serde.ParquetHiveSerDe",
                        parameters={"serialization.format": "1"},
                    ),
                ),
            },
        )

    def _view(self, name: str) -> glue.CfnTable:
        stored = {
            "originalSql": statement(name),
            "catalog": "awsdatacatalog",
            "schema": self._database,
            "columns": [{"name": one, "type": _ATHENA[of]} for one, of in VIEWS[name].items()],
        }
        text = base64.b64encode(json.dumps(stored).encode()).decode()
        return self._table(
            name,
            {
                "table_type": "VIRTUAL_VIEW",
                "parameters": {"presto_view": "true", "comment": "Presto View"},
                "view_original_text": f"/* Presto View: {text} */",
                "view_expanded_text": "/* Presto View */",
                "storage_descriptor": glue.CfnTable.StorageDescriptorProperty(
                    columns=_columns(VIEWS[name]), serde_info=glue.CfnTable.SerdeInfoProperty()
                ),
            },
        )


def _columns(columns: Mapping[str, str]) -> list[glue.CfnTable.ColumnProperty]:
    return [glue.CfnTable.ColumnProperty(name=one, type=of) for one, of in columns.items()]

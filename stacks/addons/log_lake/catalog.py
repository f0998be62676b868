"""The lake's database: tables with projected partitions, and the views that people ask.

No crawler and no ``MSCK REPAIR``: Athena works out from a query which folders to read. A view is a
table of Glue whose text is what Trino itself would store
(https://github.com/trinodb/trino/blob/master/plugin/trino-hive/src/main/java/io/trino/plugin/hive/ViewReaderUtil.java).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from aws_cdk import aws_glue as glue
from constructs import Construct

from stacks.addons.log_lake.schema import LINES, PARTS, TRAIL_FILES, VIEWS, WRITTEN, as_athena

__all__ = ["Catalog", "folder_of", "statement"]

_SQL: Final = Path(__file__).with_name("sql")
_PARQUET: Final = "org.apache.hadoop.hive.ql.io.parquet"
_TEXT: Final = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUT: Final = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_LINE: Final = (
    r'([^ ]*) ([^ ]*) \[(.*?)\] ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) (?:"(.*?)"|-) (-|[0-9]*)'
    r' ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) (?:"(.*?)"|-) (?:"(.*)"|-) ([^ ]*)'
    r"(?: ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*))?.*$"
)
"""AWS's own for access logs, but for a quote inside of quotes: whoever reads chooses what their
agent is called, and a line that does not match is no row.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-s3-access-logs-to-identify-requests.html
"""


def statement(name: str, *, views: bool = True) -> str:
    """Return the SQL of a view, or of a query, without its comment; placeholders are in braces.

    Args:
        name: of the file.
        views: among the views, not the queries.
    """
    text = (_SQL / ("views" if views else "queries") / f"{name}.sql").read_text("utf-8")
    return "\n".join(one for one in text.splitlines() if not one.startswith("--")).strip()


def folder_of(table: str, *, region: str, account: str) -> str:
    """Return the folder in which Firehose writes a table, without the day.

    Example:
        >>> folder_of("flows", region="eu-west-1", account="222233334444")
        'tables/flows/region=eu-west-1/accountid=222233334444/'
    """
    return f"tables/{table}/region={region}/accountid={account}/"


class Catalog(Construct):
    """One database of Glue.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        account: twelve digits.
        region: where Firehose writes.
        regions: whose calls the trail records.
        bucket: name of the lake's bucket.
        trail: name of the bucket of the trail's files.
        access_logs: name of the bucket of access logs.
        flows: whether there are flow logs of ours.
        days: that files of the lake are kept.
        trail_days: that files of the trail are kept.

    Attributes:
        name: of the database.
        tables: that Firehose writes, by name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        account: str,
        region: str,
        regions: Sequence[str],
        bucket: str,
        trail: str,
        access_logs: str,
        flows: bool,
        days: int,
        trail_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = f"starburst_{environment}_lake"
        self._account = account
        self._days, self._trail_days = days, trail_days
        self._database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.name, description="Logs of an environment, in the columns of OCSF 1.1.0"
            ),
        )
        self.tables = {
            name: self._written(name, bucket=bucket, region=region)
            for name in WRITTEN
            if flows or name != "flows"
        }
        raw = [
            self._trail_files(f"s3://{trail}/AWSLogs/", regions=regions),
            self._access_log_lines(f"s3://{access_logs}/data/"),
        ]
        for name in VIEWS:
            if flows or name != "vpc_flow":
                view = self._view(name)
                for one in (*self.tables.values(), *raw):
                    view.node.add_dependency(one)

    def _table(self, name: str, table: Mapping[str, Any]) -> glue.CfnTable:
        made = glue.CfnTable(
            self,
            name,
            catalog_id=self._account,
            database_name=self.name,
            table_input=glue.CfnTable.TableInputProperty(name=name, **table),
        )
        made.node.add_dependency(self._database)
        return made

    def _written(self, name: str, *, bucket: str, region: str) -> glue.CfnTable:
        place = f"s3://{bucket}/tables/{name}/"
        return self._table(
            name,
            {
                "table_type": "EXTERNAL_TABLE",
                "partition_keys": _columns(PARTS),
                "parameters": {
                    "classification": "parquet",
                    **_projected([region], [self._account], day="yyyyMMdd", kept=self._days),
                    "storage.location.template": place
                    + "region=${region}/accountid=${accountid}/eventday=${eventday}/",
                },
                "storage_descriptor": _storage(
                    WRITTEN[name],
                    place,
                    serde=f"{_PARQUET}.serde.ParquetHiveSerDe",
                    reads=f"{_PARQUET}.MapredParquetInputFormat",
                    writes=f"{_PARQUET}.MapredParquetOutputFormat",
                ),
            },
        )

    def _trail_files(self, place: str, *, regions: Sequence[str]) -> glue.CfnTable:
        return self._table(
            "trail_files",
            {
                "table_type": "EXTERNAL_TABLE",
                "partition_keys": _columns(PARTS),
                "parameters": {
                    "classification": "cloudtrail",
                    **_projected(regions, [self._account], day="yyyy/MM/dd", kept=self._trail_days),
                    "storage.location.template": place
                    + "${accountid}/CloudTrail/${region}/${eventday}/",
                },
                "storage_descriptor": _storage(
                    TRAIL_FILES,
                    place,
                    serde="org.apache.hive.hcatalog.data.JsonSerDe",
                    reads="com.amazon.emr.cloudtrail.CloudTrailInputFormat",
                    writes=_TEXT_OUT,
                ),
            },
        )

    def _access_log_lines(self, place: str) -> glue.CfnTable:
        """Return the table of lines, without partitions: their names have no folders."""
        return self._table(
            "access_log_lines",
            {
                "table_type": "EXTERNAL_TABLE",
                "parameters": {"classification": "regex"},
                "storage_descriptor": _storage(
                    dict.fromkeys(LINES, "string"),
                    place,
                    serde="org.apache.hadoop.hive.serde2.RegexSerDe",
                    reads=_TEXT,
                    writes=_TEXT_OUT,
                    parameters={"input.regex": _LINE},
                ),
            },
        )

    def _view(self, name: str) -> glue.CfnTable:
        columns = VIEWS[name]
        stored = {
            "originalSql": statement(name),
            "catalog": "awsdatacatalog",
            "schema": self.name,
            "columns": [{"name": one, "type": as_athena(of)} for one, of in columns.items()],
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
                    columns=_columns(columns),
                    serde_info=glue.CfnTable.SerdeInfoProperty(),
                ),
            },
        )


def _columns(columns: Mapping[str, str]) -> list[glue.CfnTable.ColumnProperty]:
    return [glue.CfnTable.ColumnProperty(name=one, type=of) for one, of in columns.items()]


def _projected(
    regions: Sequence[str], accounts: Sequence[str], *, day: str, kept: int
) -> dict[str, str]:
    return {
        "projection.enabled": "true",
        "projection.region.type": "enum",
        "projection.region.values": ",".join(regions),
        "projection.accountid.type": "enum",
        "projection.accountid.values": ",".join(accounts),
        "projection.eventday.type": "date",
        "projection.eventday.format": day,
        # What is older has expired, so there is no folder to look into.
        "projection.eventday.range": f"NOW-{kept + 1}DAYS,NOW",
        "projection.eventday.interval": "1",
        "projection.eventday.interval.unit": "DAYS",
    }


def _storage(
    columns: Mapping[str, str],
    place: str,
    *,
    serde: str,
    reads: str,
    writes: str,
    parameters: Mapping[str, str] | None = None,
) -> glue.CfnTable.StorageDescriptorProperty:
    return glue.CfnTable.StorageDescriptorProperty(
        columns=_columns(columns),
        location=place,
        input_format=reads,
        output_format=writes,
        serde_info=glue.CfnTable.SerdeInfoProperty(
            serialization_library=serde,
            parameters={"serialization.format": "1", **(parameters or {})},
        ),
    )

"""The lake in the local environment: the real CLI deploys it, a line arrives, SQL reads it back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst.local import LocalEnvironment
from tests.addons.log_lake.test_transform import FLOW, sent, stopped

GROUP = "/aws/ecs/starburst/local/demo"


class Services:
    """Who sends into the lake, and who asks it."""

    def __init__(self, local: LocalEnvironment) -> None:
        session = local.root_session()
        self.firehose = local.client(session, "firehose")
        self.athena = local.client(session, "athena")
        self.s3 = local.client(session, "s3")
        formation = local.client(session, "cloudformation")
        found = formation.describe_stack_resources(StackName="starburst-local-lake")
        self.made: dict[str, list[str]] = {}
        for each in found["StackResources"]:
            self.made.setdefault(each["ResourceType"], []).append(each["PhysicalResourceId"])

    def send(self, table: str, *records: bytes) -> None:
        name = f"starburst-local-lake-{table}"
        self.firehose.put_record_batch(
            DeliveryStreamName=name, Records=[{"Data": one} for one in records]
        )

    def ask(self, query: str) -> list[list[str | None]]:
        begun = self.athena.start_query_execution(
            QueryString=query,
            QueryExecutionContext={"Database": "starburst_local_lake"},
            WorkGroup="starburst-local-lake",
        )
        one = begun["QueryExecutionId"]
        said: Any = {"Status": {"State": "QUEUED"}}
        while said["Status"]["State"] in ("QUEUED", "RUNNING"):
            said = self.athena.get_query_execution(QueryExecutionId=one)["QueryExecution"]
        assert said["Status"]["State"] == "SUCCEEDED", said["Status"]
        rows = self.athena.get_query_results(QueryExecutionId=one)["ResultSet"]["Rows"]
        return [[each.get("VarCharValue") for each in row["Data"]] for row in rows[1:]]

    def keys(self, prefix: str) -> list[str]:
        [bucket] = self.made["AWS::S3::Bucket"]
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [each["Key"] for each in listed.get("Contents", [])]


@pytest.fixture(scope="module")
def services(addons_local: LocalEnvironment) -> Services:
    return Services(addons_local)


def test_what_a_worker_prints_is_read_back_by_sql(services: Services) -> None:
    services.send("lines", sent(GROUP, "ready", "ERROR: no such gene"))
    rows = services.ask(
        "SELECT message, severity, metadata.uid FROM lines "
        "WHERE accountid = '111122223333' ORDER BY message"
    )
    assert [row[:2] for row in rows] == [
        ["ERROR: no such gene", "High"],
        ["ready", "Informational"],
    ]
    [key] = services.keys("tables/lines/")
    assert key.startswith("tables/lines/region=eu-west-1/accountid=111122223333/eventday=20")
    assert key.endswith(".parquet")


def test_a_repeated_event_and_an_empty_one_count_once_and_never(services: Services) -> None:
    event = json.dumps(stopped()).encode()
    services.send("tasks", event, event)
    services.send("lines", sent(GROUP, kind="CONTROL_MESSAGE"))
    [[delivered, once]] = services.ask(
        "SELECT count(*), count(DISTINCT metadata.uid) FROM tasks WHERE app.uid <> ''"
    )
    assert (delivered, once) == ("2", "1")


def test_flows_add_up_by_where_they_went(services: Services) -> None:
    services.send("flows", sent("/flows", FLOW, FLOW.replace("ACCEPT", "REJECT")))
    rows = services.ask(
        "SELECT status_code, dst_endpoint.port, sum(traffic.bytes) FROM flows "
        "GROUP BY 1, 2 ORDER BY 1"
    )
    assert rows == [["ACCEPT", "443", "3400"], ["REJECT", "443", "3400"]]


def test_what_cannot_be_read_is_in_no_table(services: Services) -> None:
    before = services.keys("tables/")
    services.send("lines", b"no gzip")
    assert services.keys("tables/") == before


def test_a_stream_that_is_gone_is_told_to_who_sends(services: Services) -> None:
    with pytest.raises(ClientError, match="ResourceNotFound"):
        services.send("nothing", b"x")


def test_all_but_saved_queries_were_made(services: Services) -> None:
    assert len(services.made["AWS::Glue::Table"]) == 10
    assert len(services.made["AWS::KinesisFirehose::DeliveryStream"]) == 3
    assert len(services.made["AWS::Logs::SubscriptionFilter"]) == 3
    assert "AWS::Athena::NamedQuery" not in services.made

"""Each saved query answers what it is called: of rows to find and rows to leave out."""

# ruff: noqa: S608 - names of our own tables, in memory

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stacks.addons.log_lake.questions import ALARMS, ASKED
from stacks.addons.log_lake.schema import VIEWS, as_athena
from tests.addons.conftest import ON
from tests.addons.log_lake.asking import Lake, judge, now
from tests.monitoring.noticed.world import World
from tests.some import some

AN_HOUR_AGO = now() - timedelta(hours=1)
STACK = f"{ON.name}/lake"
TROUBLE = (
    "ERROR: no such gene",
    "Traceback (most recent call last):",
    "s3: 403 Forbidden",
    "s3: AccessDenied",
)
"""What workers print when something is wrong."""


def record(world: World, **written: Any) -> dict[str, Any]:
    at = written.pop("at", AN_HOUR_AGO)
    found = world.record({"awsRegion": "<region>", **written})
    return {**found, "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"}


def read(world: World, key: str, size: int = 10, **more: Any) -> dict[str, Any]:
    return record(
        world,
        **{
            "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject",
            "userIdentity": "analyst",
            "eventCategory": "Data",
            "requestParameters": {"bucketName": "<bucket>", "key": key},
            "additionalEventData": {"bytesTransferredOut": size},
            "eventID": key,
            **more,
        },
    )


def line(
    key: str, *, status: int = 200, requester: str = "arn:aws:sts::2:assumed-role/x/alice"
) -> str:
    at = AN_HOUR_AGO
    error = "-" if status < 400 else "AccessDenied"
    return (
        f"79a59df9 data [{at:%d/%b/%Y:%H:%M:%S} +0000] 198.51.100.7 {requester} 3E57427F{key} "
        f'REST.GET.OBJECT {key} "GET /{key} HTTP/1.1" {status} {error} 2662 3462 70 10 "-" '
        '"S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV '
        "SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader data.s3.eu-west-1.amazonaws.com TLSV1.2 - -"
    )


@pytest.fixture
def regex(templates: Mapping[str, Any]) -> str:
    table = templates[STACK]["Resources"]
    [found] = [
        each["Properties"]["TableInput"]
        for each in table.values()
        if each["Type"] == "AWS::Glue::Table"
        and each["Properties"]["TableInput"]["Name"] == "access_log_lines"
    ]
    return found["StorageDescriptor"]["SerdeInfo"]["Parameters"]["input.regex"]


def test_every_question_of_the_kit_is_saved(saved: dict[str, str]) -> None:
    assert {*saved} == {*ASKED, *ALARMS.values()}
    assert not [name for name, text in saved.items() if re.search(r"\{\w+\}|\$\{", text)]


def test_identity_center_instances_are_told_from_connects(
    world: World, saved: dict[str, str], lake: Lake
) -> None:
    """Connect has a CreateInstance of its own; the post's query took it along."""
    names = ("CreateInstance", "DeleteInstance", "ListInstances")
    made = [("sso", name) for name in names] + [("connect", "CreateInstance")]
    lake.trail(
        record(
            world,
            eventSource=f"{service}.amazonaws.com",
            eventName=name,
            userIdentity="administrator",
        )
        for service, name in made
    )
    rows = lake.ask(saved["what CloudTrail saw of Identity Center instances"])
    assert sorted(row["operation"] for row in rows) == ["CreateInstance", "DeleteInstance"]
    assert {row["account"] for row in rows} == {ON.account}


def test_reads_from_elsewhere_leave_out_the_endpoint_and_trusted_networks(
    world: World, saved: dict[str, str], lake: Lake
) -> None:
    [endpoint] = re.findall(r"src_endpoint.uid <> '([^']+)'", saved["reads from elsewhere"])
    lake.trail(
        [
            read(world, "abroad", sourceIPAddress="203.0.113.7"),
            read(world, "refused", sourceIPAddress="203.0.113.7", errorCode="AccessDenied"),
            read(world, "another endpoint", sourceIPAddress="10.1.1.1", vpcEndpointId="vpce-other"),
            read(world, "office", sourceIPAddress="140.107.3.3"),
            read(world, "worker", sourceIPAddress="10.64.16.9", vpcEndpointId=endpoint),
            read(world, "aws", sourceIPAddress="s3.amazonaws.com"),
            # What CloudTrail masked is no address, and is not from here for that.
            read(world, "masked", sourceIPAddress="203.0.113"),
            read(world, "other", requestParameters={"bucketName": "other", "key": "k"}),
        ]
    )
    rows = lake.ask(saved["reads from elsewhere"])
    assert {row["key"] for row in rows} == {"abroad", "refused", "another endpoint", "masked"}


def test_who_read_what_and_how_much(world: World, saved: dict[str, str], lake: Lake) -> None:
    lake.trail(
        [
            *(read(world, f"a{n}", 100) for n in range(3)),
            read(world, "b", 7, userIdentity="analyst_bob"),
            read(world, "b", 900, userIdentity="analyst_bob", errorCode="AccessDenied"),
            read(world, "old", at=now() - timedelta(days=8)),
        ]
    )
    assert len(lake.ask(saved["who read what"])) == 5
    alice, bob = lake.ask(saved["who read how much"])
    assert (alice["who"].rpartition("/")[2], alice["objects"], alice["bytes"]) == ("alice", 3, 300)
    assert (bob["who"].rpartition("/")[2], bob["reads"], bob["bytes"]) == ("bob", 1, 7)


def test_what_comes_twice_adds_up_once(
    world: World, saved: dict[str, str], lake: Lake, regex: str
) -> None:
    """The trail and the access log deliver at least once; so sums would double at any time."""
    once = [read(world, f"a{n}", 600_000_000_000) for n in range(2)]
    lake.trail([*once, *once])
    [much] = lake.ask(saved["who read how much"])
    assert (much["reads"], much["objects"], much["bytes"]) == (2, 2, 1_200_000_000_000)
    [download] = lake.ask(saved[ALARMS["Downloads"]])
    assert (download["objects"], download["bytes"]) == (2, 1_200_000_000_000)
    lake.access_log([line("a"), line("a"), line("b")], pattern=regex)
    [witness] = lake.ask(saved["reads by S3's own log"])
    assert (witness["reads"], witness["bytes"]) == (2, 2 * 2662)


def test_refused_calls_and_what_is_new(world: World, saved: dict[str, str], lake: Lake) -> None:
    def call(name: str, **more: Any) -> dict[str, Any]:
        return record(
            world,
            eventSource="ec2.amazonaws.com",
            eventName=name,
            userIdentity="administrator",
            **more,
        )

    lake.trail(
        [
            call("CreateRoute"),
            call("DescribeVpcs", errorCode="Client.UnauthorizedOperation"),
            call("DescribeVpcs"),
            call("RunInstances", at=now() - timedelta(days=2)),
        ]
    )
    assert [row["operation"] for row in lake.ask(saved["what is new"])] == ["CreateRoute"]
    [refused] = lake.ask(saved["calls that AWS refused"])
    assert refused["error"] == "Client.UnauthorizedOperation"


def test_s3s_own_log_is_a_second_witness(saved: dict[str, str], lake: Lake, regex: str) -> None:
    lines = [line("a"), line("a"), line("b", status=403), line("c", requester="-"), "no line"]
    lake.access_log(lines, pattern=regex)
    alice, anonymous = sorted(
        lake.ask(saved["reads by S3's own log"]), key=lambda row: -row["reads"]
    )
    assert alice["reads"] == 2  # the first came twice, by one request's id
    assert (anonymous["who"], anonymous["reads"]) == (None, 1)
    rows = lake.ask("SELECT * FROM s3_access")
    assert len(rows) == 4
    assert [judge(row) for row in rows if judge(row)] == []


@pytest.mark.parametrize("said", ['evil"agent', 'a" "b', '"', 'x" - - y"'])
def test_a_quote_in_what_a_caller_says_of_itself_hides_no_read(
    said: str, saved: dict[str, str], lake: Lake, regex: str
) -> None:
    lines = [
        line("agent").replace('"S3Console/0.4"', f'"{said}"'),
        line("referrer").replace('"-" "S3Console', f'"{said}" "S3Console'),
    ]
    lake.access_log(lines, pattern=regex)
    [found] = lake.ask(saved["reads by S3's own log"])
    assert (found["reads"], found["bytes"]) == (2, 2 * 2662)


def events_of(table: str, *messages: str) -> Iterator[dict[str, Any]]:
    for number, message in enumerate(messages):
        yield {
            "class_uid": 0,
            "time": round(AN_HOUR_AGO.timestamp() * 1000),
            "metadata": {"uid": f"{table}-{number}"},
            "message": message,
            "unmapped": {"workspace": "genomics", "log_stream": "w"},
        }


def test_worker_errors_are_told_once_however_often_they_came(
    saved: dict[str, str], lake: Lake
) -> None:
    for _ in range(2):
        lake.write("lines", events_of("lines", "ready", *TROUBLE))
    rows = lake.ask(saved["errors that workers printed"])
    assert sorted(row["message"] for row in rows) == [*TROUBLE]


@pytest.mark.parametrize("question", ["errors that workers printed", "refused flows"])
def test_what_came_just_after_midnight_is_found_a_day_later(
    question: str, saved: dict[str, str], lake: Lake
) -> None:
    """Firehose names a file's day by its first record, and gathers for a quarter of an hour."""
    lake.write("lines", events_of("lines", TROUBLE[0]))
    lake.write("flows", [{"metadata": {"uid": "1"}, "status_code": "REJECT"}])
    at = round(datetime(2026, 12, 1, 0, 14, tzinfo=UTC).timestamp() * 1000)
    for table in ("lines", "flows"):
        lake.duck.execute(f"UPDATE {table} SET eventday = '20261130', \"time\" = {at}")
    for minute, found in ((13, 1), (15, 0)):
        moment = f"TIMESTAMP '2026-12-02 00:{minute}:00'"
        rows = lake.ask(saved[question].replace("current_timestamp", moment))
        assert len(rows) == found


def test_refused_flows_are_counted_once(saved: dict[str, str], lake: Lake) -> None:
    at = round(AN_HOUR_AGO.timestamp() * 1000)
    flows = [
        {
            "time": at,
            "metadata": {"uid": uid},
            "status_code": code,
            "src_endpoint": {"ip": "10.0.0.1"},
            "dst_endpoint": {"ip": "10.0.0.2", "port": 22},
            "traffic": {"bytes": 40, "packets": 1},
        }
        for uid, code in (("1", "REJECT"), ("1", "REJECT"), ("2", "REJECT"), ("3", "ACCEPT"))
    ]
    lake.write("flows", flows)
    [row] = lake.ask(saved["refused flows"])
    assert (row["flows"], row["bytes"], row["dst_port"]) == (2, 80, 22)


def test_who_sends_most_and_where_to_is_told_apart(saved: dict[str, str], lake: Lake) -> None:
    at = round(AN_HOUR_AGO.timestamp() * 1000)

    def flow(uid: str, dst: str, sent: int, **more: Any) -> dict[str, Any]:
        return {
            "time": at,
            "metadata": {"uid": uid},
            "status_code": "ACCEPT",
            "connection_info": {"direction_id": 2},
            "src_endpoint": {"ip": "10.64.16.9", "interface_uid": "eni-1"},
            "dst_endpoint": {"ip": dst, "port": 443},
            "traffic": {"bytes": sent, "packets": 1},
            **more,
        }

    to_s3 = {"unmapped": {"pkt_dst_aws_service": "S3"}}
    inwards = {"connection_info": {"direction_id": 1}}
    lake.write(
        "flows",
        [
            flow("1", "10.64.16.20", 100),
            flow("1", "10.64.16.20", 100),
            flow("2", "52.218.0.9", 900, **to_s3),
            flow("3", "203.0.113.7", 50),
            flow("4", "203.0.113.7", 70, status_code="REJECT"),
            flow("5", "203.0.113.7", 10_000, **inwards),
        ],
    )
    most = [(row["service"], row["bytes"]) for row in lake.ask(saved["who sends most"])]
    assert most == [("S3", 900), ("", 150)]
    elsewhere = lake.ask(saved["flows to unexpected places"])
    assert [(row["status_code"], row["dst_ip"], row["bytes"]) for row in elsewhere] == [
        ("REJECT", "203.0.113.7", 70),
        ("ACCEPT", "203.0.113.7", 50),
    ]


def test_who_used_how_much_adds_up_by_person(saved: dict[str, str], lake: Lake) -> None:
    at = round(AN_HOUR_AGO.timestamp() * 1000)
    lake.write(
        "tasks",
        (
            {
                "time": at,
                "start_time": at - 3_600_000,
                "end_time": at,
                "metadata": {"uid": f"task-{number}"},
                "app": {"uid": session},
                "unmapped": {
                    "user": user,
                    "workspace": "genomics",
                    "vcpu_seconds": "7200",
                    "gigabyte_seconds": "14400",
                },
            }
            for number, (session, user) in enumerate(
                [("s1", "alice"), ("s1", "alice"), ("s2", "alice"), ("s3", "bob")]
            )
        ),
    )
    alice, bob = lake.ask(saved["who used how much"])
    assert (alice["person"], alice["sessions"], alice["workers"]) == ("alice", 2, 3)
    assert (alice["vcpu_hours"], alice["gigabyte_hours"]) == (6, 12)
    assert (bob["person"], bob["vcpu_hours"]) == ("bob", 2)


def test_a_question_reads_the_folders_of_its_time_and_no_other(
    world: World, saved: dict[str, str], lake: Lake
) -> None:
    """What lies in an old folder is not read, even where it says that it is of today."""
    lake.trail([read(world, "a"), read(world, "b")])
    lake.duck.execute("UPDATE trail_files SET eventday = '2020/01/01' WHERE eventid = 'b'")
    assert [row["key"] for row in lake.ask(saved["who read what"])] == ["a"]
    partitioned = {
        name: text
        for name, text in saved.items()
        if re.search(r"FROM (cloudtrail|vpc_flow|worker_logs)\b", text)
    }
    assert len(partitioned) >= 15
    for name, text in some(partitioned.items()):
        days = {"cloudtrail": "%Y/%m/%d"}.get(re.findall(r"FROM (\w+)", text)[0], "%Y%m%d")
        assert re.search(rf"eventday >= date_format\([^)]*, '{days}'\)", text), name


def test_an_empty_lake_answers_nothing(saved: dict[str, str], lake: Lake) -> None:
    assert [name for name, text in saved.items() if lake.ask(text)] == []


def test_a_view_holds_its_own_text_and_columns(templates: Mapping[str, Any], lake: Lake) -> None:
    """As Trino stores it: with another type, Athena would call the view stale."""
    stored = {
        each["Properties"]["TableInput"]["Name"]: each["Properties"]["TableInput"]
        for each in templates[STACK]["Resources"].values()
        if each["Type"] == "AWS::Glue::Table"
    }
    for name, columns in VIEWS.items():
        text = stored[name]["ViewOriginalText"]
        body = re.fullmatch(r"/\* Presto View: (\S+) \*/", text)
        assert body is not None
        said = json.loads(base64.b64decode(body[1]))
        types = {one["name"]: one["type"] for one in said["columns"]}
        assert types == {one: as_athena(kind) for one, kind in columns.items()}
        assert [one[0] for one in lake.duck.execute(f"DESCRIBE {name}").fetchall()] == [*columns]


def test_types_of_views_are_what_duckdb_makes_of_them(lake: Lake) -> None:
    for name, columns in VIEWS.items():
        made = lake.duck.execute(f"DESCRIBE {name}").fetchall()
        for (column, kind, *_), wanted in some(zip(made, columns.values(), strict=True)):
            lake.duck.execute(f"CREATE OR REPLACE TABLE wanted ({lake.column(column, wanted)})")
            expected = lake.duck.execute("DESCRIBE wanted").fetchall()[0][1]
            assert kind.replace("_MS", "") == expected.replace("_MS", ""), (name, column)


def test_partitions_are_projected_where_firehose_writes(templates: Mapping[str, Any]) -> None:
    resources = templates[STACK]["Resources"].values()
    prefixes = {
        each["Properties"]["DeliveryStreamName"].rpartition("-")[2]: each["Properties"][
            "ExtendedS3DestinationConfiguration"
        ]["Prefix"]
        for each in resources
        if each["Type"] == "AWS::KinesisFirehose::DeliveryStream"
    }
    for each in some(resources):
        table = each["Properties"].get("TableInput", {})
        if table.get("Name") not in prefixes:
            continue
        parameters = table["Parameters"]
        assert parameters["projection.enabled"] == "true"
        # What Athena looks for on a day that both are told of.
        found = re.search(r'/(tables/[^"]+)', json.dumps(parameters["storage.location.template"]))
        assert found is not None
        place = found[1]
        for name in ("region", "accountid"):
            place = place.replace(f"${{{name}}}", parameters[f"projection.{name}.values"])
        place = place.replace("${eventday}", "20261128")
        assert prefixes.pop(table["Name"]).replace("!{timestamp:yyyyMMdd}", "20261128") == place
    assert prefixes == {}

"""What Firehose's function makes of records: valid OCSF, each once, and nothing lost."""

# ruff: noqa: S608 - names of our own views, in memory

from __future__ import annotations

import base64
import gzip
import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from starburst_constructs.network.vpc import FLOW_FIELDS
from tests.addons.lambda_folder import lambda_folder
from tests.addons.log_lake.asking import Lake, judge
from tests.some import some

SOURCE = Path(__file__).resolve().parents[3] / "stacks/addons/log_lake/transform"
ARN = "arn:aws:firehose:eu-west-1:222233334444:deliverystream/starburst-prod-lake-"
FLOW = (
    "2 222233334444 vpc-1 subnet-1 eni-1 10.64.16.9 40000 10.64.16.20 443 6 12 3400 1764331200 "
    "1764331260 ACCEPT OK 3 IPv4 10.64.16.9 10.64.16.20 egress 1 - S3"
)
GROUP = "/aws/ecs/starburst/prod/genomics"


@pytest.fixture(scope="module")
def handler() -> Iterator[ModuleType]:
    """The function's module, imported as Lambda does: from its own folder."""
    with lambda_folder(SOURCE) as modules:
        yield modules["handler"]


def packed(text: bytes) -> bytes:
    """Return it as Logs sends it, without the time: tests are named by it on every process."""
    return gzip.compress(text, mtime=0)


def sent(group: str, *messages: str, kind: str = "DATA_MESSAGE", first: int = 0) -> bytes:
    """A batch as CloudWatch Logs sends it."""
    batch = {
        "messageType": kind,
        "owner": "222233334444",
        "logGroup": group,
        "logStream": "worker/worker/1f9e8d7c",
        "subscriptionFilters": ["lake"],
        "logEvents": [
            {"id": f"{first + number:056d}", "timestamp": 1764331200000 + number, "message": one}
            for number, one in enumerate(messages)
        ],
    }
    return packed(json.dumps(batch).encode())


def stopped(**changed: Any) -> dict[str, Any]:
    """An event of ECS, as its developer guide shows one, for a worker of ours."""
    prefix = "sessions/genomics/alice/0123456789abcdefghij/"
    detail = {
        "taskArn": "arn:aws:ecs:eu-west-1:222233334444:task/starburst-prod/1f9e8d7c",
        "clusterArn": "arn:aws:ecs:eu-west-1:222233334444:cluster/starburst-prod",
        "lastStatus": "STOPPED",
        "cpu": "4096",
        "memory": "8192",
        "launchType": "FARGATE",
        "capacityProviderName": "FARGATE_SPOT",
        "startedBy": "0123456789abcdefghij",
        "startedAt": "2026-11-28T12:00:00.000Z",
        "stoppedAt": "2026-11-28T13:00:00.000Z",
        "stoppedReason": "Essential container in task exited",
        "overrides": {
            "containerOverrides": [
                {
                    "name": "worker",
                    "environment": [{"name": "STARBURST_SESSION_PREFIX", "value": prefix}],
                }
            ]
        },
    }
    return {
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "account": "222233334444",
        "region": "eu-west-1",
        "detail": detail | changed,
    }


def answer(handler: ModuleType, table: str, records: Sequence[bytes]) -> list[dict[str, str]]:
    event = {
        "invocationId": "1",
        "deliveryStreamArn": f"{ARN}{table}",
        "region": "eu-west-1",
        "records": [
            {"recordId": str(number), "data": base64.b64encode(one).decode()}
            for number, one in enumerate(records)
        ],
    }
    answers = handler.handle(event, None)["records"]
    assert [one["recordId"] for one in answers] == [str(n) for n in range(len(records))]
    return answers


def events(answers: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for one in answers
        if one["result"] == "Ok"
        for line in base64.b64decode(one["data"]).decode().splitlines()
    ]


def test_the_flow_logs_order_of_fields_is_the_kits(handler: ModuleType) -> None:
    fields = importlib.import_module("ocsf_events").FIELDS
    assert [f"${{{name.replace('_', '-')}}}" for name in fields] == [
        one.value for one in FLOW_FIELDS
    ]


def test_each_kind_becomes_rows_that_are_valid_ocsf(handler: ModuleType, lake: Lake) -> None:
    flows = [FLOW, FLOW.replace("ACCEPT", "REJECT"), FLOW.replace("egress", "ingress")]
    made = {
        "flows": answer(handler, "flows", [sent("/flows", *flows)]),
        "lines": answer(handler, "lines", [sent(GROUP, "ready", "ERROR: no such gene")]),
        "tasks": answer(handler, "tasks", [json.dumps(stopped()).encode()]),
    }
    for table, answers in made.items():
        lake.write(table, events(answers))
    for view, rows in (("vpc_flow", 3), ("worker_logs", 2), ("sessions", 1)):
        found = lake.ask(f"SELECT * FROM {view}")
        assert len(found) == rows
        assert [judge(row) for row in found if judge(row)] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"severity_id": 77},
        {"class_uid": 4001},
        {"time": None},
        {"metadata": {"version": "1.1.0", "profiles": []}},
        {"not_of_ocsf": 1},
    ],
)
def test_the_validator_refuses_what_is_not_ocsf(
    wrong: dict[str, Any], handler: ModuleType, lake: Lake
) -> None:
    lake.write("lines", events(answer(handler, "lines", [sent(GROUP, "ready")])))
    [row] = lake.ask("SELECT * FROM worker_logs")
    assert judge(row) == []
    assert judge(row | wrong) != []


def test_a_session_counts_a_worker_once_however_often_it_is_told(
    handler: ModuleType, lake: Lake
) -> None:
    other = stopped(taskArn="arn:aws:ecs:eu-west-1:222233334444:task/starburst-prod/2")
    told = [json.dumps(one).encode() for one in (stopped(), stopped(), other, stopped())]
    lake.write("tasks", events(answer(handler, "tasks", told[:3])))
    lake.write("tasks", events(answer(handler, "tasks", told[3:])))
    [row] = lake.ask("SELECT * FROM sessions")
    assert row["count"] == 2
    assert row["unmapped"] | {"user": "alice", "workspace": "genomics"} == row["unmapped"]
    # Two workers of 4 vCPU and 8 GB, an hour each.
    assert float(row["unmapped"]["vcpu_hours"]) == 8
    assert float(row["unmapped"]["gigabyte_hours"]) == 16


def test_a_worker_that_never_started_used_nothing(handler: ModuleType) -> None:
    event = stopped()
    del event["detail"]["startedAt"]
    [made] = events(answer(handler, "tasks", [json.dumps(event).encode()]))
    assert (made["duration"], made["unmapped"]["vcpu_seconds"]) == (0, "0.000")


@pytest.mark.parametrize(
    "overrides",
    [
        None,
        {},
        {"containerOverrides": None},
        {"containerOverrides": [{"name": "worker", "environment": None}]},
    ],
)
def test_a_worker_that_does_not_say_whose_it_is_is_kept(
    overrides: object, handler: ModuleType
) -> None:
    event = stopped(overrides=overrides)
    [made] = events(answer(handler, "tasks", [json.dumps(event).encode()]))
    assert made["app"]["uid"] == "0123456789abcdefghij"
    assert made["unmapped"]["user"] == ""


@pytest.mark.parametrize(
    ("table", "record", "result"),
    [
        ("lines", sent(GROUP, kind="CONTROL_MESSAGE"), "Dropped"),
        ("lines", sent(GROUP), "Dropped"),
        ("flows", sent("/flows", FLOW.replace(" OK ", " NODATA ")), "Dropped"),
        ("lines", b"", "ProcessingFailed"),
        ("lines", b"no gzip", "ProcessingFailed"),
        ("lines", sent(GROUP, "cut")[:-9], "ProcessingFailed"),
        ("lines", packed(b"[" * 100_000), "ProcessingFailed"),
        ("flows", sent("/flows", FLOW + " more"), "ProcessingFailed"),
        ("flows", sent("/flows", FLOW.replace(" 443 ", " x ")), "ProcessingFailed"),
        ("tasks", json.dumps(stopped(lastStatus="RUNNING")).encode(), "ProcessingFailed"),
        ("tasks", json.dumps(stopped(stoppedAt="soon")).encode(), "ProcessingFailed"),
        ("tasks", b'{"detail": 7}', "ProcessingFailed"),
        ("tasks", b'{"detail": {"lastStatus": "STOPPED"}}', "ProcessingFailed"),
        ("lines", packed(b'{"messageType": "DATA_MESSAGE"}'), "ProcessingFailed"),
        (
            "lines",
            packed(b'{"messageType": "DATA_MESSAGE", "logEvents": [7]}'),
            "ProcessingFailed",
        ),
    ],
)
def test_what_cannot_be_read_goes_back_as_it_came_and_hurts_no_other(
    table: str, record: bytes, result: str, handler: ModuleType
) -> None:
    good = {
        "lines": sent(GROUP, "ready"),
        "flows": sent("/flows", FLOW),
        "tasks": json.dumps(stopped()).encode(),
    }[table]
    bad, other = answer(handler, table, [record, good])
    assert (bad["result"], other["result"]) == (result, "Ok")
    assert base64.b64decode(bad["data"]) == record


def test_more_than_lambda_returns_is_set_aside_whole(
    handler: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    huge = sent(GROUP, *["x" * 200_000] * 20)
    answers = answer(handler, "lines", [huge, huge, sent(GROUP, "small")])
    assert [one["result"] for one in answers] == ["Ok", "ProcessingFailed", "Ok"]
    assert sum(len(one.get("data", "")) for one in answers) < 6_000_000
    assert json.loads(capsys.readouterr().out)["records"] == 1


def test_a_batch_that_unpacks_to_too_much_is_not_unpacked(handler: ModuleType) -> None:
    bomb = packed(b"0" * (handler.MOST_UNPACKED + 1))
    [one] = answer(handler, "lines", [bomb])
    assert one["result"] == "ProcessingFailed"


def test_a_long_line_is_cut_and_says_how_long_it_was(handler: ModuleType) -> None:
    [made] = some(events(answer(handler, "lines", [sent(GROUP, "y" * 300_000)])))
    assert len(made["message"]) == 262_144
    assert made["unmapped"]["characters"] == "300000"

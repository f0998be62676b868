"""AWS's own queries for Security Lake run on the lake, and find what they are for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.addons.log_lake.asking import Lake, now
from tests.addons.log_lake.published import ADAPTED, MISTAKEN, PUBLISHED

DAY_AGO = now() - timedelta(days=1)
MONTH_AGO = now() - timedelta(days=31)
ME = {
    "type": "IAMUser",
    "arn": "arn:aws:iam::222233334444:user/eve",
    "principalId": "AIDAEXAMPLE",
    "accountId": "222233334444",
    "accessKeyId": "AIDACKCEVSQ6C2EXAMPLE",
    "userName": "eve",
}


def call(number: int, name: str, service: str, **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "userIdentity": {**ME, "accessKeyId": "other"},
        "eventTime": f"{DAY_AGO:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.9",
        "userAgent": "aws-cli",
        "requestID": f"request-{number}",
        "eventID": f"event-{number}",
        "eventType": "AwsApiCall",
        "recipientAccountId": "222233334444",
        "eventCategory": "Management",
        **more,
    }


CALLS = [
    call(1, "RunInstances", "ec2", errorCode="Client.UnauthorizedOperation"),
    call(2, "ListBuckets", "s3", sourceIPAddress="192.0.2.1"),
    call(3, "CreateUser", "iam"),
    call(4, "GetCallerIdentity", "sts", userIdentity=ME),
    call(
        5,
        "CreateUser",
        "iam",
        eventTime=f"{MONTH_AGO:%Y-%m-%dT%H:%M:%SZ}",
        errorCode="AccessDenied",
    ),
]


def flow(number: int, src: str, dst: str, *, port: int = 443, **more: Any) -> dict[str, Any]:
    direction = more.pop("direction", (2, "Outbound"))
    action = more.pop("action", (1, "Allowed"))
    begun = round(more.pop("at", DAY_AGO).timestamp() * 1000)
    return {
        "class_uid": 4001,
        "time": begun,
        "start_time": begun,
        "end_time": begun + 60_000,
        "metadata": {"uid": f"flow-{number}"},
        "action_id": action[0],
        "action": action[1],
        "src_endpoint": {"ip": src, "port": more.pop("src_port", 40_000), "interface_uid": "eni-1"},
        "dst_endpoint": {"ip": dst, "port": port},
        "connection_info": {"direction_id": direction[0], "direction": direction[1]},
        "traffic": {"bytes": 1000 * number, "packets": number},
    }


FLOWS = [
    flow(1, "192.0.2.1", "192.0.2.2", src_port=22, port=50_000),
    flow(2, "192.0.2.2", "192.0.2.1", port=22, direction=(1, "Inbound")),
    flow(3, "198.51.100.7", "10.0.0.9", action=(2, "Denied"), direction=(1, "Inbound")),
    flow(4, "10.0.0.9", "10.0.0.20"),
    flow(5, "10.0.0.9", "10.0.0.21", at=MONTH_AGO),
]
EXPECTED: dict[str, list[str]] = {
    "unauthorized_attempts": ["RunInstances"],
    "activity_from_an_address": ["ListBuckets"],
    "IAM_activity": ["event-3"],
    "a_credential": ["AIDAEXAMPLE"],
    "failed_records": ["us-east-1"],
    "traffic_in_Regions": [],
    "an_address_and_a_port": ["flow-1"],
    "distinct_destinations": ["4"],
    "traffic_from_a_block": ["flow-3"],
    "HTTPS_traffic": ["10.0.0.20", "10.0.0.9"],
    "packets_to_port_443": ["10.0.0.20", "10.0.0.9"],
    "traffic_between_two_addresses": ["192.0.2.2", "192.0.2.1"],
    "inbound_traffic": ["flow-2", "flow-3"],
    "outbound_traffic": ["flow-1", "flow-4"],
    "rejected_traffic": ["flow-3"],
}
"""What stands in each row that is found, in the order of time; all else must not be found."""


@pytest.fixture(scope="module")
def filled(lakes: Lake) -> Iterator[Lake]:
    lakes.trail(CALLS)
    lakes.write("flows", FLOWS)
    yield lakes
    lakes.clear()


def adapted(name: str) -> str:
    text = PUBLISHED[name]
    for theirs, ours in ADAPTED.items():
        text = text.replace(theirs, ours)
    return text


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_query_finds_what_it_is_for(name: str, filled: Lake) -> None:
    text = adapted(name)
    if name in MISTAKEN:
        assert filled.rows(text) == []  # as AWS wrote it
        text = text.replace(*MISTAKEN[name])
    found = filled.rows(text)
    assert len(found) == len(EXPECTED[name])
    for row, wanted in zip(found, EXPECTED[name], strict=True):
        assert wanted in str(row)


def test_the_regions_that_aws_asks_for_are_found_where_they_are(filled: Lake) -> None:
    """The fixture is of one Region, so that AWS's three find nothing; of ours it finds all."""
    text = adapted("traffic_in_Regions").replace("'us-east-1'", "'eu-west-1'")
    assert len(filled.rows(text)) == 4


def test_ten_and_more_run_and_only_names_were_changed() -> None:
    assert len(PUBLISHED) >= 10
    for name, text in PUBLISHED.items():
        assert text.startswith("-- https://docs.aws.amazon.com/security-lake/")
        back = adapted(name)
        for theirs, ours in ADAPTED.items():
            back = back.replace(f" {ours}\n", f" {theirs}\n")
        assert back == text

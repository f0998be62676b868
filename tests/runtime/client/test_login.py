"""Logging in with MFA: checked before AWS is asked, and the session names the person."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws

from starburst._client.access.login import login
from starburst.errors import ConfigurationError

ROLE = "arn:aws:iam::123456789012:role/starburst-prod-analyst-genomics"
DEVICE = "arn:aws:iam::123456789012:mfa/alice"


@mock_aws
def test_the_session_carries_the_persons_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    session: boto3.session.Session = login(ROLE, "123456", serial_number=DEVICE, user="alice")
    arn = session.client("sts").get_caller_identity()["Arn"]
    assert arn.endswith("assumed-role/starburst-prod-analyst-genomics/alice")


@mock_aws
def test_it_lasts_as_long_as_was_asked_and_stays_in_its_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, object]] = []
    make: Any = BaseClient
    call = make._make_api_call

    def record(client: Any, operation: str, words: dict[str, object]) -> Any:
        asked.append(words)
        return call(client, operation, words)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", record)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("STARBURST_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    session = login(ROLE, "123456", serial_number=DEVICE, user="alice", seconds=7200)
    assert session.region_name == "eu-west-1"
    assert asked == [
        {
            "RoleArn": ROLE,
            "RoleSessionName": "alice",
            "SerialNumber": DEVICE,
            "TokenCode": "123456",
            "DurationSeconds": 7200,
            "Tags": [{"Key": "userName", "Value": "alice"}],
        }
    ]


@mock_aws
def test_the_hour_of_a_role_that_another_role_assumes_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: Any = {
        "Error": {
            "Code": "ValidationError",
            "Message": "The requested DurationSeconds exceeds the 1 hour session limit for roles "
            "assumed by role chaining.",
        },
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }

    def refuse(_: object, operation: str, words: object) -> None:
        raise ClientError(said, operation)

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse)
    with pytest.raises(ConfigurationError, match=r"one hour\. Pass seconds=3600"):
        login(ROLE, "123456", serial_number=DEVICE, user="alice", seconds=7200)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"token_code": "12345"}, "six digits"),
        ({"user": "Alice/Bob"}, "lower-case letters"),
        ({"seconds": 60}, "900"),
        ({"seconds": 50_000}, "43,200"),
    ],
)
def test_a_malformed_login_does_not_ask_aws(arguments: dict[str, object], said: str) -> None:
    given = {"token_code": "123456", "serial_number": DEVICE, "user": "alice", **arguments}
    with pytest.raises(ConfigurationError, match=said):
        login(ROLE, **given)  # type: ignore[arg-type]

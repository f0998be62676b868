"""Logging in with MFA: checked before AWS is asked, and the session names the person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
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


@pytest.fixture
def aws() -> Iterator[None]:
    """An AWS of moto's that leaves the variables of credentials to the test alone."""
    with mock_aws(config={"core": {"mock_credentials": False}}):
        yield


@pytest.mark.usefixtures("aws")
def test_the_session_carries_the_persons_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    session: boto3.session.Session = login(ROLE, "123456", serial_number=DEVICE, user="alice")
    arn = session.client("sts").get_caller_identity()["Arn"]
    assert arn.endswith("assumed-role/starburst-prod-analyst-genomics/alice")


@pytest.mark.usefixtures("aws")
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


@pytest.mark.usefixtures("aws")
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


@pytest.mark.usefixtures("aws")
def test_a_named_profile_signs_in_and_is_not_mixed_with_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``profile=`` before ``AWS_PROFILE``, and that as it is (S3)."""
    names = {"my-starburst-profile": "AKIAOFMINE", "other": "AKIAOTHER"}
    (tmp_path / "credentials").write_text(
        "".join(
            f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = secret\n"
            for name, key in names.items()
        )
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    signed: list[str] = []

    def record(request: Any, **_: object) -> None:
        signed.append(request.headers["Authorization"].decode().partition("Credential=")[2])

    make = boto3.session.Session.client

    def client(self: Any, *words: Any, **named: Any) -> Any:
        made: Any = make(self, *words, **named)
        made.meta.events.register_first("before-send", record)
        return made

    monkeypatch.setattr(boto3.session.Session, "client", client)
    login(ROLE, "123456", serial_number=DEVICE, user="alice", profile="my-starburst-profile")
    monkeypatch.setenv("AWS_PROFILE", "other")
    login(ROLE, "123456", serial_number=DEVICE, user="alice")
    login(ROLE, "123456", serial_number=DEVICE, user="alice", profile="my-starburst-profile")
    mine, others = names.values()
    assert [one.partition("/")[0] for one in signed] == [mine, others, mine]
    with pytest.raises(ConfigurationError, match="nobody"):
        login(ROLE, "123456", serial_number=DEVICE, user="alice", profile="nobody")

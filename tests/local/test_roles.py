"""A local login lasts as long as its process: nobody is there who could log in again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from starburst.contract import Limits, RuntimeDocument, WorkspaceDocument
from starburst.local.emulator import ACCOUNT, REGION
from starburst.local.roles import person_session
from starburst.local.state import State

STATE = State(
    endpoint="https://127.0.0.1:1",
    ca_bundle="ca.pem",
    region=REGION,
    account=ACCOUNT,
    root_key="root",
    root_secret="secret",
    owner=1,
)
DOCUMENT = RuntimeDocument(
    environment="local",
    account=ACCOUNT,
    region=REGION,
    bucket="data",
    key_arn="key",
    controller="controller",
    python="3.13",
    architecture="X86_64",
    workspaces={
        "demo": WorkspaceDocument(
            analyst_role_arn="arn:aws:iam::111122223333:role/analyst",
            task_definition="demo",
            limits=Limits(),
        )
    },
)


class Account:
    """Gives out keys that end within a minute, and the runtime document."""

    def __init__(self) -> None:
        self.logins = 0

    def assume_role(self, *, RoleArn: str, **_: Any) -> dict[str, Any]:
        self.logins += RoleArn.endswith("role/analyst")
        return {
            "Credentials": {
                "AccessKeyId": f"key{self.logins}",
                "SecretAccessKey": "secret",
                "SessionToken": "token",
                "Expiration": datetime.now(UTC) + timedelta(minutes=1),
            }
        }

    def get_parameter(self, **_: Any) -> dict[str, Any]:
        return {"Parameter": {"Value": DOCUMENT.to_json()}}


def test_a_login_is_renewed_before_it_ends() -> None:
    account: Any = Account()
    aws = person_session(
        account,
        STATE,
        client=lambda *_: account,
        purpose="analyst",
        user="alice",
        workspace="demo",
        environment="local",
    )
    credentials = aws.get_credentials()
    assert credentials is not None
    assert credentials.get_frozen_credentials().access_key == "key2"
    assert aws.region_name == REGION

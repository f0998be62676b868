"""Who acts as steward is logged in to the steward's role, and nobody else is taken for one."""

from __future__ import annotations

from typing import Any

import pytest

from starburst import AccessDenied, ConfigurationError, connect
from starburst._client.access import connection as module
from starburst._client.access.connection import Connection

ROLE = "starburst-test-steward-study"


@pytest.fixture
def log_in(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a connection of who is logged in under an ARN of STS's."""

    def made(arn: str, **terms: Any) -> Connection:
        monkeypatch.setattr(module, "_discover", lambda *_, **__: connection.document)
        monkeypatch.setattr(module, "own_jitter", lambda client: client)
        monkeypatch.setattr(module, "_who", lambda *_, **__: arn)
        aws: Any = type("Session", (), {"client": lambda *_, **__: connection.s3})()
        return connect("test", "study", aws=aws, **terms)

    return made


def test_the_steward_is_known_by_the_role_and_by_name(log_in: Any) -> None:
    arn = f"arn:aws:sts::123456789012:assumed-role/{ROLE}/Alice@example.com"
    for terms in ({}, {"steward": True}):
        found = log_in(arn, **terms)
        assert (found.steward, found.user) == (True, "alice")
    assert not log_in(arn, user="bob").steward, "nobody asked"


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sts::123456789012:assumed-role/starburst-test-analyst-study/alice",
        f"arn:aws:sts::123456789012:assumed-role/{ROLE}x/alice",
        f"arn:aws:sts::999999999999:assumed-role/{ROLE}/alice",
        f"arn:aws:iam::123456789012:user/{ROLE}",
        f"arn:aws:sts::123456789012:federated-user/{ROLE}",
    ],
)
def test_another_login_is_refused_before_anything_is_done(arn: str, log_in: Any) -> None:
    with pytest.raises(AccessDenied, match=f"cannot act as steward of study.*role/{ROLE}"):
        log_in(arn, steward=True)


def test_a_connection_stays_who_it_is(connection: Connection) -> None:
    assert connect(connection) is connection
    with pytest.raises(ConfigurationError, match="not a steward's"):
        connect(connection, steward=True)

"""The doctor tries the key and asks the controller, as a session would, and starts nothing."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection
from starburst.cli.doctor.services import look_at_controller, look_at_key
from tests.runtime.client.failing.alone import left
from tests.runtime.conftest import connection, fleet, sdk
from tests.runtime.fleet import Fleet

__all__ = ["connection", "fleet", "sdk"]  # the fixtures

NOBODY: dict[str, Any] = {
    "scopes": [],
    "sessions": [],
    "workspaces": [],
    "waiting": 0,
    "frozen": None,
}
ONE = {
    "sessions": 1,
    "workers": 3,
    "vcpu": 3,
    "memory_gb": 12,
    "usd_per_hour": 1.5,
    "usd_per_day": 3,
    "usd_per_month": 9,
}


class Refusing:
    """A client that answers every call in one way."""

    def __init__(self, answer: Exception | bytes) -> None:
        self.answer = answer

    def __getattr__(self, _: str) -> Any:
        def call(**__: object) -> Any:
            if isinstance(self.answer, Exception):
                raise self.answer
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(self.answer)}

        return call


def refusal(code: str, said: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": said}}, "Call")


def test_a_key_that_can_be_used_is_used_and_nothing_is_kept(
    connection: Connection, fleet: Fleet
) -> None:
    finding = look_at_key(connection, None)
    assert (finding.sound, finding.check) == (True, "key")
    assert not left(fleet)


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        ("AccessDeniedException", "to the workspace's analyst role"),
        ("DisabledException", "only they can enable the key"),
        ("ExpiredTokenException", "aws sso login --profile study"),
        ("ThrottlingException", "ask again in a minute"),
        ("KMSInternalException", "show this to your platform engineer"),
    ],
)
def test_a_key_that_cannot_be_used_says_what_to_do(
    connection: Connection, code: str, fix: str
) -> None:
    kms: Any = Refusing(refusal(code))
    finding = look_at_key(replace(connection, kms=kms), "study")
    assert not finding.sound
    assert fix in finding.fix


def test_a_controller_that_answers_says_how_much_is_held(
    connection: Connection, fleet: Fleet
) -> None:
    scope = {"scope": "workspace", "name": "study", "allowed": ONE, "used": ONE}
    fleet.held = {**NOBODY, "scopes": [scope]}
    finding = look_at_controller(connection, None)
    assert finding.sound
    assert finding.text == "the controller answers: 1 session of study holds room now"
    assert [request["action"] for request in fleet.requests] == ["totals"]
    assert not left(fleet), "what asked is erased"


def test_a_controller_of_an_earlier_release_answers_too(connection: Connection) -> None:
    finding = look_at_controller(connection, None)
    assert (finding.sound, "earlier release" in finding.text) == (True, True)


def test_a_freeze_is_no_fault_of_this_machine_and_is_said(
    connection: Connection, fleet: Fleet
) -> None:
    fleet.held = {**NOBODY, "frozen": "frozen by ada since 08:00 UTC: a leaked key"}
    finding = look_at_controller(connection, None)
    assert not finding.sound
    assert "by ada" in finding.text
    assert "platform team" in finding.fix


@pytest.mark.parametrize(
    ("answer", "said", "fix"),
    [
        (
            refusal("AccessDeniedException"),
            "who holds what: AWS refused",
            "it names the permission",
        ),
        (refusal("ResourceNotFoundException"), "ResourceNotFoundException", "platform engineer"),
        (b"Task timed out", "the controller failed", "platform engineer"),
    ],
    ids=["forbidden", "not there", "fails"],
)
def test_a_controller_that_does_not_answer_says_what_to_do(
    connection: Connection, answer: Exception | bytes, said: str, fix: str
) -> None:
    functions: Any = Refusing(answer)
    finding = look_at_controller(replace(connection, functions=functions), None)
    assert not finding.sound
    assert said in finding.text
    assert fix in finding.fix


@pytest.mark.parametrize(
    "odd",
    [{}, {"scopes": [{"scope": "person"}]}, {"waiting": "two"}, {"sessions": [{"session": 7}]}],
    ids=str,
)
def test_an_answer_that_cannot_be_read_is_told(
    connection: Connection, fleet: Fleet, odd: dict[str, Any]
) -> None:
    fleet.held = {**NOBODY, **odd} if odd else {"ok": True}
    finding = look_at_controller(connection, None)
    assert not finding.sound
    assert "cannot be read" in finding.text

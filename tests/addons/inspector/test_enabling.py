"""Inspector is switched on once, waited for, and never switched off."""

from __future__ import annotations

import io
import json
import urllib.request
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from tests.controller.world import refused

ACCOUNT = "222233334444"
TYPES = ["ECR", "LAMBDA", "LAMBDA_CODE"]
NAMES = {"EC2": "ec2", "ECR": "ecr", "LAMBDA": "lambda", "LAMBDA_CODE": "lambdaCode"}


@dataclass(kw_only=True)
class Account:
    """Inspector in one account; what is asked for takes effect after some looks."""

    looks: int = 2
    on: set[str] = field(default_factory=set)
    asked: list[list[str]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    raises: Exception | None = None
    now: float = 0

    def enable(self, *, accountIds: list[str], resourceTypes: list[str]) -> dict[str, Any]:
        if self.raises is not None:
            raise self.raises
        assert accountIds == [ACCOUNT]
        self.asked.append(resourceTypes)
        return {"accounts": [], "failedAccounts": self.failed}

    def batch_get_account_status(self, *, accountIds: list[str]) -> dict[str, Any]:
        if self.asked:
            self.looks -= 1
        if self.asked and self.looks <= 0:
            self.on |= {*self.asked[-1]}
        states = {
            name: {"status": "ENABLED" if kind in self.on else "DISABLED"}
            for kind, name in NAMES.items()
        }
        return {"accounts": [{"accountId": accountIds[0], "resourceState": states}]}

    def pause(self, seconds: float) -> None:
        self.now += seconds


def answer(module: ModuleType, account: Account, **fields: Any) -> dict[str, Any]:
    event = {
        "RequestType": "Create",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Enabled",
        "ResourceProperties": {"Account": ACCOUNT, "Types": TYPES},
        **fields,
    }
    enabler = module.Enabler(inspector=account, clock=lambda: account.now, pause=account.pause)
    return module.answered(event, enabler, until=60)


def test_what_is_off_is_switched_on_and_waited_for(enabling_module: ModuleType) -> None:
    account = Account(on={"ECR"}, looks=3)
    said = answer(enabling_module, account)
    assert (said["Status"], said["Data"]) == ("SUCCESS", {"Added": "LAMBDA,LAMBDA_CODE"})
    assert account.asked == [["LAMBDA", "LAMBDA_CODE"]]
    assert account.now > 0


def test_what_is_on_is_left_alone(enabling_module: ModuleType) -> None:
    account = Account(on={*TYPES, "EC2"})
    again = answer(enabling_module, account, RequestType="Update", PhysicalResourceId="mine")
    assert (again["Status"], again["PhysicalResourceId"]) == ("SUCCESS", "mine")
    assert account.asked == []


def test_a_deletion_switches_nothing_off(enabling_module: ModuleType) -> None:
    account = Account(raises=AssertionError("it was asked"))
    said = answer(enabling_module, account, RequestType="Delete", PhysicalResourceId="mine")
    assert said["Status"] == "SUCCESS"
    assert account.asked == []


@pytest.mark.parametrize("code", ["ALREADY_ENABLED", "ENABLE_IN_PROGRESS"])
def test_who_asked_at_the_same_time_is_waited_for(enabling_module: ModuleType, code: str) -> None:
    account = Account(failed=[{"errorCode": code, "errorMessage": "…"}])
    assert answer(enabling_module, account)["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (
            Account(failed=[{"errorCode": "BLOCKED_BY_ORGANIZATION_POLICY", "errorMessage": "no"}]),
            "BLOCKED_BY_ORGANIZATION_POLICY",
        ),
        (Account(looks=1_000), "is not on for ECR, LAMBDA, LAMBDA_CODE"),
        (Account(raises=refused("AccessDeniedException")), "create-service-linked-role"),
        (Account(raises=refused("ThrottlingException")), "log"),
    ],
)
def test_what_fails_is_told_to_cloudformation(
    enabling_module: ModuleType, account: Account, words: str
) -> None:
    said = answer(enabling_module, account)
    assert said["Status"] == "FAILED"
    assert words in said["Reason"]


def test_a_type_that_inspector_does_not_know_is_refused(enabling_module: ModuleType) -> None:
    properties = {"Account": ACCOUNT, "Types": ["EVERYTHING"]}
    said = answer(enabling_module, Account(), ResourceProperties=properties)
    assert said["Status"] == "FAILED"
    assert "EVERYTHING" in said["Reason"]


def test_cloudformation_is_answered_by_the_address_that_it_gave(
    enabling_module: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    sent: list[urllib.request.Request] = []

    def opened(request: urllib.request.Request, **_: Any) -> io.BytesIO:
        sent.append(request)
        return io.BytesIO()

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 60_000

    monkeypatch.setattr(enabling_module.urllib.request, "urlopen", opened)
    monkeypatch.setattr(enabling_module.boto3, "client", lambda *_, **__: Account(on={*TYPES}))
    url = "https://example.com/answer?signature=secret"
    event = {
        **{"RequestType": "Create", "ResponseURL": url, "StackId": "s", "RequestId": "r"},
        "ResourceProperties": {"Account": ACCOUNT, "Types": TYPES},
    }
    enabling_module.handle(event, Context())
    [request] = sent
    assert (request.full_url, request.get_method()) == (url, "PUT")
    assert not request.get_header("Content-type")
    assert isinstance(request.data, bytes)
    assert json.loads(request.data)["Status"] == "SUCCESS"
    assert "secret" not in capsys.readouterr().out

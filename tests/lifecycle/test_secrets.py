"""Secrets that no worker could start with are refused before anything is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy.lifecycle.account import LifecycleError
from deploy.lifecycle.checks.secrets import refuse_secrets
from environments import DEV
from stacks.settings import Environment, Secret

BASE = f"arn:aws:secretsmanager:{DEV.region}:{DEV.account}:secret:"
WHOLE = f"{BASE}portal-token1-a1B2c3"
PARTIAL = f"{BASE}portal-token1"
KEY = f"arn:aws:kms:{DEV.region}:{DEV.account}:key/0a1b2c3d-0000-1111-2222-333344445555"
OTHER = KEY.replace("0a1b2c3d", "ffffffff")


class Manager:
    """Secrets Manager: a secret goes by its whole ARN and by its name, and never by a part of it.

    AWS says so of a name that ends in a hyphen and six characters:
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    """

    def __init__(self, *, lenient: bool = False, refused: str = "", **more: Any) -> None:
        self._lenient, self._refused, self._more = lenient, refused, more
        self.asked: list[str] = []

    def describe_secret(self, *, SecretId: str) -> Mapping[str, Any]:
        self.asked.append(SecretId)
        known = {WHOLE, "portal-token1", *([PARTIAL] if self._lenient else [])}
        code = self._refused or ("" if SecretId in known else "ResourceNotFoundException")
        if code:
            raise ClientError({"Error": {"Code": code, "Message": code}}, "DescribeSecret")
        return {"ARN": WHOLE, "Name": "portal-token1", **self._more}


def environment(arn: str, key: str | None = None) -> Environment:
    secret = Secret(variable="PORTAL_TOKEN", arn=arn, key_arn=key)
    first, *others = DEV.workspaces
    return replace(DEV, workspaces=(replace(first, secrets=(secret,)), *others))


def looked(of: Environment, manager: Manager) -> list[str]:
    """Return what is said."""
    said: list[str] = []
    refuse_secrets(of, lambda service: {"secretsmanager": manager}[service], said.append)
    return said


@pytest.mark.parametrize("lenient", [False, True])
def test_an_arn_that_only_looks_whole_is_refused_with_the_one_that_is(lenient: bool) -> None:
    with pytest.raises(LifecycleError, match=WHOLE) as refusal:
        looked(environment(PARTIAL), Manager(lenient=lenient))
    assert "nothing was done" in str(refusal.value)
    assert looked(environment(WHOLE), Manager()) == []


def test_a_secret_that_is_not_there_is_refused() -> None:
    with pytest.raises(LifecycleError, match="does not exist"):
        looked(environment(f"{BASE}other-a1B2c3"), Manager())


@pytest.mark.parametrize(
    ("key", "more", "said"),
    [
        (None, {"DeletedDate": 1.0}, "scheduled for deletion"),
        (None, {"KmsKeyId": KEY}, "key_arn does not say so"),
        (KEY, {"KmsKeyId": OTHER}, "and not by"),
        (KEY, {}, "encrypted by aws/secretsmanager, and not by"),
    ],
)
def test_a_secret_that_would_not_open_is_refused(key: Any, more: Any, said: str) -> None:
    with pytest.raises(LifecycleError, match=said):
        looked(environment(WHOLE, key), Manager(**more))


@pytest.mark.parametrize(
    ("key", "more"),
    [
        (None, {"KmsKeyId": "alias/aws/secretsmanager"}),
        (KEY, {"KmsKeyId": KEY}),
        (KEY, {"KmsKeyId": KEY.rpartition("/")[2]}),
        (KEY, {"KmsKeyId": "alias/portal"}),
    ],
)
def test_a_secret_that_opens_is_let_through(key: Any, more: Any) -> None:
    assert looked(environment(WHOLE, key), Manager(**more)) == []


def test_who_may_not_look_is_told_and_deploys() -> None:
    [said] = looked(environment(PARTIAL), Manager(refused="AccessDeniedException"))
    assert "was not looked at" in said
    with pytest.raises(ClientError):
        looked(environment(PARTIAL), Manager(refused="InternalServiceError"))


def test_without_secrets_nothing_is_asked() -> None:
    refuse_secrets(DEV, lambda service: pytest.fail(f"{service} was asked"), pytest.fail)

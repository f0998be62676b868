"""On the way that IAM Identity Center leads, a person keeps the name that it gave them.

The emulator has no Identity Center: its roles are made here by hand, as it would name them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from starburst.local import LocalEnvironment
from starburst.local.emulator import ACCOUNT
from starburst_constructs.identity.identity_center import (
    center_conditions,
    permission_set_document,
    permission_set_name,
)
from starburst_constructs.identity.roles import analyst_conditions

REGION = "eu-central-1"
NAME = permission_set_name("dev", "analyst", "sandbox")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/sandbox-analyst"
PATH = f"/aws-reserved/sso.amazonaws.com/{REGION}/"
SUFFIX = "0123456789abcdef"


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


@pytest.fixture
def come(deployed: LocalEnvironment) -> Iterator[Callable[..., Any]]:
    """Return what becomes the analyst's role, from a role of a path and a name, as somebody."""
    root = deployed.root_session()
    iam, sts = deployed.client(root, "iam"), deployed.client(root, "sts")
    conditions = {
        **analyst_conditions(),
        **center_conditions(NAME, account=ACCOUNT, region=REGION, tags=True),
    }
    account = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    trust = {"Principal": account, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    made = [ROLE.rpartition("/")[2]]
    iam.create_role(
        RoleName=made[0], AssumeRolePolicyDocument=document(**trust, Condition=conditions)
    )

    def named(user: str | None) -> list[dict[str, str]]:
        return [] if user is None else [{"Key": "userName", "Value": user}]

    def become(
        *, given: str | None, asked: str | None, path: str = PATH, name: str = f"{NAME}_{SUFFIX}"
    ) -> str:
        role = f"AWSReservedSSO_{name}"
        if role not in made:
            iam.create_role(Path=path, RoleName=role, AssumeRolePolicyDocument=document(**trust))
            iam.put_role_policy(
                RoleName=role,
                PolicyName="AwsSSOInlinePolicy",
                PolicyDocument=json.dumps(permission_set_document(ROLE, tags=True)),
            )
            made.append(role)
        arn = f"arn:aws:iam::{ACCOUNT}:role{path}{role}"
        keys = sts.assume_role(RoleArn=arn, RoleSessionName="login", Tags=named(given))
        own = boto3.Session(
            keys["Credentials"]["AccessKeyId"],
            keys["Credentials"]["SecretAccessKey"],
            keys["Credentials"]["SessionToken"],
            region_name=deployed.region,
        )
        try:
            found = deployed.client(own, "sts").assume_role(
                RoleArn=ROLE, RoleSessionName=asked or "nobody", Tags=named(asked)
            )
        except ClientError as error:
            return error.response["Error"]["Code"]
        return found["AssumedRoleUser"]["Arn"].rpartition("/")[2]

    yield become
    for role in made[1:]:
        iam.delete_role_policy(RoleName=role, PolicyName="AwsSSOInlinePolicy")
    for role in made:
        iam.delete_role(RoleName=role)


def test_a_person_comes_under_the_name_that_they_were_given(come: Callable[..., str]) -> None:
    assert come(given="alice", asked="alice") == "alice"


@pytest.mark.parametrize(
    "wrong",
    [
        {"given": "alice", "asked": "bob"},
        {"given": "alice", "asked": None},
        {"given": None, "asked": "alice"},
        {"given": "alice@example.com", "asked": "alice@example.com"},
        {"given": "alice", "asked": "alice", "path": "/"},
        {"given": "alice", "asked": "alice", "path": "/aws-reserved/sso.amazonaws.com/eu-west-1/"},
        {"given": "alice", "asked": "alice", "name": f"{NAME}_more_{SUFFIX}"},
        {"given": "alice", "asked": "alice", "name": f"other_{SUFFIX}"},
    ],
    ids=[
        "another's name",
        "no name",
        "a name that nobody gave",
        "an e-mail address",
        "a role made in the account",
        "an Identity Center elsewhere",
        "a longer permission set",
        "another permission set",
    ],
)
def test_nobody_comes_otherwise(come: Callable[..., str], wrong: dict[str, Any]) -> None:
    assert come(**wrong) == "AccessDenied"

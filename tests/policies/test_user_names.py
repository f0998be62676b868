"""The trust of an analyst role admits one tag, ``userName``, and only one plain word in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

import app
import environments
from stacks.settings import MfaUsers
from starburst.contract import PRINCIPAL_NAME
from starburst_constructs.identity.roles import analyst_conditions, mfa_conditions
from tests.some import some

TAG = "aws:RequestTag/userName"


@pytest.fixture
def admits(matches: Callable[[str, str], bool]) -> Callable[[str], bool]:
    conditions = analyst_conditions()
    wanted = conditions["StringLike"][TAG]
    refused = conditions["StringNotLike"][TAG]
    return lambda name: matches(wanted, name) and not any(matches(one, name) for one in refused)


@pytest.mark.parametrize("name", ["abc", "alice", "a1b2", "x" * 32])
def test_a_user_name_is_admitted(admits: Callable[[str], bool], name: str) -> None:
    assert PRINCIPAL_NAME.fullmatch(name)
    assert admits(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "x" * 33,
        "bob/secret",
        "../bob",
        "bob secret",
        "bob-",
        "a_b",
        "a.b",
        "a:b",
        "a=b",
        "a+b",
        "alice@example.com",
    ],
)
def test_anything_that_could_reach_elsewhere_is_refused(
    admits: Callable[[str], bool], name: str
) -> None:
    assert not admits(name)


def test_presence_is_asked_for_beside_the_set_of_keys() -> None:
    conditions = analyst_conditions()
    assert conditions["Null"] == {TAG: "false"}
    assert conditions["ForAllValues:StringEquals"] == {"aws:TagKeys": ["userName"]}


def test_iam_users_need_a_second_factor_and_can_only_be_themselves() -> None:
    assert mfa_conditions(tags=True) == {
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "StringEquals": {TAG: "${aws:username}"},
    }
    assert mfa_conditions(tags=False) == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def test_the_trust_of_mfa_users_keeps_what_every_analyst_trust_asks_for() -> None:
    environment = dataclasses.replace(environments.DEV, identity=MfaUsers(account="444455556666"))
    synthesized = app.build([environment], validate=False).synth()
    stack = next(s for s in synthesized.stacks_recursively if s.hierarchical_id == "dev/access")
    trusts = [
        statement
        for resource in stack.template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role" and "analyst" in resource["Properties"]["RoleName"]
        for statement in resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    ]
    assert trusts
    for statement in trusts:
        conditions = statement["Condition"]
        assert conditions["Bool"] == {"aws:MultiFactorAuthPresent": "true"}
        assert conditions["StringEquals"] == {TAG: "${aws:username}"}
        for operator, wanted in some(analyst_conditions().items()):
            assert conditions[operator] == wanted

"""The boundary caps every role, and caps none below what its own policies grant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from environments import ALL
from starburst_constructs.naming import boundary_name
from starburst_constructs.placement import Placement
from starburst_constructs.policies.boundary import IDENTITY_CHANGES, boundary_statements
from tests.some import some

ENVIRONMENTS = [each.name for each in ALL]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(statements: Any, *, effect: str) -> Iterator[str]:
    for statement in statements:
        if statement["Effect"] == effect:
            yield from as_list(statement.get("Action", []))


def policies(template: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            properties = resource["Properties"]
            yield properties.get("ManagedPolicyName", ""), properties["PolicyDocument"]


@pytest.fixture(scope="module")
def statements(documents: Callable[..., list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    found = documents(
        boundary_statements(
            "prod",
            placement=Placement(account="222233334444", region="eu-west-1"),
            regions=("eu-west-1", "eu-central-1"),
        )
    )
    return {statement["Sid"]: statement for statement in found}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_policy_grants_what_the_boundary_would_silently_take(
    templates: Mapping[str, Any], environment: str
) -> None:
    every = [
        (name, document)
        for stack, template in templates.items()
        if stack.startswith(f"{environment}/")
        for name, document in policies(template)
    ]
    (boundary,) = (document for name, document in every if name == boundary_name(environment))
    capped = set(actions(boundary["Statement"], effect="Allow"))
    granted = {
        action
        for name, document in every
        if name != boundary_name(environment)
        for action in actions(document["Statement"], effect="Allow")
    }
    assert granted
    assert not granted - capped


def test_no_role_may_change_an_identity(statements: Mapping[str, Any]) -> None:
    assert {"iam:TagRole", "iam:UntagRole", "iam:CreateRole"} <= set(IDENTITY_CHANGES)
    denied = statements["NoIdentityChange"]
    assert denied["Effect"] == "Deny"
    assert denied["Resource"] == "*"
    assert set(denied["Action"]) == set(IDENTITY_CHANGES)
    allowed = set(actions(statements.values(), effect="Allow"))
    assert {action for action in allowed if action.startswith("iam:")} == {"iam:PassRole"}


def test_data_stays_in_the_account_and_in_its_regions(statements: Mapping[str, Any]) -> None:
    assert statements["OwnObjects"]["Condition"] == {
        "StringEquals": {"aws:ResourceAccount": "222233334444"}
    }
    region = statements["NoOtherRegion"]
    assert region["Effect"] == "Deny"
    assert region["Condition"] == {
        "Null": {"aws:RequestedRegion": "false"},
        "StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]},
    }
    for sid, statement in statements.items():
        if statement["Effect"] == "Allow" and sid not in ("OwnObjects", "Account"):
            assert all(":222233334444:" in one for one in some(as_list(statement["Resource"]))), sid


def test_no_action_is_a_whole_service(statements: Mapping[str, Any]) -> None:
    assert not [one for one in some(actions(statements.values(), effect="Allow")) if "*" in one]


def test_nobody_opens_a_shell(statements: Mapping[str, Any]) -> None:
    assert statements["NoShell"]["Action"] == "ecs:ExecuteCommand"
    assert statements["NoShellLater"]["Condition"] == {
        "StringEquals": {"ecs:enable-execute-command": "true"}
    }

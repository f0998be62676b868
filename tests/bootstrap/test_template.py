"""The bootstrap's template is the installed CLI's, but for what is narrowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.bootstrap.template import TemplateError, installed, narrowed
from starburst_assurance.bootstrap.usage import Usage
from tests.bootstrap.conftest import deployer_for

DEPLOYER = deployer_for("prod", Usage())
CHANGED = {
    "Parameters/BootstrapVariant/Default",
    "Resources/CloudFormationExecutionRole/Properties/ManagedPolicyArns/Fn::If/2/Fn::If",
    "Resources/CloudFormationExecutionRole/Properties/ManagedPolicyArns/Fn::If/2/Ref",
    "Resources/DeploymentActionRole/Properties/ManagedPolicyArns",
    "Resources/DeploymentActionRole/Properties/Policies/0/PolicyDocument/Statement",
    "Resources/FilePublishingRoleDefaultPolicy/Properties/PolicyDocument/Statement/0/Action",
    "Resources/ImagePublishingRoleDefaultPolicy",
    "Resources/LookupRole/Properties/ManagedPolicyArns",
    "Resources/LookupRole/Properties/Policies/0/PolicyDocument/Statement",
}
"""Where the two differ, and nowhere else."""


def differing(one: Any, other: Any, path: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {*one, *other}:
            yield from differing(one.get(key), other.get(key), f"{path}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differing(left, right, f"{path}/{index}")
    elif one != other:
        yield path.removeprefix("/")


@pytest.fixture(scope="module")
def before() -> dict[str, Any]:
    return installed()


@pytest.fixture(scope="module")
def after(before: dict[str, Any]) -> dict[str, Any]:
    return narrowed(before, DEPLOYER)


def granted(template: dict[str, Any], role: str) -> list[tuple[str, Any, str]]:
    """Action, resource and sid of each Allow of a role's own policies."""
    properties = template["Resources"][role]["Properties"]
    documents = [one["PolicyDocument"] for one in properties.get("Policies", ())]
    documents += [
        one["Properties"]["PolicyDocument"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::IAM::Policy" and {"Ref": role} in one["Properties"]["Roles"]
    ]
    return [
        (action, statement["Resource"], statement.get("Sid", ""))
        for document in documents
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    ]


def test_nothing_else_is_changed(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert set(differing(before, after)) == CHANGED
    assert before == installed(), "the template that was given is left as it was"


def test_a_change_beside_would_be_seen(before: dict[str, Any], after: dict[str, Any]) -> None:
    wider = {**after, "Outputs": {}}
    assert set(differing(before, wider)) != CHANGED


def test_no_role_has_a_policy_of_aws(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert "iam::aws:policy" in str(before["Resources"])
    assert "iam::aws:policy" not in str(after["Resources"])


@pytest.mark.parametrize(
    "role",
    ["DeploymentActionRole", "LookupRole", "FilePublishingRole", "ImagePublishingRole"],
)
def test_no_role_reaches_the_whole_account(
    before: dict[str, Any], after: dict[str, Any], role: str
) -> None:
    assert not [one for one in granted(after, role) if one[1] == "*"]
    if role == "DeploymentActionRole":
        assert [one for one in granted(before, role) if one[1] == "*"]


def test_who_deploys_still_can(after: dict[str, Any]) -> None:
    actions = {action for action, _, _ in granted(after, "DeploymentActionRole")}
    assert {
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteStack",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:GetTemplate",
        "iam:PassRole",
        "ssm:GetParameter",
    } <= actions
    assert not {one for one in actions if one.startswith("kms:")}


def test_a_template_of_another_make_is_refused(before: dict[str, Any], tmp_path: Path) -> None:
    other = {**before, "Resources": {}}
    with pytest.raises(TemplateError, match="has no 'CloudFormationExecutionRole'"):
        narrowed(other, DEPLOYER)
    with pytest.raises(TemplateError, match="run `make setup`"):
        installed(tmp_path)

"""What theorems take for the bootstrap's roles is what its template makes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from deploy.bootstrap.template import installed, narrowed
from starburst_assurance.bootstrap.toolkit import JOBS, toolkit_roles
from starburst_assurance.bootstrap.usage import Usage
from tests.bootstrap.conftest import REGION, deployer_for

DEPLOYER = deployer_for("prod", Usage())
TEMPLATE = narrowed(installed(), DEPLOYER)
LOGICAL: Mapping[str, str] = dict(
    zip(
        JOBS,
        (
            "DeploymentActionRole",
            "FilePublishingRole",
            "ImagePublishingRole",
            "LookupRole",
            "CloudFormationExecutionRole",
        ),
        strict=True,
    )
)
ASSETS = f"arn:aws:s3:::cdk-hnb659fds-assets-{DEPLOYER.account}-{REGION}"
VALUES = {
    "AWS::AccountId": DEPLOYER.account,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "CdkBootstrapVersion": "/cdk-bootstrap/hnb659fds/version",
    "CloudFormationExecutionRole.Arn": DEPLOYER.arn,
    "Qualifier": "hnb659fds",
    "StagingBucket.Arn": ASSETS,
}
HOLDS = {"ShouldDenyExternalId"}
"""Conditions that hold by the parameters' defaults."""

KEY = "kms:"
"""The CLI asks for AWS's own key for the staging bucket, and the policy then names none."""


def resolved(value: Any) -> Any:
    if isinstance(value, list):
        return [one for one in map(resolved, value) if one is not None]
    if not isinstance(value, Mapping):
        return value
    if "Fn::If" in value:
        condition, yes, no = value["Fn::If"]
        return resolved(yes if condition in HOLDS else no)
    if "Ref" in value:
        return VALUES.get(value["Ref"])
    if "Fn::Sub" in value:
        return re.sub(r"\$\{([^}]+)\}", lambda found: VALUES.get(found[1], "?"), value["Fn::Sub"])
    return {key: one for key, each in value.items() if (one := resolved(each)) is not None}


def plain(document: Any) -> list[Any]:
    """Statements as they are compared: lists where one thing may stand alone, without names."""
    found: list[Any] = []
    for statement in resolved(document)["Statement"]:
        made = {key: value for key, value in statement.items() if key != "Sid"}
        for key in ("Action", "Resource"):
            if key in made and isinstance(made[key], str):
                made[key] = [made[key]]
        if not any(action.startswith(KEY) for action in made["Action"]) or made["Effect"] == "Deny":
            found.append(made)
    return found


def made(template: Mapping[str, Any], job: str) -> tuple[list[Any], list[list[Any]]]:
    properties = template["Resources"][LOGICAL[job]]["Properties"]
    documents = [one["PolicyDocument"] for one in properties.get("Policies", ())]
    documents += [
        one["Properties"]["PolicyDocument"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::IAM::Policy" and {"Ref": LOGICAL[job]} in one["Properties"]["Roles"]
    ]
    return plain(properties["AssumeRolePolicyDocument"]), [plain(one) for one in documents]


@pytest.mark.parametrize("role", toolkit_roles(DEPLOYER), ids=lambda one: one.job)
def test_a_role_is_what_the_template_makes(role: Any) -> None:
    name = TEMPLATE["Resources"][LOGICAL[role.job]]["Properties"]["RoleName"]
    assert role.arn == f"arn:aws:iam::{DEPLOYER.account}:role/{resolved(name)}"
    trust, policies = made(TEMPLATE, role.job)
    assert plain(role.trust) == trust
    assert [plain(one) for one in role.policies] == policies


def test_the_template_of_the_cli_itself_is_another() -> None:
    by_job = {role.job: role for role in toolkit_roles(DEPLOYER)}
    _, policies = made(installed(), "deploy")
    assert [plain(one) for one in by_job["deploy"].policies] != policies

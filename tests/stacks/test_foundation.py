"""Keys rotate and serve named callers only; the boundary is ours or the organization's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from environments import ALL, DEV
from tests.some import some
from tests.stacks.reading import Template, named, only, resources, statement

Templates = dict[str, Template]
ORGANIZATION = "arn:aws:iam::444455556666:policy/organization-boundary"


@pytest.fixture(params=ALL, ids=lambda each: each.name)
def environment(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def foundation(templates: Templates, environment: Any) -> Template:
    return templates[f"{environment.name}/foundation"]


def test_keys_rotate_and_take_thirty_days_to_go(foundation: Template) -> None:
    keys = resources(foundation, "AWS::KMS::Key")
    assert len(keys) == 2
    for key in keys.values():
        assert key["Properties"]["EnableKeyRotation"] is True
        assert key["Properties"]["PendingWindowInDays"] == 30


def test_nobody_but_a_service_makes_grants(foundation: Template) -> None:
    for key in some(resources(foundation, "AWS::KMS::Key").values()):
        deny = statement(key["Properties"]["KeyPolicy"], "DenyGrantsOutsideAwsServices")
        assert deny["Effect"] == "Deny"
        assert deny["Principal"] == {"AWS": "*"}
        assert deny["Action"] == "kms:CreateGrant"
        assert deny["Condition"] == {
            "BoolIfExists": {
                "kms:GrantIsForAWSResource": "false",
                "aws:PrincipalIsAWSService": "false",
            }
        }


def test_fargate_uses_the_data_key_for_our_cluster_only(
    foundation: Template, environment: Any
) -> None:
    policy = named(foundation, "AWS::KMS::Key", "DataKey")["KeyPolicy"]
    for sid in ("FargateScratchDataKeys", "FargateScratchGrants"):
        assert statement(policy, sid)["Condition"]["StringEquals"] == {
            "kms:EncryptionContext:aws:ecs:clusterAccount": environment.account,
            "kms:EncryptionContext:aws:ecs:clusterName": f"starburst-{environment.name}",
        }
    grants = statement(policy, "FargateScratchGrants")
    assert grants["Condition"]["ForAllValues:StringEquals"] == {
        "kms:GrantOperations": ["Decrypt"]
    } or grants["Condition"]["ForAllValues:StringEquals"] == {"kms:GrantOperations": "Decrypt"}
    assert grants["Condition"]["Null"] == {"kms:GrantOperations": "false"}


def test_cloudwatch_logs_uses_the_logs_key_for_our_groups_only(
    foundation: Template, environment: Any
) -> None:
    policy = named(foundation, "AWS::KMS::Key", "LogsKey")["KeyPolicy"]
    logs = statement(policy, "CloudWatchLogs")
    assert logs["Principal"] == {"Service": f"logs.{environment.region}.amazonaws.com"}
    assert logs["Condition"] == {
        "ArnLike": {
            "kms:EncryptionContext:aws:logs:arn": (
                f"arn:aws:logs:{environment.region}:{environment.account}:log-group:*"
            )
        }
    }


def test_the_logs_key_opens_for_who_writes_under_it(foundation: Template) -> None:
    """CloudTrail decrypts as well: its bucket has a key of its own."""
    policy = named(foundation, "AWS::KMS::Key", "LogsKey")["KeyPolicy"]
    services = {
        each["Principal"]["Service"].partition(".")[0]: each["Action"]
        for each in policy["Statement"]
        if "Service" in each.get("Principal", {})
    }
    assert set(services) == {"budgets", "cloudtrail", "cloudwatch", "events", "logs"}
    assert services["cloudtrail"] == ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"]


def test_key_policies_name_no_other_account(foundation: Template, environment: Any) -> None:
    for key in some(resources(foundation, "AWS::KMS::Key").values()):
        callers = {
            each["Principal"]["AWS"]
            for each in key["Properties"]["KeyPolicy"]["Statement"]
            if each["Effect"] == "Allow" and "AWS" in each["Principal"]
        }
        assert callers == {f"arn:aws:iam::{environment.account}:root"}


def test_the_boundary_has_the_name_that_roles_use(foundation: Template, environment: Any) -> None:
    boundary = only(foundation, "AWS::IAM::ManagedPolicy")
    assert boundary["ManagedPolicyName"] == f"starburst-{environment.name}-boundary"
    assert (boundary["Description"], boundary["Path"]) == ("", "/"), "neither can ever change"


def test_an_organizations_boundary_replaces_ours(tmp_path: Path) -> None:
    dev = replace(DEV, permissions_boundary=ORGANIZATION)
    assembly = app.build([dev], outdir=str(tmp_path), validate=False).synth()
    found = {stack.hierarchical_id: stack.template for stack in assembly.stacks_recursively}
    assert resources(found["dev/foundation"], "AWS::IAM::ManagedPolicy") == {}
    roles = [
        role
        for template in found.values()
        for role in resources(template, "AWS::IAM::Role").values()
    ]
    assert roles
    for role in roles:
        assert role["Properties"]["PermissionsBoundary"] == ORGANIZATION

"""What holds of every role and every policy of every environment, as synthesized."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
import pytest

from environments import ALL
from starburst_assurance.templates.deputies import ACCEPTED, open_deputies
from tests.some import some

Template = Mapping[str, Any]

# IAM actions that are no operation of the same name.
PERMISSION_ONLY = {
    "iam:PassRole",
    "lambda:InvokeFunction",
    "logs:Unmask",
    "s3:DeleteObjectVersion",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:ListMultipartUploadParts",
    "sts:TagSession",
}


def resources(templates: Mapping[str, Template], of: str) -> Iterator[tuple[str, str, Any]]:
    for name, template in templates.items():
        for logical_id, resource in template["Resources"].items():
            if resource["Type"] == of:
                yield name, logical_id, resource["Properties"]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_every_role_carries_the_boundary(templates: Mapping[str, Template]) -> None:
    roles = list(resources(templates, "AWS::IAM::Role"))
    assert roles
    for name, logical_id, role in roles:
        assert "-boundary" in json.dumps(role["PermissionsBoundary"]), (name, logical_id)


def test_no_role_has_an_inline_policy(templates: Mapping[str, Template]) -> None:
    assert not list(resources(templates, "AWS::IAM::Policy"))
    assert not [
        (name, logical_id)
        for name, logical_id, role in resources(templates, "AWS::IAM::Role")
        if role.get("Policies")
    ]


def test_worker_roles_say_what_and_whose_they_are(templates: Mapping[str, Template]) -> None:
    workers = [
        (name.partition("/")[0], {tag["Key"]: tag["Value"] for tag in role["Tags"]})
        for name, _, role in resources(templates, "AWS::IAM::Role")
        if "-worker-" in str(role.get("RoleName"))
    ]
    assert sorted((where, tags["starburst-workspace"]) for where, tags in workers) == sorted(
        (environment.name, workspace.name)
        for environment in ALL
        for workspace in environment.workspaces
    )
    assert {tags["starburst:role"] for _, tags in workers} == {"worker"}


def test_people_sign_in_anew_each_working_day(templates: Mapping[str, Template]) -> None:
    people = some(
        (name, role)
        for name, _, role in resources(templates, "AWS::IAM::Role")
        if re.search("-(analyst|platform)", str(role.get("RoleName")))
    )
    for name, role in people:
        assert role["MaxSessionDuration"] == 8 * 3600, (name, role["RoleName"])


@pytest.mark.parametrize(
    "action",
    ["ecs:RunTask", "iam:PassRole", "sqs:CreateQueue", "sqs:DeleteQueue", "ecs:StopTask"],
)
def test_only_the_controller_may(templates: Mapping[str, Template], action: str) -> None:
    holders = {
        logical_id
        for _, logical_id, policy in resources(templates, "AWS::IAM::ManagedPolicy")
        if policy.get("ManagedPolicyName", "").endswith("-boundary") is False
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and action in as_list(statement.get("Action", []))
    }
    assert holders
    assert all(holder.startswith("Controller") for holder in holders), holders


def passed_to(service: str) -> dict[str, Any]:
    return {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}


def test_the_controller_passes_each_worker_and_launch_role_once(
    templates: Mapping[str, Template],
) -> None:
    """To ECS, and to nobody else but the one role that opens endpoints."""
    passed = [
        (name.partition("/")[0], statement["Condition"], role)
        for name, _, policy in resources(templates, "AWS::IAM::ManagedPolicy")
        if not str(policy.get("ManagedPolicyName")).endswith("-boundary")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and "iam:PassRole" in as_list(statement["Action"])
        for role in as_list(statement["Resource"])
    ]
    run = [
        (name.partition("/")[0], passed_to("ecs-tasks"), {"Fn::GetAtt": [logical_id, "Arn"]})
        for name, logical_id, role in resources(templates, "AWS::IAM::Role")
        if re.search("-(worker|launch)-", str(role.get("RoleName")))
    ]
    opening = [
        (
            each.name,
            passed_to("cloudformation"),
            f"arn:aws:iam::{each.account}:role/starburst-{each.name}-endpoints",
        )
        for each in ALL
        if each.network.while_bursting
    ]
    assert {environment for environment, *_ in run} == {each.name for each in ALL}
    assert sorted(map(str, passed)) == sorted(map(str, run + opening))


def test_policies_fit_into_what_iam_stores(templates: Mapping[str, Template]) -> None:
    for name, logical_id, policy in some(resources(templates, "AWS::IAM::ManagedPolicy")):
        text = json.dumps(policy["PolicyDocument"], separators=(",", ":"))
        assert len(text) <= 6144, (name, logical_id, len(text))
    for name, logical_id, role in some(resources(templates, "AWS::IAM::Role")):
        text = json.dumps(role["AssumeRolePolicyDocument"], separators=(",", ":"))
        assert len(text) <= 2048, (name, logical_id, len(text))
        assert len(str(role.get("RoleName", ""))) <= 64


def test_every_action_exists(templates: Mapping[str, Template]) -> None:
    actions = {
        action
        for _, _, policy in resources(templates, "AWS::IAM::ManagedPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        for action in as_list(statement.get("Action", []))
        if "*" not in action
    }
    session = botocore.session.Session()
    known: dict[str, set[str]] = {}
    for action in sorted(actions - PERMISSION_ONLY):
        service, operation = action.split(":")
        if service not in known:
            known[service] = set(session.get_service_model(service).operation_names)
        assert operation in known[service], action


def test_every_service_grant_says_for_whom(templates: Mapping[str, Template]) -> None:
    found = {
        f"{name}: {one}" for name, template in templates.items() for one in open_deputies(template)
    }
    assert not found


@pytest.mark.parametrize(
    ("resource_type", "properties"),
    [
        (
            "AWS::SNS::TopicPolicy",
            {
                "PolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": ["budgets.amazonaws.com"]},
                            "Action": "sns:Publish",
                        }
                    ]
                }
            },
        ),
        ("AWS::Lambda::Permission", {"Principal": "events.amazonaws.com"}),
        # Accepted where it binds what CloudFormation sends; and the second of two services.
        *(
            (
                "AWS::IAM::Role",
                {
                    "AssumeRolePolicyDocument": {
                        "Statement": [{"Effect": "Allow", "Principal": {"Service": services}}]
                    }
                },
            )
            for services in (
                "cloudformation.amazonaws.com",
                ["ec2.amazonaws.com", "glue.amazonaws.com"],
            )
        ),
        (
            "AWS::KMS::Key",
            {
                "KeyPolicy": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "logs.eu-west-1.amazonaws.com"},
                            "Condition": {"Bool": {"aws:SecureTransport": "true"}},
                        }
                    ]
                }
            },
        ),
    ],
)
def test_an_open_service_grant_is_found(resource_type: str, properties: dict[str, Any]) -> None:
    template = {"Resources": {"Open": {"Type": resource_type, "Properties": properties}}}
    assert [one.logical_id for one in open_deputies(template)] == ["Open"]


def test_each_accepted_service_says_why() -> None:
    assert all(len(one.reason) > 40 for one in ACCEPTED)


def test_the_platform_team_pushes_images_to_its_own_repository(
    templates: Mapping[str, Template],
) -> None:
    pushing = [
        statement
        for name, logical_id, policy in resources(templates, "AWS::IAM::ManagedPolicy")
        if name == "prod/access" and logical_id.startswith("PlatformOperation")
        for statement in policy["PolicyDocument"]["Statement"]
        if "ecr:PutImage" in as_list(statement["Action"])
    ]
    assert len(pushing) == 1
    assert "prod-registry:ExportsOutputFnGetAttWorker" in json.dumps(pushing[0]["Resource"])

"""The policies are within what IAM takes, and on the environment's names where AWS has names."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from environments import ALL
from starburst_assurance.bootstrap.documents import (
    MOST,
    execution_documents,
    size,
)
from starburst_assurance.bootstrap.scopes import SCOPES
from starburst_assurance.bootstrap.usage import Usage
from tests.bootstrap import taking
from tests.bootstrap.conftest import REGION, deployer_for
from tests.bootstrap.taking import misplaced, refused
from tests.some import some

NAMES = [one.name for one in ALL]
LONGEST = "a" * 20
OF_TYPES = {
    "AWS::Budgets::Budget": ("Budgets", "BudgetName", "arn:aws:budgets::222233334444:budget/"),
    "AWS::CloudTrail::Trail": (
        "Trail",
        "TrailName",
        f"arn:aws:cloudtrail:{REGION}:222233334444:trail/",
    ),
    "AWS::CloudWatch::InsightRule": (
        "Alarms",
        "RuleName",
        f"arn:aws:cloudwatch:{REGION}:222233334444:insight-rule/",
    ),
    "AWS::ECS::Cluster": ("Clusters", "ClusterName", f"arn:aws:ecs:{REGION}:222233334444:cluster/"),
    "AWS::IAM::Role": ("Roles", "RoleName", "arn:aws:iam::222233334444:role/"),
    "AWS::Lambda::Function": (
        "Functions",
        "FunctionName",
        f"arn:aws:lambda:{REGION}:222233334444:function:",
    ),
    "AWS::Logs::LogGroup": (
        "LogGroups",
        "LogGroupName",
        f"arn:aws:logs:{REGION}:222233334444:log-group:",
    ),
    "AWS::SQS::Queue": ("Queues", "QueueName", f"arn:aws:sqs:{REGION}:222233334444:"),
    "AWS::SSM::Parameter": (
        "Parameters",
        "Name",
        f"arn:aws:ssm:{REGION}:222233334444:parameter",
    ),
}
"""Types that have names of their own: their scope, the property, and what their ARNs begin with."""


@pytest.mark.parametrize("name", NAMES)
def test_iam_takes_what_is_written(usages: Mapping[str, Usage], name: str) -> None:
    for environment in (name, LONGEST):
        assert not list(refused(usages[name], deployer_for(environment, usages[name])))


def test_what_iam_would_refuse_is_seen(
    usages: Mapping[str, Usage], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = usages["prod"]
    monkeypatch.setattr(taking, "MOST", 3000)
    assert any("characters" in one for one in refused(usage, deployer_for("prod", usage)))


def test_what_is_larger_than_one_policy_is_split(usages: Mapping[str, Usage]) -> None:
    documents = execution_documents(usages["prod"], deployer_for("prod", usages["prod"]))
    assert len(documents) > 1
    assert sum(map(size, documents)) > MOST


def test_an_action_on_resources_of_another_kind_would_be_seen(usages: Mapping[str, Usage]) -> None:
    queues = next(scope for scope in SCOPES if scope.sid == "Queues")
    deployer = deployer_for("prod", usages["prod"])
    assert misplaced("s3:CreateBucket", queues, deployer)
    assert misplaced("logs:DescribeIndexPolicies", queues, deployer)
    assert not misplaced("sqs:CreateQueue", queues, deployer)


def test_every_resource_of_the_account_has_a_reason() -> None:
    for scope in some(SCOPES):
        assert bool(scope.whole) == (scope.resources == ("*",)), scope.sid


def outside(templates: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Names that a template writes out and no scope of prod holds."""
    usage = Usage()
    scopes = {scope.sid: scope for scope in SCOPES}
    found: set[str] = set()
    for template in templates.values():
        for resource in template["Resources"].values():
            sid, prop, begins = OF_TYPES.get(resource["Type"], ("", "", ""))
            properties = resource.get("Properties", {})
            name = properties.get("Budget", properties).get(prop)
            if sid and isinstance(name, str):
                patterns = [deployer_for("prod", usage).filled(o) for o in scopes[sid].resources]
                if not any(fnmatchcase(f"{begins}{name}", str(one)) for one in patterns):
                    found.add(name)
    return found


def test_every_name_of_the_templates_is_within_its_scope(
    templates: Mapping[str, Mapping[str, Any]],
) -> None:
    own = {name: one for name, one in templates.items() if name.startswith("prod/")}
    assert some(own)
    assert not outside(own)
    stray = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "starburst-dev-wakes"}}
    assert outside({"x": {"Resources": {"Queue": stray}}}) == {"starburst-dev-wakes"}


def test_every_stack_begins_with_the_environments_name(
    synthesis: Any, templates: Mapping[str, Mapping[str, Any]]
) -> None:
    """What CloudFormation names by itself begins with its stack's name."""
    from deploy.changing.assembly import manifests  # noqa: PLC0415 - Node was chosen before

    names = [
        (path.parent.name.removeprefix("assembly-"), stack["stackName"])
        for path, _, stacks in manifests(synthesis)
        for stack in stacks
    ]
    for environment, stack in some(names):
        assert stack.startswith(f"starburst-{environment}-")


def test_every_key_has_the_tag_that_its_denial_asks_for(
    templates: Mapping[str, Mapping[str, Any]],
) -> None:
    keys = [
        (name.partition("/")[0], resource["Properties"]["Tags"])
        for name, template in templates.items()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::KMS::Key"
    ]
    for environment, tags in some(keys):
        assert {"Key": "starburst:environment", "Value": environment} in tags


def test_every_role_carries_the_boundary_that_making_it_asks_for(
    templates: Mapping[str, Mapping[str, Any]],
) -> None:
    roles = [
        resource["Properties"]
        for template in templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
    ]
    assert all("PermissionsBoundary" in properties for properties in some(roles))

"""What holds in every stack of every environment."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.cx_api import CloudAssembly

import app
from environments import ALL, LOCAL, PROD
from stacks.addons.enabled import enabled
from stacks.settings.checks.tags import MOST_TAGS, OWN_TAGS
from stacks.stage import CORE
from starburst_constructs.naming import boundary_arn
from starburst_constructs.policies.service_access import CONFUSED_DEPUTY_KEYS, service_grant
from tests.some import some
from tests.stacks.reading import Template, across, documents, listed, resources

Templates = dict[str, Template]

LOGICAL_IDS = Path(__file__).with_name("logical_ids.json")

STATEFUL = (
    "AWS::CloudTrail::Trail",
    "AWS::EC2::VPC",
    "AWS::ECR::Repository",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
)
"""Replacing one of these loses data, or cuts a running fleet off."""

KEPT = (
    *("AWS::ECR::Repository", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::S3::Bucket"),
    "AWS::S3::BucketPolicy",
)

PROTECTED = ("audit", "foundation", "network", "registry", "storage")

COMPUTE_SERVICES = ("ecs-tasks.amazonaws.com", "lambda.amazonaws.com")
"""What runs as a role was given it by iam:PassRole, which never crosses accounts."""


def test_every_environment_has_the_core_stacks_and_those_of_its_addons(
    templates: Templates,
) -> None:
    by_environment = {
        environment.name: {
            name.split("/")[1] for name in templates if name.startswith(f"{environment.name}/")
        }
        for environment in ALL
    }
    assert set(PROTECTED) <= by_environment[LOCAL.name]
    for environment in ALL:
        names = [addon.name for addon in enabled(environment)]
        core = {
            name
            for name in by_environment[environment.name]
            if not any(name == addon or name.startswith(f"{addon}-") for addon in names)
        }
        optional = set() if environment.audit.trail else {"audit"}
        assert core == set(CORE) - optional, environment.name


LABELLED = replace(PROD, tags=(("cost centre", "4711"), ("owner", "risk")))


def synthesized(outdir: Path) -> dict[Path, bytes]:
    app.build([LABELLED], outdir=str(outdir), validate=False).synth()
    return {path.relative_to(outdir): path.read_bytes() for path in outdir.rglob("*.template.json")}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, bytes]:
    """The templates of an environment with tags of its own."""
    return synthesized(tmp_path_factory.mktemp("labelled"))


def test_two_syntheses_are_byte_identical(labelled: dict[Path, bytes], tmp_path: Path) -> None:
    assert len(labelled) == len(CORE)
    assert synthesized(tmp_path) == labelled


def stateful_ids(templates: Templates) -> dict[str, dict[str, str]]:
    return {
        stack: {name: kind for kind in STATEFUL for name in resources(template, kind)}
        for stack, template in sorted(templates.items())
        if any(resources(template, kind) for kind in STATEFUL)
    }


def test_logical_ids_of_stateful_resources_never_change(templates: Templates) -> None:
    """A changed id is a new, empty resource; change logical_ids.json only if that is meant."""
    assert stateful_ids(templates) == json.loads(LOGICAL_IDS.read_text())


@pytest.mark.parametrize("environment", ALL, ids=lambda each: each.name)
def test_stateful_resources_are_kept_in_production_and_only_there(
    templates: Templates, environment: Any
) -> None:
    # What a first deployment that failed has made goes again: its fixed names must be free.
    expected = (
        ("RetainExceptOnCreate", "Retain") if environment.production else ("Delete", "Delete")
    )
    # A key has no fixed name, and not even CloudFormation may delete one that is kept.
    keys = ("Retain", "Retain") if environment.production else ("Delete", "Delete")
    for kind in KEPT:
        for where, resource in across(templates, environment.name, kind):
            policies = resource["DeletionPolicy"], resource["UpdateReplacePolicy"]
            wanted = keys if kind == "AWS::KMS::Key" else expected
            assert policies == wanted, where


def test_stateful_stacks_are_protected_in_production(assembly: CloudAssembly) -> None:
    production = {environment.name for environment in ALL if environment.production}
    protected = {
        stack.hierarchical_id
        for stack in assembly.stacks_recursively
        if stack.termination_protection
    }
    assert protected == {
        f"{environment}/{name}" for environment in production for name in PROTECTED
    }


def test_every_role_carries_the_boundary_and_no_inline_policy(templates: Templates) -> None:
    for environment in ALL:
        expected = boundary_arn(environment.name, account=environment.account)
        for where, role in across(templates, environment.name, "AWS::IAM::Role"):
            boundary = role["Properties"]["PermissionsBoundary"]
            imported = json.dumps(boundary).count(f"starburst-{environment.name}-foundation:")
            assert boundary == expected or imported, where
            assert "Policies" not in role["Properties"], where
    assert not [stack for stack, each in templates.items() if resources(each, "AWS::IAM::Policy")]


KEPT_LOGS = {"local": 7, "dev": 30, "prod": 365, "regulated": 2192}
"""Days, as somebody reads them in ``environments.py``, and not as a template would have them."""


def test_every_log_group_is_encrypted_and_expires(templates: Templates) -> None:
    assert set(KEPT_LOGS) == {environment.name for environment in ALL}
    for name, days in KEPT_LOGS.items():
        for where, group in across(templates, name, "AWS::Logs::LogGroup"):
            properties = group["Properties"]
            assert properties["RetentionInDays"] == days, where
            assert "LogsKey" in json.dumps(properties["KmsKeyId"]), where


def test_each_workspaces_log_is_the_stacks_own(templates: Templates) -> None:
    """What AWS creates by itself never expires: each group that workers write to is declared."""
    for environment in ALL:
        names = {
            group["Properties"].get("LogGroupName")
            for _, group in across(templates, environment.name, "AWS::Logs::LogGroup")
        }
        for workspace in some(environment.workspaces):
            assert f"/aws/ecs/starburst/{environment.name}/{workspace.name}" in names


def without_deputy_key(template: Template) -> list[str]:
    """Name the statements that let a service in on behalf of any account."""
    return [
        f"{name}: {each.get('Sid', each['Action'])}"
        for name, document in documents(template)
        for each in document["Statement"]
        if each.get("Effect") == "Allow"
        for service in listed(_services(each))
        if service not in COMPUTE_SERVICES and not _bound(each)
    ]


def _services(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    return listed(principal.get("Service", [])) if isinstance(principal, dict) else []


def _bound(statement: dict[str, Any]) -> bool:
    keys = [
        key
        for operator, block in statement.get("Condition", {}).items()
        if "Not" not in operator and operator != "Null"
        for key in block
    ]
    return any(key.startswith(CONFUSED_DEPUTY_KEYS) for key in keys)


def test_no_service_acts_for_just_anybody(templates: Templates) -> None:
    found = {stack: without_deputy_key(template) for stack, template in templates.items()}
    assert {stack: names for stack, names in found.items() if names} == {}


def test_a_service_without_a_deputy_key_would_be_found(templates: Templates) -> None:
    broken = copy.deepcopy(templates["prod/audit"])
    for _, document in documents(broken):
        for each in document["Statement"]:
            if _services(each):
                each.pop("Condition")
    assert len(without_deputy_key(broken)) == 3


def test_a_grant_without_a_deputy_key_is_refused() -> None:
    with pytest.raises(ValueError, match="on behalf of any account"):
        service_grant(
            "Open",
            "logs.eu-west-1.amazonaws.com",
            actions=["kms:Decrypt"],
            conditions={"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        )


def test_no_rule_of_eventbridge_publishes_to_a_topic(templates: Templates) -> None:
    """To an encrypted topic it does not say for whom, which our key asks for."""
    targets = [
        (stack, target)
        for stack, template in templates.items()
        for rule in resources(template, "AWS::Events::Rule").values()
        for target in rule["Properties"]["Targets"]
    ]
    assert targets
    for stack, target in targets:
        topics = resources(templates[stack], "AWS::SNS::Topic")
        assert not any(name in json.dumps(target["Arn"]) for name in topics), stack
        assert ":sns:" not in json.dumps(target["Arn"])


def test_every_role_is_complete_once_it_exists(templates: Templates) -> None:
    """A policy that attaches itself comes after its role, and may come after the role's first use.

    State Manager runs a new association at once, and the next time in a day.
    """
    for environment in ALL:
        for where, policy in across(templates, environment.name, "AWS::IAM::ManagedPolicy"):
            assert not policy["Properties"].get("Roles"), where


def tags_of(resource: dict[str, Any]) -> dict[str, str] | None:
    """Return a resource's tags; None where CloudFormation's schema knows none for its type."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415 - slow to import

    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource["Type"]).schema
    tagging: dict[str, Any] = schema.get("tagging") or {"taggable": "Tags" in schema["properties"]}
    if not tagging.get("taggable", True):
        return None
    name = tagging.get("tagProperty", "/properties/Tags").removeprefix("/properties/")
    tags = resource.get("Properties", {}).get(name, {})
    return tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}


def tagged(template: Template, wanted: dict[str, str]) -> set[str]:
    """Return the types of what has tags, which must have those."""
    found = set()
    for name, resource in template["Resources"].items():
        tags = tags_of(resource)
        if tags is not None:
            assert wanted.items() <= tags.items(), name
            found.add(resource["Type"])
    return found


def test_every_taggable_resource_says_whose_it_is(
    templates: Templates, labelled: dict[Path, bytes]
) -> None:
    kinds = set()
    for environment in ALL:
        wanted = {
            "starburst:environment": environment.name,
            "starburst:data-class": environment.data_class,
        }
        for stack, template in templates.items():
            if stack.startswith(f"{environment.name}/"):
                kinds |= tagged(template, wanted)
    # Tags are a list, or a mapping, or have another name.
    assert kinds > {"AWS::S3::Bucket", "AWS::SSM::Parameter", "AWS::Budgets::Budget"}
    own = [tagged(json.loads(text), dict(LABELLED.tags)) for text in labelled.values()]
    assert set().union(*own) == kinds


def test_local_uses_no_type_that_it_goes_without(templates: Templates) -> None:
    kinds = {
        resource["Type"]
        for stack, template in templates.items()
        if stack.startswith("local/")
        for resource in template["Resources"].values()
    }
    missing = {
        "AWS::ECR::RegistryScanningConfiguration",
        "AWS::Logs::QueryDefinition",
        "AWS::SSM::Association",
    }
    assert kinds & missing == set()
    assert not any(kind.startswith("Custom::") for kind in kinds)


def test_the_kit_leaves_room_for_as_many_tags_as_settings_allow(
    templates: Templates,
) -> None:
    """AWS takes 50 on a resource; ours and those of settings stand side by side."""
    ours = max(
        len(tags)
        for template in templates.values()
        for resource in template["Resources"].values()
        if isinstance(tags := resource.get("Properties", {}).get("Tags"), list | dict)
    )
    of_a_task = 3  # by the controller, beside those of its definition
    assert 5 <= ours + of_a_task <= OWN_TAGS
    assert MOST_TAGS + OWN_TAGS == 50

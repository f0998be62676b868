"""Fifty workspaces with the longest names and two architectures: all that AWS limits still fits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from environments import PROD
from stacks.access import WORKSPACES_A_STACK
from starburst.contract import RuntimeDocument
from starburst_assurance.proofs.reading.assembly import read_policy_set
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.rules.too_large import TOO_LARGE
from starburst_assurance.templates.template import Template, read_stage
from tests.some import some

# Names that have nothing in common: a packed document is shorter by what they share.
NAMES = tuple(hashlib.sha256(bytes([number])).hexdigest()[:32] for number in range(50))
MANY = replace(
    PROD,
    name="environments",
    other_architectures=("ARM64",),
    totals=None,
    user_totals=None,
    workspaces=tuple(replace(PROD.workspaces[0], name=name, totals=None) for name in NAMES),
)
IAM = f"arn:aws:iam::{MANY.account}:role/starburst-{MANY.name}"


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outdir = tmp_path_factory.mktemp("many")
    app.build([MANY], outdir=str(outdir), validate=False).synth()
    return outdir


@pytest.fixture(scope="module")
def stage(assembly: Path) -> Template:
    files = sorted((assembly / f"assembly-{MANY.name}").glob("*.template.json"))
    return read_stage(files, stage=MANY.name)


@pytest.fixture(scope="module")
def policy_set(assembly: Path) -> PolicySet:
    return read_policy_set(assembly, MANY.name)


def test_nothing_is_larger_than_aws_takes(stage: Template) -> None:
    found = [
        (resource.path, problem)
        for resource in stage.all_of()
        for problem in TOO_LARGE.result(resource, stage).problems
    ]
    assert found == []


def test_each_workspace_has_its_roles_once_in_stacks_that_hold_them(stage: Template) -> None:
    roles = [
        (each.path.partition("/")[0], each.properties["RoleName"])
        for each in stage.all_of("AWS::IAM::Role")
        if "RoleName" in each.properties
    ]
    for purpose in ("analyst", "steward", "worker", "launch"):
        for number, name in enumerate(NAMES):
            later = number // WORKSPACES_A_STACK + 1
            stack = "access" if later == 1 else f"access-{later}"
            assert roles.count((stack, f"starburst-{MANY.name}-{purpose}-{name}")) == 1


def granted(policy_set: PolicySet, action: str) -> list[str]:
    """Return on which resources the controller's policies allow an action."""
    return [
        resource
        for name in policy_set.role("controller").policies
        for statement in policy_set.policies[name].statements
        if statement.effect == "Allow" and action in statement.actions
        for resource in statement.resources
    ]


def test_the_controller_may_do_what_it_did_of_each_workspace_and_of_nothing_else(
    policy_set: PolicySet,
) -> None:
    """Its policies are split where IAM would not store them whole."""
    passed = granted(policy_set, "iam:PassRole")
    assert sorted(passed) == sorted(
        f"{IAM}-{purpose}-{name}" for name in NAMES for purpose in ("worker", "launch")
    )
    started = granted(policy_set, "ecs:RunTask")
    family = f"arn:aws:ecs:{MANY.region}:{MANY.account}:task-definition/starburst-{MANY.name}"
    assert sorted(started) == sorted(
        f"{family}-{name}{other}{revision}"
        for name in NAMES
        for other in ("", "-arm64")
        for revision in ("", ":*")
    )
    for action in ("sqs:CreateQueue", "sqs:SendMessage"):
        assert len([one for one in granted(policy_set, action) if "-wakes" not in one]) >= 50


def test_a_client_reads_all_workspaces(stage: Template) -> None:
    [value] = [
        each.properties["Value"]
        for each in stage.all_of("AWS::SSM::Parameter")
        if each.properties["Name"] == f"/starburst/{MANY.name}/runtime"
    ]
    read = RuntimeDocument.from_json(stage.text(value))
    assert set(read.workspaces) == set(NAMES)
    for name, entry in some(read.workspaces.items()):
        assert entry.limits == MANY.workspaces[0].limits
        assert entry.worker_role_arn == f"{IAM}-worker-{name}"


def test_the_bucket_lets_in_the_same_roles_by_fewer_words(stage: Template) -> None:
    """A role's name is what its tag makes it, and its tag is one of the workspaces'."""
    [policy] = [
        each.properties["PolicyDocument"]
        for each in stage.all_of("AWS::S3::BucketPolicy")
        if each.path == "storage/Data/Policy/Resource"
    ]
    said: dict[str, Mapping[str, Any]] = {
        each["Sid"]: each for each in policy["Statement"] if each.get("Sid")
    }
    tag = "aws:PrincipalTag/starburst-workspace"
    rest = [f"{IAM}-controller", str(MANY.break_glass_role_arn)]
    names, tags = said["DenyOtherPrincipals"], said["DenyOtherWorkspaces"]
    assert names["Condition"]["ArnNotEquals"]["aws:PrincipalArn"] == [
        *rest,
        *(f"{IAM}-{purpose}-${{{tag}}}" for purpose in ("analyst", "steward", "worker")),
    ]
    assert tags["Condition"]["ArnNotEquals"]["aws:PrincipalArn"] == rest
    assert tags["Condition"]["StringNotEquals"] == {tag: list(NAMES)}
    for each in (names, tags):
        assert (each["Effect"], each["Principal"], each["Action"]) == ("Deny", {"AWS": "*"}, "s3:*")
        assert json.dumps(each["Resource"]).endswith('"/*"]]}')

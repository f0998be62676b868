"""No update and no removed workspace can get stuck on an export that another stack imports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.cx_api import CloudAssembly

import app
from environments import ALL, DEV, PROD
from tests.some import some
from tests.stacks.reading import Template, across

Templates = dict[str, Template]

LASTING = {
    ("foundation", "AWS::IAM::ManagedPolicy"),
    ("foundation", "AWS::KMS::Key"),
    ("network", "AWS::EC2::SecurityGroup"),
    ("network", "AWS::EC2::Subnet"),
    ("network", "AWS::EC2::VPC"),
    ("network", "AWS::EC2::VPCEndpoint"),
    ("registry", "AWS::ECR::Repository"),
    ("storage", "AWS::S3::Bucket"),
    ("compute", "AWS::ECS::Cluster"),
    ("control", "AWS::Lambda::Function"),
    ("control", "AWS::SNS::Topic"),
}
"""What other stacks may import: one per environment, never replaced by an ordinary update."""


def exported(template: Template) -> Iterator[tuple[str, str]]:
    """The logical id and the type of each resource that an export refers to."""
    for output in template.get("Outputs", {}).values():
        if "Export" in output:
            ((function, target),) = output["Value"].items()
            name = target[0] if function == "Fn::GetAtt" else target
            yield name, template["Resources"][name]["Type"]


def test_only_what_is_never_replaced_is_exported(templates: Templates) -> None:
    found = {
        (stack.split("/")[1], kind)
        for stack, template in templates.items()
        for _, kind in exported(template)
    }
    assert found == LASTING


def test_what_a_trail_imports_is_handed_on_without_a_trail_too(
    templates: Templates, tmp_path: Path
) -> None:
    """Its stack stays when the settings name no trail, and would hold what it imports."""
    untrailed = replace(DEV, audit=replace(DEV.audit, trail=False))
    built = app.build([untrailed], outdir=str(tmp_path), validate=False).synth()
    there = {name for stack in built.stacks_recursively for name in _exported_names(stack.template)}
    imported = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(templates["dev/audit"])))
    assert set(some(imported)) <= there
    assert "dev/audit" not in {stack.hierarchical_id for stack in built.stacks_recursively}


def _exported_names(template: Template) -> set[str]:
    outputs = template.get("Outputs", {}).values()
    return {str(output["Export"]["Name"]) for output in outputs if "Export" in output}


def test_no_export_belongs_to_a_workspace(templates: Templates) -> None:
    """A removed workspace takes its resources along; an import would hold them."""
    for environment in ALL:
        names = [
            name
            for stack, template in templates.items()
            if stack.startswith(f"{environment.name}/")
            for name, _ in exported(template)
        ]
        roles = across(templates, environment.name, "AWS::IAM::Role")
        for workspace in some(environment.workspaces):
            assert not [name for name in some(names) if workspace.name in name]
            assert [where for where, _ in roles if workspace.name in where], "called after it"


@pytest.mark.parametrize("environment", ALL, ids=lambda each: each.name)
def test_stacks_follow_what_they_name_without_a_reference(
    assembly: CloudAssembly, environment: Any
) -> None:
    stacks = {stack.hierarchical_id: stack for stack in assembly.stacks_recursively}

    def follows(stack: str) -> set[str]:
        dependencies = stacks[f"{environment.name}/{stack}"].dependencies
        # An artifact's id ends in eight digits of a hash.
        return {each.id.removeprefix(environment.name)[:-8] for each in dependencies}

    assert follows("compute") >= {"access"}
    assert follows("control") >= {"access", "compute", "endpoints"}
    assert follows("publishing") >= {"access", "compute", "control"}


def test_the_permanent_stacks_do_not_know_the_image(templates: Templates, tmp_path: Path) -> None:
    """A new image changes the task definition, and what is said of packages; no stack notices."""
    digest = "sha256:" + "ab" * 32
    changed = app.build(
        [replace(PROD, image_digest=digest)], outdir=str(tmp_path), validate=False
    ).synth()
    differing = {
        stack.hierarchical_id
        for stack in changed.stacks_recursively
        if stack.template != templates[stack.hierarchical_id]
    }
    assert differing == {"prod/compute", "prod/publishing"}
    before = templates["prod/publishing"]["Resources"]
    after = _of(changed, "prod/publishing")["Resources"]
    told = {one["Properties"]["Name"] for name, one in after.items() if one != before[name]}
    assert told == {f"/starburst/prod/packages/{one.name}" for one in PROD.workspaces}


def _of(assembly: CloudAssembly, stack: str) -> Template:
    [found] = [one for one in assembly.stacks_recursively if one.hierarchical_id == stack]
    return found.template

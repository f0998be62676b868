"""What the emulator knows of a delivery deploys there; what it lacks is what is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import app
from environments import LOCAL
from stacks.addons.delivery import Target
from starburst.local import LocalEnvironment
from tests.delivery.scene import CONNECTION, DELIVERY
from tests.some import some

STACK = "starburst-local-delivery"


def test_its_projects_roles_and_bucket_are_made_and_the_rest_is_told(
    deployed: LocalEnvironment, tmp_path: Path
) -> None:
    connection = CONNECTION.replace("444455556666", LOCAL.account)
    here = replace(
        DELIVERY,
        targets=(Target.of(LOCAL),),
        connection_arn=connection.replace("eu-west-1", LOCAL.region),
    )
    app.build([replace(LOCAL, addons=(here,))], outdir=str(tmp_path), validate=False).synth()
    [file] = tmp_path.glob("assembly-local/*delivery*.template.json")
    template = json.loads(file.read_text())
    lacked = {
        kind
        for kind in {one["Type"] for one in template["Resources"].values()}
        if kind in " ".join(here.local_gaps())
    }
    assert lacked == {
        "AWS::CodeBuild::ReportGroup",
        "AWS::CodePipeline::Pipeline",
        "AWS::IAM::OIDCProvider",
    }
    template["Resources"] = {
        name: one for name, one in template["Resources"].items() if one["Type"] not in lacked
    }
    for one in template["Resources"].values():
        kept = [name for name in one.get("DependsOn", ()) if name in template["Resources"]]
        one["DependsOn"] = kept
    template.pop("Rules", None)
    template.pop("Parameters", None)
    session = deployed.platform_session()
    formation = deployed.client(session, "cloudformation")
    formation.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    try:
        formation.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        root = deployed.root_session()
        made = formation.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        projects = {
            one["PhysicalResourceId"]
            for one in some(made)
            if one["ResourceType"] == "AWS::CodeBuild::Project"
        }
        parts = ("review", "tests", "suite", "gate", "image", "deploy-local")
        assert projects == {f"{STACK}-{part}" for part in parts}
        iam = deployed.client(root, "iam")
        role = iam.get_role(RoleName=f"{STACK}-deploy-local")["Role"]
        boundary = role["PermissionsBoundary"]["PermissionsBoundaryArn"]
        assert boundary.endswith("policy/starburst-local-boundary-delivery")
    finally:
        formation.delete_stack(StackName=STACK)

"""What the emulator knows of the backups deploys there; what it lacks is what is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import app
from environments import LOCAL
from starburst.local import LocalEnvironment
from tests.addons.finma.conftest import FINMA

STACK = "starburst-local-finma"


def test_vault_plan_and_roles_are_made_and_the_rest_is_told(
    deployed: LocalEnvironment, tmp_path: Path
) -> None:
    holder = f"arn:aws:iam::{LOCAL.account}:role/holder"
    here = replace(FINMA, drillers=(holder,))
    assert holder in LOCAL.data_role_arns
    on = replace(LOCAL, addons=(here,))
    app.build([on], outdir=str(tmp_path), validate=False).synth()
    [file] = tmp_path.glob("assembly-local/*finma*.template.json")
    template = json.loads(file.read_text())
    lacked = [
        name
        for name, one in template["Resources"].items()
        if one["Type"] == "AWS::Backup::BackupSelection"
    ]
    assert len(lacked) == 1
    assert "AWS::Backup::BackupSelection" in " ".join(here.local_gaps())
    for name in lacked:
        del template["Resources"][name]
    template.pop("Rules", None)
    template.pop("Parameters", None)
    formation = deployed.client(deployed.platform_session(), "cloudformation")
    formation.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    try:
        formation.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        found = formation.describe_stack_resources(StackName=STACK)["StackResources"]
        made = {one["ResourceType"]: one["PhysicalResourceId"] for one in found}
        assert made["AWS::Backup::BackupVault"] == STACK
        assert made["AWS::S3::Bucket"] == here.scratch_name(on)
        iam = deployed.client(deployed.root_session(), "iam")
        role = iam.get_role(RoleName=f"{STACK}-backup")["Role"]
        boundary = role["PermissionsBoundary"]["PermissionsBoundaryArn"]
        assert boundary.endswith("policy/starburst-local-boundary-finma")
    finally:
        formation.delete_stack(StackName=STACK)

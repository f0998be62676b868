"""What the emulator knows of the backups deploys there; what it lacks is what is told."""

from __future__ import annotations

import json
from pathlib import Path

from starburst.local import LocalEnvironment
from tests.addons.conftest import HERE, addon_of, templates_of

STACK = "starburst-local-finma"


def test_vault_plan_and_roles_are_made_and_the_rest_is_told(
    addons_local: LocalEnvironment, here: Path
) -> None:
    finma = addon_of(HERE, "finma")
    template = templates_of(here, HERE)["local/finma"]
    lacked = [
        name
        for name, one in template["Resources"].items()
        if one["Type"] == "AWS::Backup::BackupSelection"
    ]
    assert len(lacked) == 1
    assert "AWS::Backup::BackupSelection" in " ".join(finma.local_gaps())
    for name in lacked:
        del template["Resources"][name]
    template.pop("Rules", None)
    template.pop("Parameters", None)
    formation = addons_local.client(addons_local.platform_session(), "cloudformation")
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
        assert made["AWS::S3::Bucket"] == finma.scratch_name(HERE)
        iam = addons_local.client(addons_local.root_session(), "iam")
        role = iam.get_role(RoleName=f"{STACK}-backup")["Role"]
        boundary = role["PermissionsBoundary"]["PermissionsBoundaryArn"]
        assert boundary.endswith("policy/starburst-local-boundary-finma")
    finally:
        formation.delete_stack(StackName=STACK)

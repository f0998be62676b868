"""What is kept as evidence cannot be made unreadable, and who tries is heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from environments import ALL, PROD, REGULATED
from tests.some import some
from tests.stacks.reading import Template, resources

KEPT = [PROD, REGULATED]
LOSING = [
    "kms:DeleteImportedKeyMaterial",
    "kms:DisableKey",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
]
BACK = ["kms:CancelKeyDeletion", "kms:EnableKey", "kms:DescribeKey"]


def refused(policy: Mapping[str, Any], action: str, caller: str) -> bool:
    """Return whether a key policy denies an action to a caller, as KMS reads it."""
    for each in policy["Statement"]:
        actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
        if each["Effect"] != "Deny" or action not in actions:
            continue
        block = each.get("Condition", {})
        if set(block) != {"ArnNotEquals"}:
            continue
        [[key, allowed]] = block["ArnNotEquals"].items()
        assert key == "aws:PrincipalArn"
        if caller not in (allowed if isinstance(allowed, list) else [allowed]):
            return True
    return False


def keys(template: Template) -> list[Mapping[str, Any]]:
    found = resources(template, "AWS::KMS::Key").values()
    return [one["Properties"]["KeyPolicy"] for one in found]


@pytest.mark.parametrize("environment", KEPT, ids=lambda each: each.name)
@pytest.mark.parametrize("action", LOSING)
def test_an_administrator_cannot_lose_the_keys_of_production(
    templates: dict[str, Template], environment: Any, action: str
) -> None:
    account, region = environment.account, environment.region
    iam = f"arn:aws:iam::{account}"
    deployer = f"{iam}:role/cdk-hnb659fds-cfn-exec-role-{account}-{region}"
    strangers = [f"{iam}:root", f"{iam}:user/admin", f"{iam}:role/Administrator", f"{deployer}x"]
    for policy in some(keys(templates[f"{environment.name}/foundation"])):
        for caller in strangers:
            assert refused(policy, action, caller), caller
        # CloudFormation changes a key's policy and never its life.
        assert refused(policy, action, deployer) is (action != "kms:PutKeyPolicy")
        assert not refused(policy, action, environment.break_glass_role_arn)


def test_the_way_back_stays_open_and_test_environments_are_destroyable(
    templates: dict[str, Template],
) -> None:
    for environment in ALL:
        for policy in some(keys(templates[f"{environment.name}/foundation"])):
            for action in (*BACK, *(() if environment.production else LOSING)):
                assert not refused(policy, action, f"arn:aws:iam::{environment.account}:role/x")


@pytest.mark.parametrize("environment", ALL, ids=lambda each: each.name)
def test_no_stack_operation_schedules_the_deletion_of_a_kept_key(
    templates: dict[str, Template], environment: Any
) -> None:
    """``RetainExceptOnCreate`` deletes the key of a creation that is rolled back."""
    foundation = templates[f"{environment.name}/foundation"]
    for one in some(resources(foundation, "AWS::KMS::Key").values()):
        kept = "Retain" if environment.production else "Delete"
        assert (one["DeletionPolicy"], one["UpdateReplacePolicy"]) == (kept, kept)

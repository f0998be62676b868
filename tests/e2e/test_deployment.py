"""The real CDK deploys every stack, finds nothing to change, and takes it all away again."""

from __future__ import annotations

import pytest

from deploy.tools.local import Deployment
from starburst.local.emulator import ADMIN_ROLE


@pytest.mark.timeout(180)
def test_a_deployment_differs_in_nothing_from_its_stacks(deployment: Deployment) -> None:
    differs, text = deployment.diff()
    assert not differs, text


def test_it_was_made_by_a_role_and_not_by_root(deployment: Deployment) -> None:
    counts = deployment.local.request_counts()
    assert counts[ADMIN_ROLE]["sts:AssumeRole"] > 0
    # Root made the first roles and became the platform's; it deployed nothing.
    assert {action.partition(":")[0] for action in counts["root"]} <= {"iam", "sts"}


@pytest.mark.timeout(180)
def test_what_was_deployed_and_used_can_be_destroyed(deployment: Deployment) -> None:
    """The last of its folder (``conftest.py``): what others use is gone afterwards."""
    deployment.down()
    local = deployment.local
    cloudformation = local.client(local.platform_session(), "cloudformation")
    names = {stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]}
    assert names == {"CDKToolkit"}

"""A burst opens the endpoints' stack, and the real CDK neither closes it nor sees a difference."""

from __future__ import annotations

from typing import Any

import pytest

import starburst
from deploy.local import Deployment
from starburst.local import LocalEnvironment

pytestmark = pytest.mark.timeout(240)

STACK = "starburst-local-endpoints"


def parameter(formation: Any) -> str:
    [stack] = formation.describe_stacks(StackName=STACK)["Stacks"]
    assert stack["StackStatus"].endswith("_COMPLETE"), stack
    [found] = stack["Parameters"]
    return str(found["ParameterValue"])


def endpoints(ec2: Any) -> set[str]:
    found = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    return {one["VpcEndpointId"] for one in found if one["VpcEndpointType"] == "Interface"}


def test_a_burst_opens_what_a_deployment_leaves_open(
    deployment: Deployment, local_environment: LocalEnvironment
) -> None:
    platform = local_environment.platform_session()
    formation = local_environment.client(platform, "cloudformation")
    ec2 = local_environment.client(platform, "ec2")
    template = formation.get_template(StackName=STACK)["TemplateBody"]
    results = starburst.map(lambda x: 2 * x, range(4), workers=1, cpu=0.25, memory=0.5)
    assert results == [0, 2, 4, 6]
    assert parameter(formation) == "on"
    opened = endpoints(ec2)
    assert len(opened) == len(template["Resources"])
    # A deployment while somebody computes keeps the parameter, so it has nothing to do.
    deployment.deploy()
    assert parameter(formation) == "on"
    assert endpoints(ec2) == opened
    assert formation.get_template(StackName=STACK)["TemplateBody"] == template
    differs, text = deployment.diff()
    assert not differs, text
    counts = local_environment.request_counts()["starburst-local-controller"]
    assert counts["cloudformation:UpdateStack"] >= 1


def test_nobody_but_the_controller_opens_or_closes_them(
    local_environment: LocalEnvironment,
) -> None:
    analyst = local_environment.analyst_session(user="alice", workspace="demo")
    formation = local_environment.client(analyst, "cloudformation")
    with pytest.raises(formation.exceptions.ClientError, match="not authorized"):
        formation.update_stack(
            StackName=STACK,
            UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": "Bursting", "ParameterValue": "off"}],
        )

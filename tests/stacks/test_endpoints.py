"""Endpoints that come and go are one stack with one parameter, and off until sessions run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from environments import ALL, DEV
from starburst.controller.endpoints import PARAMETER
from starburst_constructs.identity.endpoint_opening import (
    BURST_TAG,
    REGIONLESS,
    opening_ceiling,
    opening_statements,
)
from starburst_constructs.network.endpoints import ON_DEMAND, services_in
from starburst_constructs.network.vpc import closing_ceiling
from starburst_constructs.policies.boundary import boundary_statements
from tests.stacks.reading import Template, documents, listed, only, resources, statement

Templates = dict[str, Template]
GOING = [each for each in ALL if each.network.while_bursting]
STAYING = [each for each in ALL if not each.network.while_bursting]

IAM_LIMIT = 6144
"""Characters of a managed policy, white space aside."""


def test_dev_and_local_close_their_endpoints_and_production_keeps_them() -> None:
    assert {each.name for each in GOING} == {"local", "dev"}
    assert {each.name for each in STAYING} == {"prod", "regulated"}


@pytest.mark.parametrize("environment", GOING, ids=lambda each: each.name)
def test_one_parameter_says_whether_they_exist(templates: Templates, environment: Any) -> None:
    template = templates[f"{environment.name}/endpoints"]
    # Any other parameter would have to be repeated at each update of the stack.
    assert list(template["Parameters"]) == [ON_DEMAND] == [PARAMETER]
    assert template["Parameters"][ON_DEMAND]["Default"] == "off"
    assert template["Parameters"][ON_DEMAND]["AllowedValues"] == ["on", "off"]
    assert template["Conditions"] == {"WhileBursting": {"Fn::Equals": [{"Ref": ON_DEMAND}, "on"]}}
    assert "Rules" not in template
    assert "Outputs" not in template
    for resource in template["Resources"].values():
        assert resource["Type"] == "AWS::EC2::VPCEndpoint"
        assert resource["Condition"] == "WhileBursting"
        assert {"Key": BURST_TAG, "Value": environment.name} in resource["Properties"]["Tags"]


@pytest.mark.parametrize("environment", STAYING, ids=lambda each: each.name)
def test_endpoints_that_stay_depend_on_nothing(templates: Templates, environment: Any) -> None:
    template = templates[f"{environment.name}/endpoints"]
    assert "Parameters" not in template
    assert "Conditions" not in template
    assert all("Condition" not in one for one in template["Resources"].values())
    everything = json.dumps(
        [templates[name] for name in templates if name.startswith(environment.name)]
    )
    for word in ("ec2:CreateVpcEndpoint", "cloudformation:UpdateStack", BURST_TAG):
        assert word not in everything


@pytest.mark.parametrize("environment", GOING, ids=lambda each: each.name)
def test_the_s3_gateway_stays(templates: Templates, environment: Any) -> None:
    gateway = only(templates[f"{environment.name}/network"], "AWS::EC2::VPCEndpoint")
    assert gateway["VpcEndpointType"] == "Gateway"
    assert BURST_TAG not in json.dumps(gateway)


@pytest.mark.parametrize("environment", GOING, ids=lambda each: each.name)
def test_the_role_names_one_vpc_and_asks_for_the_tag(
    templates: Templates, environment: Any
) -> None:
    template = templates[f"{environment.name}/network"]
    found = dict(documents(template))
    [policy] = [value for name, value in found.items() if name.startswith("OpeningRoleOpening")]
    network = json.dumps(listed(statement(policy, "InThisVpc")["Resource"]))
    assert "*" not in network
    subnets = [name for name in resources(template, "AWS::EC2::Subnet") if name in network]
    assert len(subnets) == environment.network.zones
    for sid in ("ToTheseServices", "TaggedAtOnce"):
        asked = statement(policy, sid)["Condition"]["StringEquals"]
        assert asked[f"aws:RequestTag/{BURST_TAG}"] == environment.name
    deleting = statement(policy, "DeleteWhatIsTagged")["Condition"]["StringEquals"]
    assert deleting == {f"aws:ResourceTag/{BURST_TAG}": environment.name}


@pytest.mark.parametrize("hosts", [False, True])
def test_the_role_may_make_every_endpoint_of_the_stack(hosts: bool) -> None:
    """Agents on EC2 instances call services that Fargate's tasks do not."""
    ids = {"vpc_id": "vpc-0a", "subnet_ids": ["subnet-0a"], "group_id": "sg-0a"}
    made = opening_statements("dev", placement=DEV.placement, **ids, hosts=hosts)
    [asked] = [one.to_statement_json() for one in made if one.sid == "ToTheseServices"]
    assert asked["Condition"]["StringEquals"]["ec2:VpceServiceName"] == [
        f"com.amazonaws.{DEV.region}.{service}" for service in services_in(DEV.region, hosts=hosts)
    ]


def test_the_boundary_still_fits() -> None:
    name, placement = "e" * 12, DEV.placement
    statements = boundary_statements(
        name,
        placement=placement,
        regions=("ap-southeast-1", "ap-southeast-2", "ap-southeast-3"),
        also=(*closing_ceiling(placement), *opening_ceiling(name, placement=placement)),
        regionless=REGIONLESS,
    )
    document = [one.to_statement_json() for one in statements]
    assert len(json.dumps(document, separators=(",", ":"))) < IAM_LIMIT

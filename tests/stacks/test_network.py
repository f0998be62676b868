"""Workers have no route to the internet and no door; endpoints serve our account only."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from environments import ALL, DEV
from stacks.settings import Network, Rates, SettingsError, Shared
from starburst_constructs.network.endpoints import INTERFACE_SERVICES, TASK_SERVICES
from starburst_constructs.network.s3_addresses import S3_PREFIX_LISTS
from starburst_constructs.network.vpc import FLOW_FIELDS
from tests.networks import EXISTING, GROUPED, REUSED
from tests.some import some
from tests.stacks.reading import Template, named, only, resources, statement

Templates = dict[str, Template]
Build = Callable[..., Template]


@pytest.fixture(params=ALL, ids=lambda each: each.name)
def environment(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def network(templates: Templates, environment: Any) -> Template:
    return templates[f"{environment.name}/network"]


@pytest.fixture
def endpoints(templates: Templates, environment: Any) -> Template:
    return templates[f"{environment.name}/endpoints"]


@pytest.fixture
def build_all(tmp_path: Path) -> Callable[..., Templates]:
    """Synthesize DEV with other settings and return its templates by stack."""

    def synthesize(**changes: Any) -> Templates:
        dev = replace(DEV, **changes)
        assembly = app.build([dev], outdir=str(tmp_path), validate=False).synth()
        return {
            stack.hierarchical_id.partition("/")[2]: stack.template
            for stack in assembly.stacks_recursively
        }

    return synthesize


@pytest.fixture
def build(build_all: Callable[..., Templates]) -> Build:
    """Synthesize DEV with other settings and return its network template."""
    return lambda **changes: build_all(**changes)["network"]


def test_there_is_no_way_to_the_internet(network: Template) -> None:
    for kind in ("InternetGateway", "NatGateway", "EIP", "Route", "EgressOnlyInternetGateway"):
        assert resources(network, f"AWS::EC2::{kind}") == {}
    for subnet in some(resources(network, "AWS::EC2::Subnet").values()):
        assert subnet["Properties"]["MapPublicIpOnLaunch"] is False


def test_zones_are_as_many_as_asked_for_and_need_no_look_up(
    network: Template, environment: Any
) -> None:
    subnets = resources(network, "AWS::EC2::Subnet").values()
    zones = [json.dumps(subnet["Properties"]["AvailabilityZone"]) for subnet in subnets]
    assert len(set(zones)) == len(zones) == environment.network.zones
    assert all("Fn::GetAZs" in zone for zone in zones)


@pytest.mark.parametrize("egress", ["isolated", "nat"])
@pytest.mark.parametrize(
    ("named", "field", "other"),
    [
        (("euw1-az3", "euw1-az1"), "AvailabilityZoneId", "AvailabilityZone"),
        (("eu-west-1a", "eu-west-1c"), "AvailabilityZone", "AvailabilityZoneId"),
    ],
)
def test_named_zones_are_taken_as_they_are(
    build: Build, egress: Any, named: tuple[str, ...], field: str, other: str
) -> None:
    network = build(network=Network(egress=egress, named_zones=named))
    subnets = [each["Properties"] for each in resources(network, "AWS::EC2::Subnet").values()]
    assert sorted(subnet[field] for subnet in subnets) == sorted(
        named * (2 if egress == "nat" else 1)
    )
    assert not any(other in subnet for subnet in subnets)


def test_s3_has_a_gateway_in_every_route_table(network: Template) -> None:
    gateway = named(network, "AWS::EC2::VPCEndpoint", "EndpointsS3")
    assert gateway["VpcEndpointType"] == "Gateway"
    assert len(gateway["RouteTableIds"]) == len(resources(network, "AWS::EC2::RouteTable"))


def test_every_service_has_an_endpoint_with_private_names(
    endpoints: Template, environment: Any
) -> None:
    found = {
        endpoint["Properties"]["ServiceName"]: endpoint["Properties"]
        for endpoint in resources(endpoints, "AWS::EC2::VPCEndpoint").values()
    }
    expected = {f"com.amazonaws.{environment.region}.{service}" for service in INTERFACE_SERVICES}
    assert set(found) == expected
    for endpoint in found.values():
        assert endpoint["VpcEndpointType"] == "Interface"
        assert endpoint["PrivateDnsEnabled"] is True
        assert len(endpoint["SubnetIds"]) == environment.network.zones
        assert len(endpoint["SecurityGroupIds"]) == 1


def test_every_endpoint_serves_our_principals_and_our_resources_only(
    network: Template, endpoints: Template, environment: Any
) -> None:
    every = {
        **resources(network, "AWS::EC2::VPCEndpoint"),
        **resources(endpoints, "AWS::EC2::VPCEndpoint"),
    }
    assert len(every) == len(INTERFACE_SERVICES) + 1
    for name, endpoint in every.items():
        policy = endpoint["Properties"]["PolicyDocument"]
        ours = statement(policy, "OurPrincipalsToOurResources")
        assert ours["Condition"] == {
            "StringEquals": {
                "aws:PrincipalAccount": environment.account,
                "aws:ResourceAccount": environment.account,
            }
        }
        others = [each for each in policy["Statement"] if each is not ours]
        if name.startswith("EndpointsS3"):
            [layers] = others
            assert layers["Action"] == "s3:GetObject"
            bucket = f"prod-{environment.region}-starport-layer-bucket"
            assert layers["Resource"] == f"arn:aws:s3:::{bucket}/*"
        else:
            assert others == []


def test_an_organization_widens_the_perimeter_to_itself(
    build_all: Callable[..., Templates],
) -> None:
    built = build_all(organization_id="o-a1b2c3d4e5")
    every = [
        endpoint
        for stack in ("network", "endpoints")
        for endpoint in resources(built[stack], "AWS::EC2::VPCEndpoint").values()
    ]
    assert len(every) == len(INTERFACE_SERVICES) + 1
    for endpoint in every:
        ours = statement(endpoint["Properties"]["PolicyDocument"], "OurPrincipalsToOurResources")
        assert ours["Condition"] == {
            "StringEquals": {
                "aws:PrincipalOrgID": "o-a1b2c3d4e5",
                "aws:ResourceOrgID": "o-a1b2c3d4e5",
            }
        }


@pytest.mark.parametrize("group", ["Workers", "Controller"])
def test_workers_and_controller_reach_endpoints_and_nothing_reaches_them(
    network: Template, environment: Any, group: str
) -> None:
    if group == "Controller" and environment.network.while_bursting:
        assert not [name for name in network["Resources"] if name.startswith(group)]
        return
    properties = named(network, "AWS::EC2::SecurityGroup", group)
    assert "SecurityGroupIngress" not in properties
    rules = properties["SecurityGroupEgress"]
    assert len(rules) == 2
    for rule in rules:
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
        assert not {"CidrIp", "CidrIpv6"} & set(rule)
    targets = json.dumps(rules)
    assert "EndpointsGroup" in targets
    assert S3_PREFIX_LISTS[environment.region] in targets


def test_endpoints_admit_workers_and_controller_on_443_only(
    network: Template, environment: Any
) -> None:
    group = named(network, "AWS::EC2::SecurityGroup", "EndpointsGroup")
    assert "SecurityGroupIngress" not in group
    assert all(rule["CidrIp"] == "255.255.255.255/32" for rule in group["SecurityGroupEgress"])
    rules = [
        rule["Properties"] for rule in resources(network, "AWS::EC2::SecurityGroupIngress").values()
    ]
    sources = sorted(json.dumps(rule["SourceSecurityGroupId"]) for rule in rules)
    assert "Workers" in sources.pop()
    # Outside the VPC the controller needs no way in.
    assert bool(sources) is not environment.network.while_bursting
    assert all("Controller" in source for source in sources)
    for rule in some(rules):
        assert "EndpointsGroup" in json.dumps(rule["GroupId"])
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
    assert resources(network, "AWS::EC2::SecurityGroupEgress") == {}


def test_no_rule_names_the_whole_internet(network: Template) -> None:
    assert "0.0.0.0/0" not in json.dumps(network)
    assert "::/0" not in json.dumps(network)


def test_every_flow_is_logged_with_where_it_really_went(network: Template) -> None:
    log = only(network, "AWS::EC2::FlowLog")
    assert (log["TrafficType"], log["MaxAggregationInterval"]) == ("ALL", 60)
    assert log["LogDestinationType"] == "cloud-watch-logs"
    assert "LogDestination" not in log, "a group's ARN ends in :* here, and EC2 delivers nothing"
    assert "Flows" in log["LogGroupName"]["Ref"]
    assert log["LogFormat"] == " ".join(field.value for field in FLOW_FIELDS)
    for field in ("${pkt-dstaddr}", "${flow-direction}", "${tcp-flags}", "${vpc-id}"):
        assert field in log["LogFormat"]


def test_the_default_group_is_emptied_every_day(network: Template, environment: Any) -> None:
    if "default-security-group" in environment.without:
        assert resources(network, "AWS::SSM::Association") == {}
        return
    association = only(network, "AWS::SSM::Association")
    assert association["Name"] == "AWSConfigRemediation-RemoveVPCDefaultSecurityGroupRules"
    assert association["AutomationTargetParameterName"] == "GroupId"
    assert "DefaultSecurityGroup" in json.dumps(association["Targets"])
    assert association["ScheduleExpression"] == "rate(1 day)"


def test_nat_is_one_explicit_choice_and_opens_workers_only(
    build_all: Callable[..., Templates],
) -> None:
    built = build_all(network=Network(egress="nat"))
    network = built["network"]
    assert len(resources(network, "AWS::EC2::NatGateway")) == 2
    for subnet in some(resources(network, "AWS::EC2::Subnet").values()):
        assert subnet["Properties"]["MapPublicIpOnLaunch"] is False
    workers = named(network, "AWS::EC2::SecurityGroup", "Workers")["SecurityGroupEgress"]
    assert [rule["ToPort"] for rule in workers if rule.get("CidrIp") == "0.0.0.0/0"] == [443]
    controller = named(network, "AWS::EC2::SecurityGroup", "Controller")["SecurityGroupEgress"]
    assert "0.0.0.0/0" not in json.dumps(controller)
    endpoint = named(built["endpoints"], "AWS::EC2::VPCEndpoint", "EndpointsKms")
    assert all("workers" in json.dumps(subnet) for subnet in some(endpoint["SubnetIds"]))


@pytest.mark.parametrize("egress", ["isolated", "nat"])
def test_an_existing_vpc_gets_endpoints_and_groups_only(
    build_all: Callable[..., Templates], egress: Any
) -> None:
    built = build_all(network=Network(existing=EXISTING, egress=egress))
    network, endpoints = built["network"], built["endpoints"]
    kinds = {resource["Type"] for resource in network["Resources"].values()}
    assert kinds == {
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::VPCEndpoint",
    }
    gateway = named(network, "AWS::EC2::VPCEndpoint", "EndpointsS3")
    assert gateway["RouteTableIds"] == list(EXISTING.route_table_ids)
    assert gateway["VpcId"] == EXISTING.vpc_id
    kms = named(endpoints, "AWS::EC2::VPCEndpoint", "EndpointsKms")
    assert kms["VpcId"] == EXISTING.vpc_id
    assert kms["SubnetIds"] == list(EXISTING.subnet_ids)


def test_groups_of_the_owner_take_the_place_of_ours(tmp_path: Path) -> None:
    own = Network(existing=GROUPED)
    built = app.build([replace(DEV, network=own)], outdir=str(tmp_path), validate=False).synth()
    found = {stack.hierarchical_id: stack.template for stack in built.stacks_recursively}
    network = found["dev/network"]
    assert len(resources(network, "AWS::EC2::SecurityGroup")) == 1  # the controller's
    assert str(GROUPED.endpoints_security_group_id) in json.dumps(
        named(network, "AWS::EC2::SecurityGroup", "Controller")["SecurityGroupEgress"]
    )
    rules = resources(network, "AWS::EC2::SecurityGroupIngress").values()
    assert {rule["Properties"]["GroupId"] for rule in rules} == {
        GROUPED.endpoints_security_group_id
    }
    kms = named(found["dev/endpoints"], "AWS::EC2::VPCEndpoint", "EndpointsKms")
    assert kms["SecurityGroupIds"] == [GROUPED.endpoints_security_group_id]
    assert str(GROUPED.worker_security_group_id) in json.dumps(found["dev/control"])


def test_endpoints_that_a_vpc_has_are_reused(tmp_path: Path) -> None:
    shared = Network(existing=REUSED)
    built = app.build([replace(DEV, network=shared)], outdir=str(tmp_path), validate=False).synth()
    found = {stack.hierarchical_id: stack.template for stack in built.stacks_recursively}
    assert "dev/endpoints" not in found
    network = found["dev/network"]
    assert resources(network, "AWS::EC2::VPCEndpoint") == {}
    workers = named(network, "AWS::EC2::SecurityGroup", "Workers")["SecurityGroupEgress"]
    assert REUSED.endpoints_security_group_id in [
        rule.get("DestinationSecurityGroupId") for rule in workers
    ]
    for rule in resources(network, "AWS::EC2::SecurityGroupIngress").values():
        assert rule["Properties"]["GroupId"] == REUSED.endpoints_security_group_id
    assert len(resources(network, "AWS::EC2::SecurityGroupIngress")) == 2
    assert str(REUSED.s3_endpoint_id) in json.dumps(found["dev/storage"])


def test_a_region_without_a_known_prefix_list_says_what_to_set(
    build_all: Callable[..., Templates],
) -> None:
    elsewhere = {
        "region": "ap-southeast-7",
        "allowed_regions": ("ap-southeast-7",),
        "prices": Rates(x86_vcpu_hour=0.05, x86_gb_hour=0.005, scratch_gb_hour=0.00013),
        "workspaces": (replace(DEV.workspaces[0], monthly_budget_usd=None, budget_emails=()),),
    }
    with pytest.raises(SettingsError, match=r"network\.s3_prefix_list"):
        build_all(**elsewhere)
    built = build_all(**elsewhere, network=Network(s3_prefix_list="pl-0123abcd"))
    workers = named(built["network"], "AWS::EC2::SecurityGroup", "Workers")
    assert "pl-0123abcd" in json.dumps(workers)
    endpoints = json.dumps(built["endpoints"])
    assert all(f"ap-southeast-7.{service}" in endpoints for service in TASK_SERVICES)


@pytest.mark.parametrize(
    ("egress", "mode"), [("isolated", "block-bidirectional"), ("nat", "block-ingress")]
)
def test_internet_gateways_can_be_shut_for_the_whole_account(
    build: Build, egress: Any, mode: str
) -> None:
    network = build(network=Network(egress=egress), shared=Shared(block_public_access=True))
    block = only(network, "AWS::EC2::VPCBlockPublicAccessOptions")
    assert block == {"InternetGatewayBlockMode": mode}
    [body] = resources(network, "AWS::EC2::VPCBlockPublicAccessOptions").values()
    assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_other_accounts_are_left_alone(templates: Templates, environment: Any) -> None:
    found = resources(
        templates[f"{environment.name}/network"], "AWS::EC2::VPCBlockPublicAccessOptions"
    )
    assert bool(found) is environment.shuts_gateways

"""A VPC that the organization owns is looked at too, where its settings say that workers run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from deploy.audit.checks.network import GROUPS, SUBNETS
from deploy.audit.command import audit
from stacks.settings import ExistingVpc
from starburst_constructs.network.s3_addresses import S3_PREFIX_LISTS
from tests.audit.scene import Scene


@dataclass(kw_only=True)
class Theirs:
    """The organization's VPC.

    Attributes:
        ec2: who changes it.
        vpc, group: its ids.
        subnets: the first has a route table of its own, the second goes by the main one.
        tables: of both, in their order, and one that no worker goes by.
    """

    ec2: Any
    vpc: str
    group: str
    subnets: list[str]
    tables: list[str]
    scene: Scene

    def route(self, table: int, there: str, **way: str) -> None:
        self.ec2.create_route(RouteTableId=self.tables[table], DestinationCidrBlock=there, **way)

    def gateway(self) -> str:
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        return str(gateway)

    def peer(self) -> str:
        other = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        made = self.ec2.create_vpc_peering_connection(VpcId=self.vpc, PeerVpcId=other)
        return str(made["VpcPeeringConnection"]["VpcPeeringConnectionId"])

    def nat(self) -> str:
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        made = self.ec2.create_nat_gateway(SubnetId=self.subnets[1], AllocationId=address)
        return str(made["NatGateway"]["NatGatewayId"])

    def findings(self) -> list[str]:
        found = audit(self.scene.subject, [SUBNETS, GROUPS])
        assert found.unseen == {}
        return [str(one) for each in found.findings.values() for one in each]


@pytest.fixture
def theirs(scene: Scene) -> Theirs:
    ec2 = scene.ec2
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.8.{number}.0/24")["Subnet"]["SubnetId"]
        for number in range(2)
    ]
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    [main] = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
    own, unused = (
        ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2)
    )
    ec2.associate_route_table(RouteTableId=own, SubnetId=subnets[0])
    tables = [own, main["RouteTableId"], unused]
    [group] = ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"]
    ec2.revoke_security_group_egress(
        GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"]
    )
    existing = ExistingVpc(vpc_id=vpc, subnet_ids=tuple(subnets), route_table_ids=tuple(tables[:2]))
    network = replace(scene.subject.environment.network, existing=existing)
    scene.subject.environment = replace(scene.subject.environment, network=network)
    # The kit makes no VPC and no subnet then.
    for logical in ("Vpc", "Subnet"):
        del scene.expected["starburst-dev-main"]["Resources"][logical]
        del scene.formation.templates["starburst-dev-main"]["Resources"][logical]
        del scene.formation.physical["starburst-dev-main"][logical]
    return Theirs(
        ec2=ec2, vpc=vpc, group=group["GroupId"], subnets=subnets, tables=tables, scene=scene
    )


def with_nat(theirs: Theirs) -> None:
    environment = theirs.scene.subject.environment
    network = replace(environment.network, egress="nat")
    theirs.scene.subject.environment = replace(environment, network=network)


def test_one_that_is_closed_has_no_finding(theirs: Theirs) -> None:
    assert audit(theirs.scene.subject).code == 0


SPOILED: list[tuple[str, Callable[[Theirs], object]]] = [
    (
        "subnet {subnets[1]} gives public addresses",
        lambda t: t.ec2.modify_subnet_attribute(
            SubnetId=t.subnets[1], MapPublicIpOnLaunch={"Value": True}
        ),
    ),
    (
        "route table {tables[0]} leads out through igw-",
        lambda t: t.route(0, "0.0.0.0/0", GatewayId=t.gateway()),
    ),
    (
        "route table {tables[1]} leads out through igw-",
        lambda t: t.route(1, "0.0.0.0/0", GatewayId=t.gateway()),
    ),
    (
        "route table {tables[0]} leads out through igw-",
        lambda t: t.route(0, "198.51.100.0/24", GatewayId=t.gateway()),
    ),
    (
        "route table {tables[0]} leads out through pcx-",
        lambda t: t.route(0, "0.0.0.0/0", VpcPeeringConnectionId=t.peer()),
    ),
    (
        "route table {tables[0]} leads out through pcx-",
        lambda t: t.route(0, "128.0.0.0/1", VpcPeeringConnectionId=t.peer()),
    ),
    (
        "route table {tables[1]} leads out through nat-",
        lambda t: t.route(1, "0.0.0.0/0", NatGatewayId=t.nat()),
    ),
    (
        "default security group {group} has rules",
        lambda t: t.ec2.authorize_security_group_egress(
            GroupId=t.group,
            IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        ),
    ),
]


@pytest.mark.parametrize(
    ("words", "spoil"), SPOILED, ids=[f"{n} {words}" for n, (words, _) in enumerate(SPOILED)]
)
def test_what_is_open_there_is_found_alone(
    theirs: Theirs, words: str, spoil: Callable[[Theirs], object]
) -> None:
    spoil(theirs)
    [told] = theirs.findings()
    expected = words.format(subnets=theirs.subnets, tables=theirs.tables, group=theirs.group)
    assert told.startswith(expected)


def test_a_public_subnet_is_found_where_a_way_out_is_wanted_too(theirs: Theirs) -> None:
    with_nat(theirs)
    theirs.route(0, "0.0.0.0/0", GatewayId=theirs.gateway())
    [told] = theirs.findings()
    assert "leads out through igw-" in told


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.route(0, "10.9.0.0/16", VpcPeeringConnectionId=t.peer()),
        lambda t: t.route(2, "0.0.0.0/0", GatewayId=t.gateway()),
        lambda t: (with_nat(t), t.route(0, "0.0.0.0/0", NatGatewayId=t.nat())),
    ],
    ids=["to their own networks", "in a table that no worker goes by", "by a NAT that is wanted"],
)
def test_what_an_organization_may_have_is_no_finding(
    theirs: Theirs, change: Callable[[Theirs], object]
) -> None:
    change(theirs)
    assert theirs.findings() == []


def test_groups_of_its_owner_are_held_to_what_they_may_let_through(theirs: Theirs) -> None:
    workers, endpoints = (
        theirs.ec2.create_security_group(GroupName=name, Description=name, VpcId=theirs.vpc)[
            "GroupId"
        ]
        for name in ("workers", "endpoints")
    )
    environment = theirs.scene.subject.environment
    existing = environment.network.existing
    assert existing is not None
    existing = replace(
        existing, worker_security_group_id=workers, endpoints_security_group_id=endpoints
    )
    network = replace(environment.network, existing=existing)
    theirs.scene.subject.environment = replace(environment, network=network)
    found = theirs.findings()
    assert any(f"security group {workers} of workers lets out to 0.0.0.0/0" in one for one in found)
    assert any(f"does not let out to the endpoints ({endpoints})" in one for one in found)
    [group] = theirs.ec2.describe_security_groups(GroupIds=[workers])["SecurityGroups"]
    theirs.ec2.revoke_security_group_egress(
        GroupId=workers, IpPermissions=group["IpPermissionsEgress"]
    )
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    theirs.ec2.authorize_security_group_egress(
        GroupId=workers,
        IpPermissions=[
            {**https, "UserIdGroupPairs": [{"GroupId": endpoints}]},
            {**https, "PrefixListIds": [{"PrefixListId": S3_PREFIX_LISTS[environment.region]}]},
        ],
    )
    assert theirs.findings() == []

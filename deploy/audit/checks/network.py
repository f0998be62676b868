"""Whether workers are in private subnets, behind endpoints, in groups that let nobody in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.audit.subject import Check, Finding, Subject
from deploy.lifecycle.checks.groups import wrong_groups
from starburst.aws.calls import code_of

__all__ = ["ENDPOINTS", "GROUPS", "SUBNETS"]

_WORLD: Final = frozenset({"0.0.0.0/0", "::/0"})
_LEAVES: Final = "code that runs on workers could send data out"
_BATCH: Final = 100
_PUBLIC: Final = ("cagw-", "eigw-", "igw-")
_NARROW: Final = 8
"""A route to fewer addresses than this many bits leave open leads to somebody, not everywhere."""

_GONE: Final = ("InvalidVpcEndpointId.NotFound",)


def _subnets(subject: Subject) -> Iterator[Finding]:
    ec2 = subject.client("ec2")
    existing = subject.environment.network.existing
    names = [one.physical for one, _ in subject.of_kind("AWS::EC2::Subnet")]
    names += existing.subnet_ids if existing is not None else ()
    for subnet in ec2.describe_subnets(SubnetIds=names)["Subnets"] if names else ():
        if subnet["MapPublicIpOnLaunch"]:
            yield Finding(
                resource=f"subnet {subnet['SubnetId']}",
                what="gives public addresses",
                why=_LEAVES,
                do="switch that off again",
            )
    for one, _ in subject.of_kind("AWS::EC2::VPC"):
        for table in _tables(ec2, one.physical):
            for route in table["Routes"]:
                way = _way_out(route)
                if way and not subject.expects(_KINDS[way.partition("-")[0]]):
                    yield _leading_out(table, way)
    if existing is not None:
        nat = subject.environment.network.egress == "nat"
        for table in _used(_tables(ec2, existing.vpc_id), existing.subnet_ids):
            for route in table["Routes"]:
                if way := _way_to_the_world(route, nat=nat):
                    yield _leading_out(table, way)


def _tables(ec2: Any, vpc: str) -> list[Mapping[str, Any]]:  # noqa: ANN401 - any client of boto3
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    pages = ec2.get_paginator("describe_route_tables").paginate(Filters=of_vpc)
    return [table for page in pages for table in page["RouteTables"]]


def _used(
    tables: Sequence[Mapping[str, Any]], subnets: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    """Yield the tables that some subnets go by: their own, or the VPC's main one."""
    own = {
        each["SubnetId"]: table["RouteTableId"]
        for table in tables
        for each in table["Associations"]
        if "SubnetId" in each
    }
    wanted = {own.get(subnet) for subnet in subnets}
    for table in tables:
        main = any(each.get("Main") for each in table["Associations"])
        if table["RouteTableId"] in wanted or (main and None in wanted):
            yield table


def _leading_out(table: Mapping[str, Any], way: str) -> Finding:
    return Finding(
        resource=f"route table {table['RouteTableId']}",
        what=f"leads out through {way}",
        why=_LEAVES,
        do="delete the route, and see in the trail who made it",
    )


def _way_out(route: Mapping[str, Any]) -> str:
    """Return the gateway that a route leads to, where it is one of the kinds below."""
    for name in ("GatewayId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId"):
        target = str(route.get(name, ""))
        if target.partition("-")[0] in _KINDS:
            return target
    return str(route.get("EgressOnlyInternetGatewayId", ""))


def _way_to_the_world(route: Mapping[str, Any], *, nat: bool) -> str:
    """Return through what a route of an organization's VPC leads to the internet.

    Its own networks are reached by narrower routes. Where a way out is wanted, whatever the
    organization has there is it, but for a gateway by which the subnet would be public.
    """
    way = next((str(route[name]) for name in _TARGETS if route.get(name)), "")
    if way.startswith(_PUBLIC):
        return way
    there = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
    return "" if nat or there is None or ip_network(there).prefixlen >= _NARROW else way


_TARGETS: Final = (
    *("CarrierGatewayId", "CoreNetworkArn", "EgressOnlyInternetGatewayId", "GatewayId"),
    *("InstanceId", "LocalGatewayId", "NatGatewayId", "NetworkInterfaceId", "TransitGatewayId"),
    "VpcPeeringConnectionId",
)
_KINDS: Final = {
    "igw": "AWS::EC2::InternetGateway",
    "nat": "AWS::EC2::NatGateway",
    "tgw": "AWS::EC2::TransitGatewayAttachment",
    "pcx": "AWS::EC2::VPCPeeringConnection",
    "eigw": "AWS::EC2::EgressOnlyInternetGateway",
}


def _endpoints(subject: Subject) -> Iterator[Finding]:
    ec2 = subject.client("ec2")
    wanted = {one.physical: made for one, made in subject.of_kind("AWS::EC2::VPCEndpoint")}
    for name, properties in wanted.items():
        told = _endpoint(ec2, name)
        state = "gone" if told is None else str(told["State"])
        if told is None or state.lower() != "available":
            yield Finding(
                resource=f"endpoint {name}",
                what=f"is {state}",
                why="workers cannot reach that service, or would by another way",
                do="deploy its stack again",
            )
            continue
        if properties.get("PrivateDnsEnabled") and not told.get("PrivateDnsEnabled"):
            yield Finding(
                resource=f"endpoint {name} ({told['ServiceName']})",
                what="does not answer for the service's own name",
                why="workers look for another way to it",
                do="enable its private DNS again",
            )


def _endpoint(ec2: Any, name: str) -> Mapping[str, Any] | None:  # noqa: ANN401 - any client of boto3
    try:
        found: list[Mapping[str, Any]] = ec2.describe_vpc_endpoints(VpcEndpointIds=[name])[
            "VpcEndpoints"
        ]
    except ClientError as error:
        if code_of(error) not in _GONE:
            raise
        return None
    return found[0] if found else None


def _groups(subject: Subject) -> Iterator[Finding]:
    ec2 = subject.client("ec2")
    ids = [one.physical for one, _ in subject.of_kind("AWS::EC2::SecurityGroup")]
    for start in range(0, len(ids), _BATCH):
        answer = ec2.describe_security_groups(GroupIds=ids[start : start + _BATCH])
        for group in answer["SecurityGroups"]:
            for direction, rules in (
                ("in from", group["IpPermissions"]),
                ("out to", group["IpPermissionsEgress"]),
            ):
                if any(_WORLD & _ranges(rule) for rule in rules):
                    yield Finding(
                        resource=f"security group {group['GroupId']}",
                        what=f"lets {direction} everywhere",
                        why=_LEAVES if direction == "out to" else "nobody has to reach a worker",
                        do="revoke the rule, and see in the trail who made it",
                    )
    for wrong in wrong_groups(subject.environment, subject.client):
        yield Finding(
            resource=wrong.group,
            what=wrong.what,
            why="the kit changes none of its rules",
            do="have the VPC's owner change it back",
        )
    if "default-security-group" in subject.environment.without:
        return
    existing = subject.environment.network.existing
    networks = [one.physical for one, _ in subject.of_kind("AWS::EC2::VPC")]
    networks += [existing.vpc_id] if existing is not None else []
    for vpc in networks:
        own = [
            {"Name": "vpc-id", "Values": [vpc]},
            {"Name": "group-name", "Values": ["default"]},
        ]
        for group in ec2.describe_security_groups(Filters=own)["SecurityGroups"]:
            if group["IpPermissions"] or group["IpPermissionsEgress"]:
                yield Finding(
                    resource=f"default security group {group['GroupId']}",
                    what="has rules",
                    why="whatever is started without a group is in it",
                    do="revoke all of its rules",
                )


def _ranges(rule: Mapping[str, Any]) -> set[str]:
    return {one["CidrIp"] for one in rule.get("IpRanges", ())} | {
        one["CidrIpv6"] for one in rule.get("Ipv6Ranges", ())
    }


SUBNETS: Final = Check(name="subnets", look=_subnets, items=(5,))
ENDPOINTS: Final = Check(name="endpoints", look=_endpoints, items=(6,))
GROUPS: Final = Check(name="security groups", look=_groups, items=(7,))

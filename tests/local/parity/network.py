"""What EC2 holds: the VPC, its subnets and routes, security groups, endpoints and flow logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.local.parity.reading import Held, Properties, Services, document, reads, tags

__all__: list[str] = []


@reads("AWS::EC2::VPC")
def vpc(aws: Services, ref: str, _asked: Properties) -> Held:
    ec2 = aws["ec2"]
    (found,) = ec2.describe_vpcs(VpcIds=[ref])["Vpcs"]

    def attribute(name: str) -> Any:
        answer = ec2.describe_vpc_attribute(VpcId=ref, Attribute=name[:1].lower() + name[1:])
        return answer[name]["Value"]

    return {
        "CidrBlock": found["CidrBlock"],
        "EnableDnsHostnames": attribute("EnableDnsHostnames"),
        "EnableDnsSupport": attribute("EnableDnsSupport"),
        "InstanceTenancy": found["InstanceTenancy"],
        "Tags": tags(found["Tags"]),
    }


@reads("AWS::EC2::Subnet")
def subnet(aws: Services, ref: str, _asked: Properties) -> Held:
    (found,) = aws["ec2"].describe_subnets(SubnetIds=[ref])["Subnets"]
    return {
        "AvailabilityZone": found["AvailabilityZone"],
        "AvailabilityZoneId": found.get("AvailabilityZoneId"),
        "CidrBlock": found["CidrBlock"],
        "MapPublicIpOnLaunch": found["MapPublicIpOnLaunch"],
        "Tags": tags(found["Tags"]),
        "VpcId": found["VpcId"],
    }


@reads("AWS::EC2::RouteTable")
def route_table(aws: Services, ref: str, _asked: Properties) -> Held:
    (found,) = aws["ec2"].describe_route_tables(RouteTableIds=[ref])["RouteTables"]
    return {"Tags": tags(found["Tags"]), "VpcId": found["VpcId"]}


@reads("AWS::EC2::SubnetRouteTableAssociation")
def route_table_association(aws: Services, ref: str, asked: Properties) -> Held:
    of_table = aws["ec2"].describe_route_tables(RouteTableIds=[asked["RouteTableId"]])
    found = [
        each
        for table in of_table["RouteTables"]
        for each in table["Associations"]
        if each["RouteTableAssociationId"] == ref
    ]
    return {name: found[0][name] for name in ("RouteTableId", "SubnetId")} if found else {}


@reads("AWS::EC2::SecurityGroup")
def security_group(aws: Services, ref: str, asked: Properties) -> Held:
    """Its inline rules; those of resources of their own are read by these."""
    (found,) = aws["ec2"].describe_security_groups(GroupIds=[ref])["SecurityGroups"]
    held = {
        "GroupDescription": found["Description"],
        "GroupName": found["GroupName"],
        "SecurityGroupEgress": [*_rules(found["IpPermissionsEgress"], "Destination")],
        "Tags": tags(found["Tags"]),
        "VpcId": found["VpcId"],
    }
    if "SecurityGroupIngress" in asked:
        held["SecurityGroupIngress"] = [*_rules(found["IpPermissions"], "Source")]
    return held


@reads("AWS::EC2::SecurityGroupIngress")
def ingress(aws: Services, _ref: str, asked: Properties) -> Held:
    return _rule(aws, asked, "IpPermissions")


@reads("AWS::EC2::SecurityGroupEgress")
def egress(aws: Services, _ref: str, asked: Properties) -> Held:
    return _rule(aws, asked, "IpPermissionsEgress")


def _rule(aws: Services, asked: Properties, direction: str) -> Held:
    group = asked["GroupId"]
    (found,) = aws["ec2"].describe_security_groups(GroupIds=[group])["SecurityGroups"]
    end = "Destination" if direction.endswith("Egress") else "Source"
    rules = [{"GroupId": group, **rule} for rule in _rules(found[direction], end)]
    return next((rule for rule in rules if asked.items() <= rule.items()), {**(rules or [{}])[0]})


def _rules(permissions: list[Mapping[str, Any]], end: str) -> Iterator[Held]:
    names = (
        ("IpRanges", "CidrIp", "CidrIp"),
        ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
        ("PrefixListIds", "PrefixListId", f"{end}PrefixListId"),
        ("UserIdGroupPairs", "GroupId", f"{end}SecurityGroupId"),
    )
    for permission in permissions:
        ports = ("IpProtocol", "FromPort", "ToPort")
        held = {name: permission[name] for name in ports if name in permission}
        for kind, read, name in names:
            for each in permission.get(kind, ()):
                told = {"Description": each["Description"]} if each.get("Description") else {}
                yield {**held, name: each[read], **told}


@reads("AWS::EC2::VPCEndpoint")
def endpoint(aws: Services, ref: str, _asked: Properties) -> Held:
    (found,) = aws["ec2"].describe_vpc_endpoints(VpcEndpointIds=[ref])["VpcEndpoints"]
    return {
        "PolicyDocument": document(found.get("PolicyDocument")),
        "PrivateDnsEnabled": found.get("PrivateDnsEnabled"),
        "RouteTableIds": found.get("RouteTableIds"),
        "SecurityGroupIds": [group["GroupId"] for group in found.get("Groups", ())],
        "ServiceName": found["ServiceName"],
        "SubnetIds": found.get("SubnetIds"),
        "Tags": tags(found.get("Tags", ())),
        "VpcEndpointType": found["VpcEndpointType"],
        "VpcId": found["VpcId"],
    }


@reads("AWS::EC2::FlowLog")
def flow_log(aws: Services, ref: str, _asked: Properties) -> Held:
    (found,) = aws["ec2"].describe_flow_logs(FlowLogIds=[ref])["FlowLogs"]
    return {
        "DeliverLogsPermissionArn": found.get("DeliverLogsPermissionArn"),
        "LogDestination": found.get("LogDestination"),
        "LogDestinationType": found["LogDestinationType"],
        "LogFormat": found.get("LogFormat"),
        "LogGroupName": found.get("LogGroupName"),
        "MaxAggregationInterval": found.get("MaxAggregationInterval"),
        "ResourceId": found["ResourceId"],
        # EC2 does not tell the type; an id's beginning does.
        "ResourceType": {"vpc": "VPC", "subnet": "Subnet", "eni": "NetworkInterface"}[
            found["ResourceId"].partition("-")[0]
        ],
        "Tags": tags(found.get("Tags", ())),
        "TrafficType": found["TrafficType"],
    }

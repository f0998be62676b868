"""Forbids public addresses: subnets that give them out, services and interfaces that ask (S12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.template import Resource, Template

__all__ = ["PUBLIC_ADDRESS"]


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    del template
    properties = resource.properties
    if resource.kind == "AWS::EC2::Subnet":
        if properties.get("MapPublicIpOnLaunch", False) is not False:
            yield "it gives a public IPv4 address to whatever starts in it"
        if properties.get("AssignIpv6AddressOnCreation", False) is not False:
            yield "it gives a public IPv6 address to whatever starts in it"
    else:
        vpc = properties.get("NetworkConfiguration", {}).get("AwsvpcConfiguration", {})
        if vpc.get("AssignPublicIp", "DISABLED") != "DISABLED":
            yield "its tasks ask for public addresses"


PUBLIC_ADDRESS: Final = Rule(
    name="public-address",
    controls=("FSBP EC2.15", "FSBP ECS.2", "FSBP ECS.16", "NIST SC-7"),
    kinds=("AWS::EC2::Subnet", "AWS::ECS::Service"),
    fix="Use isolated subnets: mapPublicIpOnLaunch false, assignPublicIp DISABLED.",
    judge=_judge,
)

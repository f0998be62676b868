"""Forbids what leads out of a VPC: gateways, peerings, attachments, routes to them (S12, S13)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.template import Resource, Template

__all__ = ["WAY_OUT"]

_VPC: Final = "AWS::EC2::VPC"
_WAYS: Final = (
    "AWS::EC2::CarrierGateway",
    "AWS::EC2::ClientVpnEndpoint",
    "AWS::EC2::EgressOnlyInternetGateway",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    # What is local needs no route, and endpoints make their own.
    "AWS::EC2::Route",
    "AWS::EC2::TransitGatewayAttachment",
    "AWS::EC2::TransitGatewayVpcAttachment",
    "AWS::EC2::VPCEndpointService",
    "AWS::EC2::VPCPeeringConnection",
    "AWS::EC2::VPNGateway",
    "AWS::Route53Resolver::ResolverEndpoint",
    "AWS::Route53Resolver::ResolverRuleAssociation",
    "AWS::VpcLattice::ServiceNetworkVpcAssociation",
)


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    del template
    if resource.kind != _VPC:
        yield "it leads out of the VPC, where no endpoint's policy asks who goes where"


WAY_OUT: Final = Rule(
    name="way-out",
    controls=("FSBP EC2.10", "NIST AC-4", "NIST SC-7", "PCI 1.3.4"),
    kinds=(_VPC, *_WAYS),
    fix="Reach AWS through VPC endpoints; for the internet, Network(egress='nat') says it once.",
    judge=_judge,
)

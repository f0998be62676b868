"""Teach CloudFormation ``AWS::EC2::EIP`` and ``AWS::EC2::NatGateway``; stock refuses both.

Nothing is routed through them, as through nothing of the network here.
"""

from __future__ import annotations

import re
from typing import Any

from .patching import Patch, module
from .resource_types import Properties, add_type

__all__ = ["PATCH"]


def _apply() -> None:
    ec2 = module("services.ec2")

    def told(action: str, element: str, **words: str) -> str:
        """Call an operation of EC2 in process; return one element of its answer."""
        status, _, body = ec2._ACTION_MAP[action]({name: [value] for name, value in words.items()})
        text = body.decode() if isinstance(body, bytes) else str(body)
        found = re.search(f"<{element}>([^<]*)<", text)
        if status >= 300 or found is None:  # noqa: PLR2004 - HTTP
            raise ValueError(text)
        return found[1]

    def tag(identifier: str, properties: Properties) -> None:
        ec2._tags[identifier] = properties.get("Tags", [])

    def address(_logical_id: str, properties: Properties, _stack: str) -> Any:
        identifier = told("AllocateAddress", "allocationId", Domain="vpc")
        tag(identifier, properties)
        address = ec2._addresses[identifier]["PublicIp"]
        return address, {"AllocationId": identifier, "PublicIp": address}

    def release(physical_id: str, _properties: Properties) -> None:
        for identifier, held in [*ec2._addresses.items()]:
            if held["PublicIp"] == physical_id:
                told("ReleaseAddress", "return", AllocationId=identifier)

    def gateway(_logical_id: str, properties: Properties, _stack: str) -> Any:
        words = {name: str(properties[name]) for name in ("AllocationId", "SubnetId")}
        identifier = told("CreateNatGateway", "natGatewayId", **words)
        tag(identifier, properties)
        return identifier, {"NatGatewayId": identifier}

    def take_away(physical_id: str, _properties: Properties) -> None:
        told("DeleteNatGateway", "natGatewayId", NatGatewayId=physical_id)

    add_type("AWS::EC2::EIP", create=address, delete=release)
    add_type("AWS::EC2::NatGateway", create=gateway, delete=take_away)


PATCH = Patch(
    name="nat_gateways",
    stock="refuses AWS::EC2::EIP and AWS::EC2::NatGateway",
    apply=_apply,
)

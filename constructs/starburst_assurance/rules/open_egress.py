"""Forbids a security group that lets traffic out to the internet, by word or by default (S14)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any, Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.template import Resource, Template

__all__ = ["OPEN_EGRESS"]

WIDEST: Final = 8
"""A prefix shorter than any private network is a way to the internet, as 0.0.0.0/1 is."""


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    if resource.kind == "AWS::EC2::SecurityGroupEgress":
        rules: list[Any] = [resource.properties]
    else:
        rules = resource.properties.get("SecurityGroupEgress", [])
        if not rules:
            yield "it states no egress, and without any EC2 lets everything out"
    for rule in rules:
        block = rule.get("CidrIp", rule.get("CidrIpv6"))
        if block is None:
            continue
        if not isinstance(block, str):
            yield f"its egress to {template.text(block)} is not known before deployment"
        elif ipaddress.ip_network(block, strict=False).prefixlen < WIDEST:
            yield f"it lets traffic out to {block}"


OPEN_EGRESS: Final = Rule(
    name="open-egress",
    controls=("FSBP EC2.18", "CIS 5.4", "NIST SC-7(5)", "PCI 1.3.4"),
    kinds=("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupEgress"),
    fix="Name the endpoints' security group or a prefix list, inline, with its port.",
    judge=_judge,
)

"""Forbids a VPC endpoint that strangers can use, or that leads to strangers (S15 to S18)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.statements import listed, statements
from starburst_assurance.templates.template import Resource, Template

__all__ = ["OPEN_ENDPOINT"]

_OURS: Final = (
    {"aws:principalaccount", "aws:principalorgid"},
    {"aws:resourceaccount", "aws:resourceorgid"},
)
_IMAGE_LAYERS: Final = re.compile(r"arn:aws[\w-]*:s3:::prod-[a-z0-9-]+-starport-layer-bucket/\*")
"""ECR keeps image layers in a bucket of AWS's own; reading it carries nothing out."""


_AGENTS: Final = ("ecs-agent", "ecs-telemetry")
"""Services of which EC2 makes endpoints without a policy only."""


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    properties = resource.properties
    allows = [
        statement
        for statement in statements(properties.get("PolicyDocument"))
        if statement["Effect"] == "Allow"
    ]
    if not allows and not _takes_none(properties):
        yield "it has no policy of its own, and AWS's lets everybody reach everything"
    for statement in allows:
        if not _ours(statement) and not _reads_image_layers(statement, template):
            sid = statement.get("Sid", "a statement")
            yield f"{sid} names no account or organization of both caller and resource"
    if properties.get("VpcEndpointType") == "Interface" and not properties.get("PrivateDnsEnabled"):
        yield "its private DNS is off, so that clients look for a way around it"


def _takes_none(properties: Mapping[str, Any]) -> bool:
    service = str(properties.get("ServiceName", "")).rpartition(".")[2]
    return service in _AGENTS and "PolicyDocument" not in properties


def _ours(statement: Mapping[str, Any]) -> bool:
    equals = {key.lower() for key in statement.get("Condition", {}).get("StringEquals", {})}
    return all(equals & either for either in _OURS)


def _reads_image_layers(statement: Mapping[str, Any], template: Template) -> bool:
    return listed(statement.get("Action")) == ["s3:GetObject"] and all(
        _IMAGE_LAYERS.fullmatch(template.text(value)) for value in listed(statement.get("Resource"))
    )


OPEN_ENDPOINT: Final = Rule(
    name="open-endpoint",
    controls=("Data perimeter: trusted networks", "FSBP EC2.10", "FSBP EC2.55", "NIST SC-7"),
    kinds=("AWS::EC2::VPCEndpoint",),
    fix=(
        "Give it a policy whose every Allow has StringEquals on aws:PrincipalAccount (or OrgID) "
        "and aws:ResourceAccount (or OrgID), and turn private DNS on."
    ),
    judge=_judge,
)

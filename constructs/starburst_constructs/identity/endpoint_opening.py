"""What it takes to open endpoints for a burst: one role for CloudFormation, and who may use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, cast

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from starburst_constructs.identity.roles import KitRole
from starburst_constructs.naming import endpoints_stack_name, role_arn, role_name
from starburst_constructs.network.endpoints import services_in
from starburst_constructs.placement import Placement
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.wildcards import NO_RESOURCE, Allow, patterns

__all__ = [
    "BURST_TAG",
    "REGIONLESS",
    "OpeningRole",
    "flipping_statements",
    "opening_ceiling",
    "opening_statements",
]

BURST_TAG: Final = "starburst:endpoints"
"""Tag of the endpoints that come and go, its value the environment; nothing else carries it."""

REGIONLESS: Final = ("route53:AssociateVPCWithHostedZone",)
"""What endpoints need of a service that has no Region."""

_CLOUDFORMATION: Final = "cloudformation.amazonaws.com"
_READING: Final = (
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
)


def _stack(environment: str, *, placement: Placement) -> str:
    name = endpoints_stack_name(environment)
    return placement.arn("cloudformation", f"stack/{name}/*")


def _is_for_endpoints(environment: str) -> dict[str, str]:
    return {f"aws:RequestTag/{BURST_TAG}": environment}


def flipping_statements(environment: str, *, placement: Placement) -> list[iam.PolicyStatement]:
    """Return what lets the controller update one stack, with one role and no other.

    IAM has no key that tells the previous template from another one, so what an update can do is
    what the role can do: see ``opening_statements``.
    """
    stack = patterns(
        "CloudFormation ends a stack's ARN with an id that it makes.",
        _stack(environment, placement=placement),
    )
    role = role_arn(environment, "endpoints", account=placement.account)
    return [
        Allow(
            sid="OpenAndCloseEndpoints",
            actions=["cloudformation:UpdateStack"],
            resources=stack,
            conditions={"ArnEquals": {"cloudformation:RoleArn": role}},
        ),
        Allow(
            sid="WatchEndpoints",
            actions=["cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"],
            resources=stack,
        ),
        iam.PolicyStatement(
            sid="PassOnlyTheEndpointRole",
            actions=["iam:PassRole"],
            resources=[role],
            conditions={"StringEquals": {"iam:PassedToService": _CLOUDFORMATION}},
        ),
    ]


def opening_statements(
    environment: str,
    *,
    placement: Placement,
    vpc_id: str,
    subnet_ids: Sequence[str],
    group_id: str,
    hosts: bool = False,
    fips: bool = False,
    secrets: bool = False,
) -> list[iam.PolicyStatement]:
    """Return what CloudFormation needs for the endpoints of one VPC, and nothing beside them.

    An endpoint is made with the tag and never changed: what is tagged can only be deleted.
    """
    place = f"arn:aws:ec2:{placement.region}:{placement.account}"
    endpoints = patterns(
        "EC2 makes an endpoint's id; each statement asks for the tag of our endpoints.",
        f"{place}:vpc-endpoint/*",
    )
    everything = patterns(
        f"{NO_RESOURCE}it reads the VPC, and the zone with a service's private names is of that "
        "service's own account: a condition holds it to our VPC.",
        "*",
    )
    needed = services_in(placement.region, hosts=hosts, fips=fips, secrets=secrets)
    services = [f"com.amazonaws.{placement.region}.{service}" for service in needed]
    return [
        iam.PolicyStatement(
            sid="InThisVpc",
            actions=["ec2:CreateVpcEndpoint"],
            resources=[
                f"{place}:vpc/{vpc_id}",
                *(f"{place}:subnet/{subnet}" for subnet in subnet_ids),
                f"{place}:security-group/{group_id}",
            ],
        ),
        Allow(
            sid="ToTheseServices",
            actions=["ec2:CreateVpcEndpoint"],
            resources=endpoints,
            conditions={
                "StringEquals": {
                    "ec2:VpceServiceName": services,
                    **_is_for_endpoints(environment),
                }
            },
        ),
        Allow(
            sid="TaggedAtOnce",
            actions=["ec2:CreateTags"],
            resources=endpoints,
            conditions={
                "StringEquals": {
                    "ec2:CreateAction": "CreateVpcEndpoint",
                    **_is_for_endpoints(environment),
                }
            },
        ),
        Allow(
            sid="DeleteWhatIsTagged",
            actions=["ec2:DeleteVpcEndpoints"],
            resources=endpoints,
            conditions={"StringEquals": {f"aws:ResourceTag/{BURST_TAG}": environment}},
        ),
        # The private names of an AWS service live in a zone of that service's own account.
        Allow(
            sid="PrivateNames",
            actions=REGIONLESS,
            resources=everything,
            conditions={
                "ForAllValues:StringEquals": {
                    "route53:VPCs": [f"VPCId={vpc_id},VPCRegion={placement.region}"]
                }
            },
        ),
        Allow(sid="SeeTheVpc", actions=_READING, resources=everything),
    ]


def opening_ceiling(environment: str, *, placement: Placement) -> list[iam.PolicyStatement]:
    """Return what the permissions boundary must allow for ``OpeningRole`` and who uses it."""
    endpoints = f"arn:aws:ec2:*:{placement.account}:vpc-endpoint/*"
    tag = f"aws:ResourceTag/{BURST_TAG}"
    return [
        ceiling(
            "OwnEndpointsStack",
            ["cloudformation:UpdateStack"],
            resources=[_stack(environment, placement=replace(placement, region="*"))],
        ),
        ceiling(
            "OwnEndpointRole",
            ["iam:PassRole"],
            resources=[role_arn(environment, "endpoints", account=placement.account)],
            conditions={"StringEquals": {"iam:PassedToService": _CLOUDFORMATION}},
        ),
        ceiling(
            "OwnEndpointsMade",
            ["ec2:CreateVpcEndpoint"],
            resources=[
                endpoints,
                *(
                    f"arn:aws:ec2:*:{placement.account}:{kind}/*"
                    for kind in ("security-group", "subnet", "vpc")
                ),
            ],
        ),
        ceiling(
            "OwnEndpointsTagged",
            ["ec2:CreateTags"],
            resources=[endpoints],
            conditions={"StringEquals": {"ec2:CreateAction": "CreateVpcEndpoint"}},
        ),
        ceiling(
            "OwnEndpointsDeleted",
            ["ec2:DeleteVpcEndpoints"],
            resources=[endpoints],
            conditions={"StringEquals": {tag: environment}},
        ),
        ceiling(
            "OwnEndpointsNamed",
            [*_READING, *REGIONLESS],
            resources=["*"],
        ),
    ]


class OpeningRole(Construct):
    """The role in which CloudFormation opens and closes the endpoints for the controller.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        boundary: the most that the role can ever do.
        vpc: whose endpoints.
        subnets: where they have an address.
        group: their security group.
        placement: of the environment.
        hosts: whether workers run on EC2 instances, whose agents need endpoints of their own.
        fips: whether they have FIPS names.
        secrets: whether workers start with secrets.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        boundary: iam.IManagedPolicy,
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet],
        group: ec2.ISecurityGroup,
        placement: Placement,
        hosts: bool = False,
        fips: bool = False,
        secrets: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        # CloudFormation is not documented to send these keys for a stack's role; where it does,
        # they bind. A role can be passed to a stack of its own account only.
        source: dict[str, Any] = {
            "StringEqualsIfExists": {"aws:SourceAccount": placement.account},
            "ArnLikeIfExists": {"aws:SourceArn": _stack(environment, placement=placement)},
        }
        KitRole(
            self,
            "Role",
            name=role_name(environment, "endpoints"),
            purpose="endpoints",
            trust=iam.PrincipalWithConditions(
                cast(iam.IPrincipal, iam.ServicePrincipal(_CLOUDFORMATION)), source
            ),
            boundary=boundary,
            description="CloudFormation opening and closing the private endpoints",
            policies={
                "Opening": opening_statements(
                    environment,
                    placement=placement,
                    vpc_id=vpc.vpc_id,
                    subnet_ids=[subnet.subnet_id for subnet in subnets],
                    group_id=group.security_group_id,
                    hosts=hosts,
                    fips=fips,
                    secrets=secrets,
                )
            },
        )

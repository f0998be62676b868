"""What it takes to open endpoints for a burst: one role for CloudFormation, and who may use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from starburst_constructs.identity.roles import KitRole
from starburst_constructs.naming import endpoints_stack_name, role_arn, role_name
from starburst_constructs.network.endpoints import services_in

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


def _stack(environment: str, *, account: str, region: str) -> str:
    name = endpoints_stack_name(environment)
    return f"arn:aws:cloudformation:{region}:{account}:stack/{name}/*"


def _is_for_endpoints(environment: str) -> dict[str, str]:
    return {f"aws:RequestTag/{BURST_TAG}": environment}


def flipping_statements(
    environment: str, *, account: str, region: str
) -> list[iam.PolicyStatement]:
    """Return what lets the controller update one stack, with one role and no other.

    IAM has no key that tells the previous template from another one, so what an update can do is
    what the role can do: see ``opening_statements``.
    """
    stack = _stack(environment, account=account, region=region)
    role = role_arn(environment, "endpoints", account=account)
    return [
        iam.PolicyStatement(
            sid="OpenAndCloseEndpoints",
            actions=["cloudformation:UpdateStack"],
            resources=[stack],
            conditions={"ArnEquals": {"cloudformation:RoleArn": role}},
        ),
        iam.PolicyStatement(
            sid="WatchEndpoints",
            actions=["cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"],
            resources=[stack],
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
    account: str,
    region: str,
    vpc_id: str,
    subnet_ids: Sequence[str],
    group_id: str,
    hosts: bool = False,
    fips: bool = False,
) -> list[iam.PolicyStatement]:
    """Return what CloudFormation needs for the endpoints of one VPC, and nothing beside them.

    An endpoint is made with the tag and never changed: what is tagged can only be deleted.
    """
    place = f"arn:aws:ec2:{region}:{account}"
    endpoints = f"{place}:vpc-endpoint/*"
    needed = services_in(region, hosts=hosts, fips=fips)
    services = [f"com.amazonaws.{region}.{service}" for service in needed]
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
        iam.PolicyStatement(
            sid="ToTheseServices",
            actions=["ec2:CreateVpcEndpoint"],
            resources=[endpoints],
            conditions={
                "StringEquals": {
                    "ec2:VpceServiceName": services,
                    **_is_for_endpoints(environment),
                }
            },
        ),
        iam.PolicyStatement(
            sid="TaggedAtOnce",
            actions=["ec2:CreateTags"],
            resources=[endpoints],
            conditions={
                "StringEquals": {
                    "ec2:CreateAction": "CreateVpcEndpoint",
                    **_is_for_endpoints(environment),
                }
            },
        ),
        iam.PolicyStatement(
            sid="DeleteWhatIsTagged",
            actions=["ec2:DeleteVpcEndpoints"],
            resources=[endpoints],
            conditions={"StringEquals": {f"aws:ResourceTag/{BURST_TAG}": environment}},
        ),
        # The private names of an AWS service live in a zone of that service's own account.
        iam.PolicyStatement(
            sid="PrivateNames",
            actions=list(REGIONLESS),
            resources=["*"],
            conditions={
                "ForAllValues:StringEquals": {
                    "route53:VPCs": [f"VPCId={vpc_id},VPCRegion={region}"]
                }
            },
        ),
        # Describing has no resource to name.
        iam.PolicyStatement(sid="SeeTheVpc", actions=list(_READING), resources=["*"]),
    ]


def opening_ceiling(environment: str, *, account: str) -> list[iam.PolicyStatement]:
    """Return what the permissions boundary must allow for ``OpeningRole`` and who uses it."""
    endpoints = f"arn:aws:ec2:*:{account}:vpc-endpoint/*"
    tag = f"aws:ResourceTag/{BURST_TAG}"
    return [
        iam.PolicyStatement(
            sid="OwnEndpointsStack",
            actions=["cloudformation:UpdateStack"],
            resources=[_stack(environment, account=account, region="*")],
        ),
        iam.PolicyStatement(
            sid="OwnEndpointRole",
            actions=["iam:PassRole"],
            resources=[role_arn(environment, "endpoints", account=account)],
            conditions={"StringEquals": {"iam:PassedToService": _CLOUDFORMATION}},
        ),
        iam.PolicyStatement(
            sid="OwnEndpointsMade",
            actions=["ec2:CreateVpcEndpoint"],
            resources=[
                endpoints,
                *(
                    f"arn:aws:ec2:*:{account}:{kind}/*"
                    for kind in ("security-group", "subnet", "vpc")
                ),
            ],
        ),
        iam.PolicyStatement(
            sid="OwnEndpointsTagged",
            actions=["ec2:CreateTags"],
            resources=[endpoints],
            conditions={"StringEquals": {"ec2:CreateAction": "CreateVpcEndpoint"}},
        ),
        iam.PolicyStatement(
            sid="OwnEndpointsDeleted",
            actions=["ec2:DeleteVpcEndpoints"],
            resources=[endpoints],
            conditions={"StringEquals": {tag: environment}},
        ),
        iam.PolicyStatement(
            sid="OwnEndpointsNamed",
            actions=[*_READING, *REGIONLESS],
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
        account: twelve digits.
        region: of this environment.
        hosts: whether workers run on EC2 instances, whose agents need endpoints of their own.
        fips: whether they have FIPS names.
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
        account: str,
        region: str,
        hosts: bool = False,
        fips: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        # CloudFormation is not documented to send these keys for a stack's role; where it does,
        # they bind. A role can be passed to a stack of its own account only.
        source: dict[str, Any] = {
            "StringEqualsIfExists": {"aws:SourceAccount": account},
            "ArnLikeIfExists": {
                "aws:SourceArn": _stack(environment, account=account, region=region)
            },
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
                    account=account,
                    region=region,
                    vpc_id=vpc.vpc_id,
                    subnet_ids=[subnet.subnet_id for subnet in subnets],
                    group_id=group.security_group_id,
                    hosts=hosts,
                    fips=fips,
                )
            },
        )

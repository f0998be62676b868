"""VPC endpoints: the only way out of the subnets, for our account to our account only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from starburst_constructs.network.s3_addresses import HTTPS
from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import anyone

__all__ = [
    "CLIENT_SERVICES",
    "FIPS_SERVICES",
    "INTERFACE_SERVICES",
    "NEW_REGIONS",
    "ON_DEMAND",
    "SECRET_SERVICES",
    "TASK_SERVICES",
    "Endpoints",
    "InterfaceEndpoints",
    "ReusedEndpoints",
    "perimeter_statement",
    "services_in",
]

INTERFACE_SERVICES: Final = ("ecr.api", "ecr.dkr", "ecs", "kms", "logs", "sqs", "ssm", "sts")
"""AWS services that workers or the controller call from subnets without an internet route."""

FIPS_SERVICES: Final = ("kms", "sqs", "ssm", "sts")
"""Those of which AWS sells an endpoint with FIPS names too: ECS, ECR and Logs have none.

Source: the services that CDK knows, and https://github.com/aws/containers-roadmap/issues/1002.
"""

TASK_SERVICES: Final = ("ecs-agent", "ecs-telemetry")
"""What Fargate calls from the task's network in ``NEW_REGIONS`` only, and EC2's agents always.

Their endpoints have no policy: users found that these two take none, and no page of AWS says
otherwise (https://github.com/awsdocs/amazon-ecs-developer-guide/issues/55). For a service that
takes none EC2 refuses the endpoint itself: "only supports the full-access endpoint policy".
"""

CLIENT_SERVICES: Final = ("lambda",)
"""What only an analyst's client calls, besides S3, KMS, SQS, SSM and STS: the controller."""

SECRET_SERVICES: Final = ("secretsmanager",)
"""What Fargate calls from the task's network to start one with secrets.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/platform-version-migration.html
"""

NEW_REGIONS: Final = frozenset(
    {
        "ap-east-2",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "ca-west-1",
        "mx-central-1",
    }
)
"""Regions opened since 2023-12-23."""

ON_DEMAND: Final = "Bursting"
"""Parameter of the endpoints' stack: ``on`` while sessions run, else ``off``."""


def services_in(
    region: str,
    *,
    hosts: bool = False,
    fips: bool = False,
    clients: bool = False,
    secrets: bool = False,
) -> tuple[str, ...]:
    """Return the services that need an interface endpoint.

    Args:
        region: of the environment.
        hosts: whether workers run on EC2 instances.
        fips: whether workers and controller call FIPS endpoints, where AWS has them in a VPC.
        clients: whether analysts' clients run in the VPC.
        secrets: whether workers start with secrets.

    Example:
        >>> services_in("us-east-1", fips=True)
        ('ecr.api', 'ecr.dkr', 'ecs', 'kms-fips', 'logs', 'sqs-fips', 'ssm-fips', 'sts-fips')
    """
    called = [
        f"{service}-fips" if fips and service in FIPS_SERVICES else service
        for service in INTERFACE_SERVICES
    ]
    return (
        *called,
        *(TASK_SERVICES if hosts or region in NEW_REGIONS else ()),
        *(CLIENT_SERVICES if clients else ()),
        *(SECRET_SERVICES if secrets else ()),
    )


def perimeter_statement(*, placement: Placement) -> iam.PolicyStatement:
    """Return an endpoint's Allow: our people, to our resources, whatever the action.

    Without it a worker could carry data out to a stranger's bucket with the stranger's own keys.
    """
    organization = placement.organization_id
    ours = (
        {"aws:PrincipalOrgID": organization, "aws:ResourceOrgID": organization}
        if organization
        else {"aws:PrincipalAccount": placement.account, "aws:ResourceAccount": placement.account}
    )
    return iam.PolicyStatement(
        sid="OurPrincipalsToOurResources",
        principals=[anyone()],
        actions=["*"],
        resources=["*"],
        conditions={"StringEquals": ours},
    )


class _Reached(Construct):
    """Interface endpoints behind one security group."""

    group: ec2.ISecurityGroup
    s3_endpoint_id: str

    def admit(self, construct_id: str, client: ec2.ISecurityGroup, *, who: str) -> None:
        """Let ``client`` in on 443.

        A resource of its own, because the client's inline egress already refers to this group.
        """
        ec2.CfnSecurityGroupIngress(
            self,
            construct_id,
            group_id=self.group.security_group_id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            source_security_group_id=client.security_group_id,
            description=f"HTTPS from {who}",
        )


class Endpoints(_Reached):
    """What of them costs nothing and stays: the S3 gateway and the interfaces' group (S15).

    Args:
        scope: parent construct.
        construct_id: its id there.
        vpc: where they are.
        subnets: the gateway goes into their route tables.
        placement: of the environment.
        also: what the S3 gateway lets through besides.
        group_id: of a group that its owner made for the interfaces; one of ours without it.

    Attributes:
        group: security group of the interface endpoints; ``admit`` opens it to a client.
        s3_endpoint_id: of the S3 gateway endpoint.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        subnets: ec2.SubnetSelection,
        placement: Placement,
        also: Sequence[iam.PolicyStatement] = (),
        group_id: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.group = (
            ec2.SecurityGroup.from_security_group_id(self, "Group", group_id, mutable=False)
            if group_id
            else ec2.SecurityGroup(
                self,
                "Group",
                vpc=vpc,
                description="Interface endpoints: 443 from workers and the controller",
                allow_all_outbound=False,
            )
        )
        s3 = ec2.GatewayVpcEndpoint(
            self,
            "S3",
            vpc=vpc,
            service=ec2.GatewayVpcEndpointAwsService.S3,
            subnets=[subnets],
        )
        s3.add_to_policy(perimeter_statement(placement=placement))
        # ECR keeps image layers in a bucket of its own; without it no worker can start.
        s3.add_to_policy(
            iam.PolicyStatement(
                sid="ImageLayers",
                principals=[anyone()],
                actions=["s3:GetObject"],
                resources=[f"arn:aws:s3:::prod-{placement.region}-starport-layer-bucket/*"],
            )
        )
        for statement in also:
            s3.add_to_policy(statement)
        self.s3_endpoint_id = s3.vpc_endpoint_id


class InterfaceEndpoints(Construct):
    """The interface endpoints, each with private names and, if it takes one, a policy (S16 to S18).

    Args:
        scope: the stack that holds nothing else, where they come and go.
        construct_id: its id there.
        vpc: where they are.
        subnets: one address in each.
        group: their security group.
        placement: of the environment.
        hosts: whether workers run on EC2 instances, whose agents call ECS.
        fips: with FIPS names, where AWS has them.
        clients: whether analysts' clients run in the VPC.
        secrets: whether workers start with secrets.
        while_bursting: let the stack's parameter ``Bursting`` say whether they exist. It begins as
            ``off``, and every deployment keeps the value that it finds.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        subnets: ec2.SubnetSelection,
        group: ec2.ISecurityGroup,
        placement: Placement,
        while_bursting: bool,
        hosts: bool = False,
        fips: bool = False,
        clients: bool = False,
        secrets: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        condition = self._condition(cdk.Stack.of(self)) if while_bursting else None
        needed = services_in(
            placement.region, hosts=hosts, fips=fips, clients=clients, secrets=secrets
        )
        for service in needed:
            endpoint = ec2.InterfaceVpcEndpoint(
                self,
                "".join(part.capitalize() for part in service.split(".")),
                vpc=vpc,
                service=ec2.InterfaceVpcEndpointAwsService(service),
                subnets=subnets,
                security_groups=[group],
                open=False,
                private_dns_enabled=True,
            )
            if service not in TASK_SERVICES:
                endpoint.add_to_policy(perimeter_statement(placement=placement))
            if condition is not None:
                resource = cast(cdk.CfnResource, endpoint.node.default_child)
                resource.cfn_options.condition = condition

    def _condition(self, stack: cdk.Stack) -> cdk.CfnCondition:
        # On the stack itself, so that both have the names that the controller and people use.
        parameter = cdk.CfnParameter(
            stack,
            ON_DEMAND,
            allowed_values=["on", "off"],
            default="off",
            description="Whether the endpoints exist; the session controller sets it",
        )
        return cdk.CfnCondition(
            stack,
            "WhileBursting",
            expression=cdk.Fn.condition_equals(parameter.value_as_string, "on"),
        )


class ReusedEndpoints(_Reached):
    """Endpoints that the VPC has already; their policies are their owner's.

    Args:
        scope: parent construct.
        construct_id: its id there.
        security_group_id: of the interface endpoints.
        s3_endpoint_id: of the S3 gateway endpoint.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, security_group_id: str, s3_endpoint_id: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.group = ec2.SecurityGroup.from_security_group_id(
            self, "Group", security_group_id, mutable=False
        )
        self.s3_endpoint_id = s3_endpoint_id

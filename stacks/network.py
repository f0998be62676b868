"""Where workers and the controller run: subnets without an internet route, and who reaches what."""

from __future__ import annotations

from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.foundation import FoundationStack
from stacks.settings import Environment, SettingsError
from stacks.settings.network import MOST_ZONES
from starburst_constructs.identity.endpoint_opening import OpeningRole
from starburst_constructs.monitoring.logs import EncryptedLogGroup
from starburst_constructs.naming import group_parameter, role_arn
from starburst_constructs.network.endpoints import Endpoints, ReusedEndpoints
from starburst_constructs.network.s3_addresses import S3_PREFIX_LISTS
from starburst_constructs.network.vpc import (
    ClosedDefaultGroup,
    EndpointOnlyGroup,
    FlowLog,
)
from starburst_constructs.policies.reads import passing_statements

__all__ = ["NetworkStack"]

NAT_PREFIX: Final = 28
"""The smallest subnet that EC2 makes: a NAT gateway needs one address."""


class NetworkStack(cdk.Stack):
    """The network of one environment (S12 to S15); the interface endpoints are the next stack's.

    Attributes:
        vpc: our own, or the existing one.
        subnets: where workers and the controller run.
        subnet_selection: the same, as CDK's constructs want it.
        worker_security_group: of workers.
        controller_security_group: of the controller's function; None where it runs outside.
        endpoints_group: of the interface endpoints.
        s3_endpoint_id: of the S3 gateway endpoint, for ``aws:SourceVpce``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        foundation: FoundationStack,
        **kwargs: Any,
    ) -> None:
        self._zones = environment.network.zones
        self._named = environment.network.named_zones
        super().__init__(scope, construct_id, **kwargs)
        settings = environment.network
        internet = settings.egress == "nat"
        self.vpc: ec2.IVpc
        existing = settings.existing
        if existing:
            self.vpc = self._existing_vpc(environment)
        else:
            self.vpc = self._own_vpc(environment, foundation)
        self.subnet_selection = ec2.SubnetSelection(
            subnets=self.vpc.private_subnets if internet else self.vpc.isolated_subnets
        )
        self.subnets: list[ec2.ISubnet] = list(self.subnet_selection.subnets or [])
        endpoints: Endpoints | ReusedEndpoints
        if existing and existing.endpoints == "reuse":
            endpoints = ReusedEndpoints(
                self,
                "Endpoints",
                security_group_id=existing.endpoints_security_group_id or "",
                s3_endpoint_id=existing.s3_endpoint_id or "",
            )
        else:
            endpoints = Endpoints(
                self,
                "Endpoints",
                vpc=self.vpc,
                subnets=self.subnet_selection,
                placement=environment.placement,
                also=passing_statements(
                    {
                        role_arn(
                            environment.name, "worker", one.name, account=environment.account
                        ): environment.named_reads(one)
                        for one in environment.workspaces
                    },
                    placement=environment.placement,
                ),
                group_id=existing.endpoints_security_group_id if existing else None,
            )
        prefix_list = settings.s3_prefix_list or S3_PREFIX_LISTS.get(environment.region)
        if prefix_list is None:
            raise SettingsError(
                "network.s3_prefix_list",
                None,
                f"the id of com.amazonaws.{environment.region}.s3, "
                "as `aws ec2 describe-prefix-lists` prints it",
            )
        self.endpoints_group: ec2.ISecurityGroup = endpoints.group
        theirs = existing.worker_security_group_id if existing else None
        self.worker_security_group = (
            ec2.SecurityGroup.from_security_group_id(self, "Workers", theirs, mutable=False)
            if theirs
            else EndpointOnlyGroup(
                self,
                "Workers",
                vpc=self.vpc,
                description="Starburst workers: nothing in, HTTPS to AWS endpoints out",
                endpoints=endpoints.group,
                s3_prefix_list=prefix_list,
                internet=internet,
            ).group
        )
        endpoints.admit("FromWorkers", self.worker_security_group, who="workers")
        for name in environment.own_clusters:
            self._set_apart(
                name,
                environment=environment,
                endpoints=endpoints,
                s3_prefix_list=prefix_list,
                internet=internet,
            )
        self.controller_security_group: ec2.ISecurityGroup | None = None
        if settings.while_bursting:
            OpeningRole(
                self,
                "Opening",
                environment=environment.name,
                boundary=foundation.boundary,
                vpc=self.vpc,
                subnets=self.subnets,
                group=endpoints.group,
                hosts=environment.capacity is not None,
                fips=environment.fips,
                secrets=environment.has_secrets,
                placement=environment.placement,
            )
        else:
            self.controller_security_group = EndpointOnlyGroup(
                self,
                "Controller",
                vpc=self.vpc,
                description="Starburst controller: nothing in, HTTPS to AWS endpoints out",
                endpoints=endpoints.group,
                s3_prefix_list=prefix_list,
            ).group
            endpoints.admit("FromController", self.controller_security_group, who="the controller")
        for group in settings.client_groups:
            client = ec2.SecurityGroup.from_security_group_id(self, f"Client-{group}", group)
            endpoints.admit(f"From-{group}", client, who=f"clients in {group}")
        self.s3_endpoint_id = endpoints.s3_endpoint_id
        if environment.shuts_gateways:
            # IAM cannot stop RunTask from choosing another subnet or a public address (S12); this
            # leaves no subnet of the account where that would reach anything. It is the account's,
            # so it stays when this environment goes.
            ec2.CfnVPCBlockPublicAccessOptions(
                self,
                "BlockPublicAccess",
                internet_gateway_block_mode="block-ingress" if internet else "block-bidirectional",
            ).apply_removal_policy(cdk.RemovalPolicy.RETAIN)

    def _set_apart(
        self,
        workspace: str,
        *,
        environment: Environment,
        endpoints: Endpoints | ReusedEndpoints,
        s3_prefix_list: str,
        internet: bool,
    ) -> None:
        """Give a workspace's workers a group that no other worker is in."""
        group = EndpointOnlyGroup(
            self,
            f"Workers-{workspace}",
            vpc=self.vpc,
            description=f"Starburst workers of {workspace}: nothing in, HTTPS to AWS endpoints out",
            endpoints=endpoints.group,
            s3_prefix_list=s3_prefix_list,
            internet=internet,
        ).group
        endpoints.admit(f"FromWorkers-{workspace}", group, who=f"workers of {workspace}")
        ssm.StringParameter(
            self,
            f"Group-{workspace}",
            parameter_name=group_parameter(environment.name, workspace),
            description=f"Starburst: the security group of the workers of {workspace}",
            string_value=group.security_group_id,
        )

    @staticmethod
    def own_groups(scope: Construct, environment: Environment) -> dict[str, str]:
        """Return the ids of the workspaces' own groups, as a stack that follows reads them."""
        return {
            name: ssm.StringParameter.value_for_string_parameter(
                scope, group_parameter(environment.name, name)
            )
            for name in environment.own_clusters
        }

    @property
    def availability_zones(self) -> list[str]:
        """The zones that are named; else resolved at deployment, without letters it may lack."""
        if self._named:
            return list(self._named)
        return [cdk.Fn.select(index, cdk.Fn.get_azs()) for index in range(self._zones)]

    def _own_vpc(self, environment: Environment, foundation: FoundationStack) -> ec2.Vpc:
        settings = environment.network
        isolated = settings.egress == "isolated"
        tiers = [
            ec2.SubnetConfiguration(
                name="workers",
                subnet_type=(
                    ec2.SubnetType.PRIVATE_ISOLATED
                    if isolated
                    else ec2.SubnetType.PRIVATE_WITH_EGRESS
                ),
                cidr_mask=settings.worker_prefix,
            )
        ]
        if not isolated:
            tiers.append(
                ec2.SubnetConfiguration(
                    name="nat",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    map_public_ip_on_launch=False,
                    cidr_mask=NAT_PREFIX if settings.grows else None,
                )
            )
        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(settings.cidr),
            availability_zones=self.availability_zones,
            # Their blocks stay free, so that a zone more moves no subnet.
            reserved_azs=MOST_ZONES - settings.zones if settings.grows else 0,
            nat_gateways=0 if isolated else settings.zones,
            subnet_configuration=tiers,
            # ClosedDefaultGroup does it without a function, and keeps doing it.
            restrict_default_security_group=False,
        )
        if settings.zone_ids:
            _by_id(vpc)
        FlowLog(
            self,
            "FlowLog",
            vpc=vpc,
            log_group=EncryptedLogGroup(
                self,
                "Flows",
                key=foundation.logs_key,
                days=environment.log_retention_days,
                placement=environment.placement,
            ),
            placement=environment.placement,
        )
        if "default-security-group" not in environment.without:
            ClosedDefaultGroup(
                self,
                "DefaultGroup",
                vpc=vpc,
                placement=environment.placement,
            )
        return vpc

    def _existing_vpc(self, environment: Environment) -> ec2.IVpc:
        """Wrap the organization's VPC; its flow logs and default group are the organization's."""
        existing = environment.network.existing
        assert existing is not None  # noqa: S101 - the caller asked
        attributes: dict[str, Any] = {
            "vpc_id": existing.vpc_id,
            "vpc_cidr_block": environment.network.cidr,
            "availability_zones": self.availability_zones,
        }
        tier = "private" if environment.network.egress == "nat" else "isolated"
        attributes[f"{tier}_subnet_ids"] = list(existing.subnet_ids)
        attributes[f"{tier}_subnet_route_table_ids"] = list(existing.route_table_ids)
        return ec2.Vpc.from_vpc_attributes(self, "Vpc", **attributes)


def _by_id(vpc: ec2.Vpc) -> None:
    """Say of each subnet that its zone is an id: the CDK takes zones for names."""
    for subnet in (*vpc.public_subnets, *vpc.private_subnets, *vpc.isolated_subnets):
        resource = subnet.node.default_child
        assert isinstance(resource, ec2.CfnSubnet)  # noqa: S101 - narrows jsii's type
        resource.availability_zone_id = resource.availability_zone
        resource.availability_zone = None

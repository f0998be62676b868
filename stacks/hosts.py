"""The EC2 instances that workers run on, where an environment asks for them instead of Fargate."""

from __future__ import annotations

from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.compute import ComputeStack
from stacks.foundation import FoundationStack
from stacks.network import NetworkStack
from stacks.settings import Ec2Capacity, Environment, Workspace
from starburst.contract import capacity_provider
from starburst_constructs.compute.hosts import HostGroup, HostTemplate
from starburst_constructs.identity.roles import WORKSPACE_TAG, KitRole
from starburst_constructs.naming import cluster_name, role_name
from starburst_constructs.policies.host import host_statements
from starburst_constructs.storage.keys import HostKey

__all__ = ["HostsStack"]


class HostsStack(cdk.Stack):
    """Groups of instances of one environment: one for each workspace and way of buying.

    Args:
        scope: the stage.
        construct_id: its id there.
        environment: whose instances these are.
        capacity: what it asks for.
        foundation: for the boundary.
        network: for the subnets and the workers' group.
        compute: for the cluster.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        capacity: Ec2Capacity,
        foundation: FoundationStack,
        network: NetworkStack,
        compute: ComputeStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._capacity = capacity
        self._settings = environment
        self._network = network
        self._key = HostKey(
            self,
            "Key",
            account=environment.account,
            organization_id=environment.organization_id,
            keepers=foundation.keepers,
        )
        role = KitRole(
            self,
            "Role",
            name=role_name(environment.name, "host"),
            purpose="host",
            trust=cast(iam.IPrincipal, iam.ServicePrincipal("ec2.amazonaws.com")),
            boundary=foundation.boundary,
            description="The ECS agent of instances that workers run on",
            policies={
                "Agent": host_statements(
                    environment.name, account=environment.account, region=environment.region
                )
            },
        )
        self._profile = iam.CfnInstanceProfile(self, "Profile", roles=[role.role_name])
        providers = [
            provider for workspace in environment.workspaces for provider in self._of(workspace)
        ]
        # A task's strategy names its provider; a default would be a way to forget it.
        association = ecs.CfnClusterCapacityProviderAssociations(
            self,
            "Providers",
            cluster=compute.cluster.cluster_name,
            capacity_providers=[provider.ref for provider in providers],
            default_capacity_provider_strategy=[],
        )
        for provider in providers:
            association.node.add_dependency(provider)

    def _of(self, workspace: Workspace) -> list[ecs.CfnCapacityProvider]:
        environment, capacity = self._settings, self._capacity
        names = [one.name for one in capacity.instance_types]
        template = HostTemplate(
            self,
            f"Template-{workspace.name}",
            cluster=cluster_name(environment.name),
            architecture=environment.architecture,
            instance_type=names[0],
            profile_arn=self._profile.attr_arn,
            group=self._network.worker_security_group,
            key=self._key,
            disk_gb=capacity.disk_gb,
            workspace=workspace.name,
        )
        groups = [
            HostGroup(
                self,
                f"{'Spot' if spot else 'OnDemand'}-{workspace.name}",
                name=capacity_provider(environment.name, workspace.name, spot=spot),
                template=template,
                instance_types=names,
                subnets=[subnet.subnet_id for subnet in self._network.subnets],
                spot=spot,
                most=capacity.most,
                # EC2 keeps no Spot instance warm.
                warm=0 if spot else capacity.warm,
            )
            for spot in ((False, True) if capacity.spot else (False,))
        ]
        for owned in (template, *groups):
            cdk.Tags.of(owned).add(WORKSPACE_TAG, workspace.name)
        return [group.provider for group in groups]

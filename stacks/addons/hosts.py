"""Hosts: EC2 instances that workers run on, where ``capacity`` asks for them instead of Fargate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.addons.core import Core
from stacks.compute import ComputeStack
from stacks.foundation import FoundationStack
from stacks.network import NetworkStack
from stacks.settings import Ec2Capacity, Environment, Workspace
from stacks.settings.addon import Addon
from stacks.waivers import decision
from starburst.contract import COST_TAG, WORKSPACE_TAG, booked_on, capacity_provider
from starburst_assurance.waivers import Waiver
from starburst_constructs.compute.hosts import HostGroup, HostTemplate
from starburst_constructs.identity.roles import KitRole
from starburst_constructs.naming import cluster_name, role_name
from starburst_constructs.policies.host import host_ceiling, host_statements
from starburst_constructs.storage.keys import HostKey

if TYPE_CHECKING:
    from starburst_assurance.proofs.theorems.roles.tables import Duty

__all__ = ["Hosts", "HostsStack"]

_CLUSTER: Final = (
    "ecs:DeregisterContainerInstance",
    "ecs:RegisterContainerInstance",
    "ecs:SubmitAttachmentStateChanges",
    "ecs:SubmitContainerStateChange",
    "ecs:SubmitTaskStateChange",
)
_MEMBER: Final = ("ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState")
_FINDING: Final = (("ecs:DiscoverPollEndpoint",), ("*",))


@dataclass(frozen=True, kw_only=True)
class Hosts(Addon):
    """What ``Environment(capacity=Ec2Capacity(…))`` switches on.

    Attributes:
        capacity: what the environment asks for.
    """

    name: ClassVar[str] = "hosts"
    summary: ClassVar[str] = "Workers run on EC2 instances of their own workspace, not on Fargate."
    page: ClassVar[str] = "docs/how-to/choose-capacity.md"

    capacity: Ec2Capacity

    def build(self, stage: cdk.Stage) -> None:
        """Add the one stack."""
        core = Core.of(stage)
        HostsStack(
            stage,
            self.name,
            environment=core.environment,
            capacity=self.capacity,
            foundation=core.foundation,
            network=core.network,
            compute=core.compute,
            **core.stack_options(self.name),
        )

    def ceilings(self, environment: Environment) -> Sequence[iam.PolicyStatement]:
        """Return what the agent needs."""
        return host_ceiling(environment.name, placement=environment.placement)

    def waivers(self, environment: Environment) -> Sequence[Waiver]:
        """Return the exceptions for groups of instances."""
        return tuple(_waivers(environment, self.capacity))

    def duties(self) -> Mapping[str, Sequence[Duty]]:
        """Return what the agent is for."""
        return {
            "host": (
                (_CLUSTER, ("arn:aws:ecs:{r}:{a}:cluster/starburst-{env}",)),
                (_MEMBER, ("arn:aws:ecs:{r}:{a}:container-instance/starburst-{env}/*",)),
                _FINDING,
            )
        }

    def ceiling_duties(self) -> Sequence[Duty]:
        """Return the same, in any Region."""
        return (
            (_CLUSTER, ("arn:aws:ecs:*:{a}:cluster/starburst-{env}",)),
            (_MEMBER, ("arn:aws:ecs:*:{a}:container-instance/starburst-{env}/*",)),
            _FINDING,
        )

    def local_gaps(self) -> Sequence[str]:
        """Return what the emulator lacks."""
        return ("no EC2 instances start: workers are processes whatever capacity says",)


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
            placement=environment.placement,
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
            policies={"Agent": host_statements(environment.name, placement=environment.placement)},
        )
        self._profile = iam.CfnInstanceProfile(self, "Profile", roles=[role.role_name])
        providers = [
            provider for workspace in environment.workspaces for provider in self._of(workspace)
        ]
        # A task's strategy names its provider; a default would be a way to forget it.
        # It refers to each group's provider, which orders them: no dependency says so again.
        ecs.CfnClusterCapacityProviderAssociations(
            self,
            "Providers",
            cluster=compute.cluster.cluster_name,
            capacity_providers=[provider.ref for provider in providers],
            default_capacity_provider_strategy=[],
        )

    def _of(self, workspace: Workspace) -> list[ecs.CfnCapacityProvider]:
        environment, capacity = self._settings, self._capacity
        names = [one.name for one in capacity.instance_types]
        tags = {
            WORKSPACE_TAG: workspace.name,
            COST_TAG: booked_on(environment.name, workspace.name),
        }
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
            tags=tags,
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
            for key, value in tags.items():
                cdk.Tags.of(owned).add(key, value)
        return [group.provider for group in groups]


def _waivers(environment: Environment, capacity: Ec2Capacity) -> Iterator[Waiver]:
    names = [workspace.name for workspace in environment.workspaces]
    spot = [f"hosts/Spot-{name}/Group" for name in names if capacity.spot]
    on_demand = [f"hosts/OnDemand-{name}/Group" for name in names]
    single = len(capacity.instance_types) == 1
    yield decision(
        ["AwsSolutions-AS3"],
        [*on_demand, *spot],
        "ECS fills and drains these groups many times a day; a message for each would be read by "
        "nobody, and every change is in the trail.",
    )
    yield decision(
        ["CT.AUTOSCALING.PR.1"],
        [*on_demand, *spot],
        "The groups are in every subnet of the workers, each in a zone of its own; the rule reads "
        "a list of zones, which would have to repeat what the subnets say.",
    )
    mixed = [*([] if single else on_demand), *spot]
    if mixed:
        yield decision(
            [
                "AwsSolutions-EC26",
                "HIPAA.Security-EC2IMDSv2Enabled",
                "NIST.800.53.R5-EC2IMDSv2Enabled",
            ],
            mixed,
            "The rules do not follow a mixed group to its launch template, which requires IMDSv2 "
            "and encrypts the disk with our key; tests of the template assert both.",
        )
    if single:
        yield decision(
            ["CT.AUTOSCALING.PR.6"],
            [*on_demand, *spot],
            "The environment names one instance type, as a warm pool demands; a wait for more of "
            "it is shown to the analyst.",
        )
